{{/*
The labels by which the pods of this release are selected: by the workload, Services, monitors, policies. Fairlead
itself finds its other replicas by exactly these. They can't be changed after the installation.
*/}}
{{- define "fairlead.selectorLabels" -}}
app.kubernetes.io/name: {{ include "fairlead.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: controller
{{- end -}}

{{/* The labels of every object but those of the test. */}}
{{- define "fairlead.labels" -}}
{{ include "fairlead.selectorLabels" . }}
{{ include "fairlead.chartLabels" . }}
{{- end -}}

{{/* The same with further ones for one object: list of the root and these. They count before commonLabels. */}}
{{- define "fairlead.labelsAnd" -}}
{{- $root := index . 0 -}}
{{- $labels := include "fairlead.labels" $root | fromYaml -}}
{{- range $key, $value := index . 1 -}}
{{- if or (not (hasKey $labels $key)) (hasKey ($root.Values.commonLabels | default dict) $key) -}}
{{- $_ := set $labels $key $value -}}
{{- end -}}
{{- end -}}
{{- toYaml $labels -}}
{{- end -}}

{{/* The labels by which the pod of `helm test` is selected, which is a replica to nobody. */}}
{{- define "fairlead.testPods" -}}
app.kubernetes.io/name: {{ include "fairlead.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: test
{{- end -}}

{{/* The labels of what the test makes. */}}
{{- define "fairlead.testLabels" -}}
{{ include "fairlead.testPods" . }}
{{ include "fairlead.chartLabels" . }}
{{- end -}}

{{- define "fairlead.chartLabels" -}}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: fairlead
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}
