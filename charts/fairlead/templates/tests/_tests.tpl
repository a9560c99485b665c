{{/* Why `helm test` has nothing to run with these values. Empty: it has. */}}
{{- define "fairlead.tests.missing" -}}
{{- if not .Values.tests.enabled -}}
tests.enabled is false
{{- else if .Values.proxyProtocol -}}
with proxyProtocol clients come through a load balancer that speaks it, which a pod does not
{{- else if .Values.watch.namespaceSelector -}}
with watch.namespaceSelector it is not known whether its namespace is served
{{- else if contains "(" (.Values.watch.labelSelector | default "") -}}
watch.labelSelector is more than a list of equalities, so that the test can't label its Ingress to match it
{{- end -}}
{{- end -}}

{{/* Where the test runs: in a namespace that is served. */}}
{{- define "fairlead.tests.namespace" -}}
{{- $watched := .Values.watch.namespaces -}}
{{- if or (not $watched) (has .Release.Namespace $watched) -}}
{{- .Release.Namespace -}}
{{- else -}}
{{- first $watched -}}
{{- end -}}
{{- end -}}

{{- define "fairlead.tests.name" -}}
{{- include "fairlead.fullname" . }}-test
{{- end -}}

{{/* A host that nobody else has: names below .test are reserved (RFC 6761). */}}
{{- define "fairlead.tests.host" -}}
{{- printf "%s.%s.fairlead.test" (include "fairlead.fullname" .) .Release.Namespace -}}
{{- end -}}

{{/* What makes an object one of the test. Its weight stands below: what leads to the pod is there before it. */}}
{{- define "fairlead.tests.hook" -}}
helm.sh/hook: test
# What failed stays, to be looked at, until the next test.
helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
{{- end -}}

{{/* The labels by which watch.labelSelector finds the Ingress. One that wants a label missing has its way. */}}
{{- define "fairlead.tests.selected" -}}
{{- range splitList "," (.Values.watch.labelSelector | default "") -}}
{{- $term := nospace . -}}
{{- if not (or (eq $term "") (contains "!" $term)) -}}
{{- $pair := regexSplit "==?" $term 2 -}}
{{- first $pair }}: {{ rest $pair | join "" | quote }}
{{ end -}}
{{- end -}}
{{- end -}}

{{/*
Whether the test goes through the Service. Where there is none, or where it leads only to replicas on the client's own
node, a Service of the test's own leads to the replicas.
*/}}
{{- define "fairlead.tests.throughService" -}}
{{- with .Values.service -}}
{{- if and .enabled (ne .clusterIP "None") (ne .internalTrafficPolicy "Local") -}}
yes
{{- end -}}
{{- end -}}
{{- end -}}
