{{/* The container of Fairlead itself, without its name. */}}
{{- define "fairlead.container" -}}
image: {{ include "fairlead.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
args:
{{ include "fairlead.args" . }}
env: # who and where this replica is: for the status of objects, and for the zones in EndpointSlices
- {name: POD_NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
- {name: POD_NAMESPACE, valueFrom: {fieldRef: {fieldPath: metadata.namespace}}}
- {name: NODE_NAME, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
ports:
{{- include "fairlead.container.ports" . }}
livenessProbe: # patient: a restart cuts every socket of the replica, a slow minute cuts none
  {{- $live := dict "httpGet" (dict "path" "/healthz" "port" "admin") "periodSeconds" 10 "timeoutSeconds" 5 "failureThreshold" 6 }}
  {{- include "fairlead.merged" (list $live .Values.livenessProbe) | nindent 2 }}
readinessProbe: # true after the first route table; it stays true while the API server is away
  {{- $ready := dict "httpGet" (dict "path" "/readyz" "port" "admin") "periodSeconds" 2 "timeoutSeconds" 2 "failureThreshold" 2 }}
  {{- include "fairlead.merged" (list $ready .Values.readinessProbe) | nindent 2 }}
{{- with .Values.resources }}
resources:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  {{- include "fairlead.containerSecurityContext" . | nindent 2 }}
{{- with .Values.extraVolumeMounts }}
volumeMounts:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* The ports of the container, and those of the node that lead to them. */}}
{{- define "fairlead.container.ports" -}}
{{- $values := .Values -}}
{{- range $name := list "http" "https" "admin" -}}
{{- $port := get $values.ports $name -}}
{{- if $port }}
- name: {{ $name }}
  containerPort: {{ $port }}
  protocol: TCP
  {{- if and $values.hostPorts.enabled (hasKey $values.hostPorts $name) }}
  hostPort: {{ get $values.hostPorts $name }}
  {{- end }}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* What "restricted" asks for. */}}
{{- define "fairlead.containerSecurityContext" -}}
{{- $defaults := dict "allowPrivilegeEscalation" false "readOnlyRootFilesystem" true "capabilities" (dict "drop" (list "ALL")) -}}
{{- include "fairlead.merged" (list $defaults .Values.containerSecurityContext) -}}
{{- end -}}
