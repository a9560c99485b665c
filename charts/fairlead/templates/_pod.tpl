{{/* The pod, the same for a Deployment and a DaemonSet. */}}
{{- define "fairlead.pod" -}}
metadata:
  labels:
    # None that a new version of the chart changes: each change of the pod restarts replicas, and closes sockets.
    {{- include "fairlead.selectorLabels" . | nindent 4 }}
    {{- with merge (dict) (.Values.podLabels | default dict) (.Values.commonLabels | default dict) }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with .Values.podAnnotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  {{- include "fairlead.pod.placement" . | nindent 2 }}
  serviceAccountName: {{ include "fairlead.serviceAccountName" . }}
  # The variables of a Service named fairlead would look like flags: FAIRLEAD_PORT and the like.
  enableServiceLinks: false
  # The delay, the timeout, and 5 seconds to end in; a second less and sockets could be cut.
  terminationGracePeriodSeconds: {{ include "fairlead.gracePeriod" . }}
  {{- with .Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  securityContext:
    {{- include "fairlead.podSecurityContext" . | nindent 4 }}
  containers:
  - name: fairlead
    {{- include "fairlead.container" . | nindent 4 }}
  {{- with .Values.extraVolumes }}
  volumes:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}

{{/* Where the pod may run, and in which network. */}}
{{- define "fairlead.pod.placement" -}}
{{- $keys := dict -}}
{{- with .Values -}}
{{- if .hostNetwork }}{{ $_ := set $keys "hostNetwork" true }}{{ end -}}
{{- with .dnsPolicy | default (.hostNetwork | ternary "ClusterFirstWithHostNet" "") }}{{ $_ := set $keys "dnsPolicy" . }}{{ end -}}
{{- with .priorityClassName }}{{ $_ := set $keys "priorityClassName" . }}{{ end -}}
{{- with .nodeSelector }}{{ $_ := set $keys "nodeSelector" . }}{{ end -}}
{{- with .tolerations }}{{ $_ := set $keys "tolerations" . }}{{ end -}}
{{- end -}}
{{- with include "fairlead.merged" (list (include "fairlead.pod.zones" . | fromYaml) .Values.affinity) | fromYaml }}{{ $_ := set $keys "affinity" . }}{{ end -}}
{{- with include "fairlead.pod.spread" . | fromYamlArray }}{{ $_ := set $keys "topologySpreadConstraints" . }}{{ end -}}
{{- with $keys }}{{ toYaml . }}{{ end -}}
{{- end -}}

{{/*
How replicas are spread. A DaemonSet is spread by what it is. Over nodes by a constraint, and over zones by affinity: for
the scheduler a node that lacks the label of one constraint counts for none of them, so that a constraint on zones would
undo the one on nodes where there are no zones.
*/}}
{{- define "fairlead.pod.spread" -}}
{{- if .Values.topologySpreadConstraints -}}
{{- toYaml .Values.topologySpreadConstraints -}}
{{- else if eq .Values.kind "Deployment" -}}
- maxSkew: 1
  topologyKey: kubernetes.io/hostname
  whenUnsatisfiable: ScheduleAnyway
  labelSelector:
    matchLabels:
      {{- include "fairlead.selectorLabels" . | nindent 6 }}
  # Counts the new replicas of a rolling update among themselves, and not the old ones that are about to go.
  matchLabelKeys: [pod-template-hash]
{{- else -}}
[]
{{- end -}}
{{- end -}}

{{/* The affinity that spreads over zones, unless constraints or an anti-affinity of the values say how. */}}
{{- define "fairlead.pod.zones" -}}
{{- $own := or .Values.topologySpreadConstraints (hasKey (.Values.affinity | default dict) "podAntiAffinity") -}}
{{- if and (eq .Values.kind "Deployment") (not $own) -}}
podAntiAffinity:
  preferredDuringSchedulingIgnoredDuringExecution:
  - weight: 100
    podAffinityTerm:
      topologyKey: topology.kubernetes.io/zone
      labelSelector:
        matchLabels:
          {{- include "fairlead.selectorLabels" . | nindent 10 }}
      matchLabelKeys: [pod-template-hash]
{{- else -}}
{}
{{- end -}}
{{- end -}}

{{- define "fairlead.gracePeriod" -}}
{{- $needed := add (int .Values.drain.delaySeconds) (int .Values.drain.timeoutSeconds) 5 -}}
{{- kindIs "invalid" .Values.terminationGracePeriodSeconds | ternary $needed .Values.terminationGracePeriodSeconds | int -}}
{{- end -}}

{{/* What "restricted" asks for, and the right to open ports below 1024, which it allows: no capability is needed. */}}
{{- define "fairlead.podSecurityContext" -}}
{{- $defaults := dict "runAsNonRoot" true "runAsUser" 65532 "runAsGroup" 65532 "seccompProfile" (dict "type" "RuntimeDefault") -}}
{{- $context := include "fairlead.merged" (list $defaults .Values.podSecurityContext) | fromYaml -}}
{{- $lowest := include "fairlead.lowestPort" . | int -}}
{{- if and (lt $lowest 1024) (not .Values.hostNetwork) -}}
{{- $start := dict "name" "net.ipv4.ip_unprivileged_port_start" "value" (toString $lowest) -}}
{{- $set := false -}}
{{- range $context.sysctls -}}{{- if eq .name $start.name -}}{{- $set = true -}}{{- end -}}{{- end -}}
{{- if not $set -}}{{- $_ := append ($context.sysctls | default list) $start | set $context "sysctls" -}}{{- end -}}
{{- end -}}
{{- toYaml $context -}}
{{- end -}}

{{/* The lowest port that the container opens. */}}
{{- define "fairlead.lowestPort" -}}
{{- $lowest := int .Values.ports.admin -}}
{{- range list .Values.ports.http .Values.ports.https -}}
{{- if . }}{{ $lowest = min $lowest (int .) }}{{ end -}}
{{- end -}}
{{- $lowest -}}
{{- end -}}
