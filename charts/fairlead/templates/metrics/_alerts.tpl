{{/*
The rules of files/alerts.yaml for this release. What they write in braces is for Prometheus: the file is read as data,
so that no template touches it.
*/}}
{{- define "fairlead.metrics.alerts" -}}
{{- $values := .Values.metrics.prometheusRule -}}
{{- $text := .Files.Get "files/alerts.yaml" | replace "job=\"fairlead\"" (include "fairlead.metrics.selector" .) -}}
{{- $rules := (index (fromYaml $text).groups 0).rules -}}
{{- $names := list -}}
{{- range $rules -}}{{- $names = append $names .alert -}}{{- end -}}
{{- range $values.disabled -}}
{{- if not (has . $names) -}}
{{- fail (printf "metrics.prometheusRule.disabled: there is no alert %s. There are: %s." . (join ", " $names)) -}}
{{- end -}}
{{- end -}}
{{- $kept := list -}}
{{- range $rules -}}
{{- if not (has .alert $values.disabled) -}}
{{- $_ := set . "labels" (merge (dict) ($values.alertLabels | default dict) .labels) -}}
{{- if eq .alert "FairleadDrainStuck" -}}
{{- /* What kills a replica comes at the end of this time, and a minute is enough for it. */ -}}
{{- $_ := set . "for" (printf "%ds" (add 60 (include "fairlead.gracePeriod" $ | int))) -}}
{{- end -}}
{{- $kept = append $kept . -}}
{{- end -}}
{{- end -}}
{{- toYaml $kept -}}
{{- end -}}
