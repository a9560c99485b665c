{{/* Who has the rights: the ServiceAccount of the pods. */}}
{{- define "fairlead.subjects" -}}
subjects:
- kind: ServiceAccount
  name: {{ include "fairlead.serviceAccountName" . }}
  namespace: {{ .Release.Namespace }}
{{- end -}}

{{/* A binding of a Role to the ServiceAccount: list of the root, the namespace, and the name of both. */}}
{{- define "fairlead.roleBinding" -}}
{{- $root := index . 0 -}}
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: {{ index . 2 }}
  namespace: {{ index . 1 }}
  labels:
    {{- include "fairlead.labels" $root | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: {{ index . 2 }}
{{ include "fairlead.subjects" $root }}
{{- end -}}
