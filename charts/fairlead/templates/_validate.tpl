{{- define "fairlead.validate" -}}
{{- end -}}
