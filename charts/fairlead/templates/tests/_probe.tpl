{{/* The container that opens a socket: list of the root, and "http" or "https". */}}
{{- define "fairlead.tests.probe" -}}
{{- $root := index . 0 -}}
{{- $name := index . 1 -}}
{{- $proxy := printf "%s-proxy" (include "fairlead.tests.name" $root) -}}
{{- $port := get $root.Values.ports $name -}}
{{- if include "fairlead.tests.throughService" $root -}}
{{- $proxy = include "fairlead.fullname" $root -}}
{{- $port = get $root.Values.service.ports $name -}}
{{- end -}}
- name: {{ $name }}
  {{- include "fairlead.tests.container" $root | nindent 2 }}
  args:
  - probe
  - {{ eq $name "https" | ternary "wss" "ws" }}://{{ include "fairlead.tests.host" $root }}/
  - --connect-to={{ $proxy }}.{{ $root.Release.Namespace }}.svc:{{ $port }}
  - --send=hello
  - --retry-for=2m # from the moment when the release is new, until replicas are ready and have the route
  {{- if eq $name "https" }}
  - --insecure # the host of the test has no certificate
  {{- end }}
{{- end -}}

{{/* What all containers of the test have. */}}
{{- define "fairlead.tests.container" -}}
image: {{ include "fairlead.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
resources:
  requests: {cpu: 10m, memory: 32Mi}
securityContext:
  {{- include "fairlead.containerSecurityContext" . | nindent 2 }}
{{- end -}}

{{/* The listeners through which the test goes, as YAML. */}}
{{- define "fairlead.tests.listeners" -}}
{{- $through := include "fairlead.tests.throughService" . -}}
{{- range $name := list "http" "https" }}
{{- if and (get $.Values.ports $name) (or (not $through) (get $.Values.service.ports $name)) }}
- {{ $name }}
{{- end }}
{{- end }}
{{- end -}}
