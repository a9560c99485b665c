{{/*
One map laid over another, as YAML: list of the lower and the upper one. Maps are merged key by key; anything else of
the upper one counts, be it false or 0; null takes a key away, such as runAsUser where the platform chooses it. (The
function mergeOverwrite keeps what is below wherever the upper value is empty.)
*/}}
{{- define "fairlead.merged" -}}
{{- $merged := index . 0 | deepCopy -}}
{{- range $key, $value := index . 1 -}}
{{- if kindIs "invalid" $value -}}
{{- $merged = unset $merged $key -}}
{{- else if and (kindIs "map" $value) (kindIs "map" (get $merged $key)) -}}
{{- $_ := include "fairlead.merged" (list (get $merged $key) $value) | fromYaml | set $merged $key -}}
{{- else -}}
{{- $_ := set $merged $key $value -}}
{{- end -}}
{{- end -}}
{{- toYaml $merged -}}
{{- end -}}
