{{/*
Which series are those of this release: the ones of its pods. Not those of a job, for what a job is called depends on
how Prometheus finds the pods. The names of pods end as their owner's kind has it, so that the release "fairlead" is not
also "fairlead-internal" beside it. Of a longer name Kubernetes cuts the end off.
*/}}
{{- define "fairlead.metrics.selector" -}}
{{- $name := include "fairlead.fullname" . -}}
{{- $end := eq .Values.kind "DaemonSet" | ternary "-[a-z0-9]{5}" "-[a-z0-9]+-[a-z0-9]{5}" -}}
{{- if gt (len $name) 46 -}}
{{- $end = ".*" -}}
{{- end -}}
namespace="{{ .Release.Namespace }}",pod=~"{{ $name | trunc 46 }}{{ $end }}"
{{- end -}}

{{/* How often and in which way a monitor scrapes: list of the chart's context and the values of the monitor. */}}
{{- define "fairlead.metrics.endpoint" -}}
{{- $monitor := index . 1 -}}
- port: admin
  path: /metrics
  {{- with $monitor.interval }}
  interval: {{ . }}
  {{- end }}
  {{- with $monitor.scrapeTimeout }}
  scrapeTimeout: {{ . }}
  {{- end }}
  relabelings:
  # The operator calls the port's name "endpoint", which in fairlead_sessions is who a session is with.
  - action: labeldrop
    regex: endpoint
  {{- with $monitor.relabelings }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
  {{- with $monitor.metricRelabelings }}
  metricRelabelings:
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}

{{/*
The labels of the Service for metrics. Its component is another one than that of the Service for clients, so that the
ServiceMonitor takes one of the two.
*/}}
{{- define "fairlead.metrics.serviceSelector" -}}
app.kubernetes.io/name: {{ include "fairlead.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: metrics
{{- end -}}
