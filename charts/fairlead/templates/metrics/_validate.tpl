{{/* Says what contradicts itself in the values of metrics, autoscaling and keda. */}}
{{- define "fairlead.validate.metrics" -}}
{{- if and .Values.metrics.serviceMonitor.enabled .Values.metrics.podMonitor.enabled -}}
{{- fail "metrics.serviceMonitor.enabled and metrics.podMonitor.enabled: each alone has Prometheus scrape all replicas; with both every socket would be counted twice. Choose one." -}}
{{- end -}}
{{- end -}}

{{- define "fairlead.validate.autoscaling" -}}
{{- $values := .Values -}}
{{- if and .Values.autoscaling.enabled .Values.keda.enabled -}}
{{- fail "autoscaling.enabled and keda.enabled: KEDA makes a HorizontalPodAutoscaler of its own, and two would work against each other. Choose one; keda.triggers can have CPU too." -}}
{{- end -}}
{{- range $by := list "autoscaling" "keda" -}}
{{- $scaling := get $values $by -}}
{{- if $scaling.enabled -}}
{{- if ne $values.kind "Deployment" -}}
{{- fail (printf "%s.enabled with kind %s: only a Deployment can be scaled; a %s has one replica on each node." $by $values.kind $values.kind) -}}
{{- end -}}
{{- if gt (int $scaling.minReplicas) (int $scaling.maxReplicas) -}}
{{- fail (printf "%s.minReplicas is %d, more than %s.maxReplicas, %d." $by (int $scaling.minReplicas) $by (int $scaling.maxReplicas)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- with .Values.autoscaling -}}
{{- if .enabled -}}
{{- if not (or .targetCPUUtilization .targetSessions) -}}
{{- fail "autoscaling.enabled: autoscaling.targetCPUUtilization and autoscaling.targetSessions are both 0, so that nothing says how many replicas there shall be. Set one." -}}
{{- end -}}
{{- if and .targetCPUUtilization (not (dig "requests" "cpu" "" ($values.resources | default dict))) -}}
{{- fail "autoscaling.targetCPUUtilization is a share of resources.requests.cpu, which is not set. Set it, or targetCPUUtilization to 0." -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- with .Values.keda -}}
{{- if .enabled -}}
{{- if not (or .targetSessions .triggers) -}}
{{- fail "keda.enabled: keda.targetSessions is 0 and keda.triggers is empty, so that nothing says how many replicas there shall be. Set one." -}}
{{- end -}}
{{- if and .targetSessions (not .prometheusAddress) -}}
{{- fail "keda.targetSessions needs keda.prometheusAddress, where the sessions are asked for, such as http://prometheus.monitoring.svc:9090." -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
