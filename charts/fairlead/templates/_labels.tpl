{{/*
The labels by which the pods of this release are selected: by the workload, Services, monitors, policies. Fairlead
itself finds its other replicas by exactly these. They can't be changed after the installation.
*/}}
{{- define "fairlead.selectorLabels" -}}
app.kubernetes.io/name: {{ include "fairlead.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: controller
{{- end -}}

{{/* The labels of every object but those of the test. */}}
{{- define "fairlead.labels" -}}
{{ include "fairlead.selectorLabels" . }}
{{ include "fairlead.chartLabels" . }}
{{- end -}}

{{/* The labels by which the pod of `helm test` is selected, which is a replica to nobody. */}}
{{- define "fairlead.testPods" -}}
app.kubernetes.io/name: {{ include "fairlead.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: test
{{- end -}}

{{/* The labels of what the test makes. */}}
{{- define "fairlead.testLabels" -}}
{{ include "fairlead.testPods" . }}
{{ include "fairlead.chartLabels" . }}
{{- end -}}

{{- define "fairlead.chartLabels" -}}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: fairlead
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}
