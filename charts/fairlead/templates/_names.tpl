{{/* The name of the application: the label app.kubernetes.io/name. */}}
{{- define "fairlead.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/*
The name of every object, on its own or with a suffix such as "-metrics": at most 52 letters, so that a suffix of 11
still leaves a DNS label.
*/}}
{{- define "fairlead.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- contains $name .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name $name) | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/*
The name of objects outside of namespaces. A release for some namespaces only has the one that it is in as a part, for
each team may have its own "fairlead".
*/}}
{{- define "fairlead.clusterName" -}}
{{- if .Values.watch.namespaces -}}
{{- printf "%s-%s" (include "fairlead.fullname" .) .Release.Namespace -}}
{{- else -}}
{{- include "fairlead.fullname" . -}}
{{- end -}}
{{- end -}}

{{/* The name of the ServiceAccount that the pods run as. */}}
{{- define "fairlead.serviceAccountName" -}}
{{- default (.Values.serviceAccount.create | ternary (include "fairlead.fullname" .) "default") .Values.serviceAccount.name -}}
{{- end -}}

{{/* The reference of the image: by digest if there is one, else by tag. */}}
{{- define "fairlead.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{- printf "%s@%s" .repository .digest -}}
{{- else -}}
{{- printf "%s:%s" .repository (.tag | default $.Chart.AppVersion) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The Secret in which the replicas share the keys of session tickets. */}}
{{- define "fairlead.ticketSecret" -}}
{{- include "fairlead.fullname" . }}-tickets
{{- end -}}

{{/* The Lease by which the replicas agree on who writes status. */}}
{{- define "fairlead.lease" -}}
{{- include "fairlead.fullname" . }}-leader
{{- end -}}
