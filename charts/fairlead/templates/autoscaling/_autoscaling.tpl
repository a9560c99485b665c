{{/* How fast the number of replicas changes: list of the values scaleDown. */}}
{{- define "fairlead.autoscaling.behavior" -}}
scaleUp: # at once: each new socket of an overloaded replica is one too many
  stabilizationWindowSeconds: 0
  selectPolicy: Max
  policies:
  - {type: Percent, value: 100, periodSeconds: 60}
  - {type: Pods, value: 4, periodSeconds: 60}
scaleDown: # slowly: the sockets of a replica that goes are closed
  stabilizationWindowSeconds: {{ .stabilizationSeconds }}
  policies:
  - {type: Pods, value: {{ .replicas }}, periodSeconds: {{ .periodSeconds }}}
{{- end -}}

{{/* The live sessions of all replicas together, which KEDA divides by their number. */}}
{{- define "fairlead.keda.query" -}}
{{- $selector := include "fairlead.metrics.selector" . -}}
sum(fairlead_sessions{ {{- $selector -}} }) or 0 * sum(fairlead_ready{ {{- $selector -}} })
{{- end -}}
