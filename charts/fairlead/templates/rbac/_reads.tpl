{{/* Namespaces with the rules that each needs for what the values name in it, as YAML. */}}
{{- define "fairlead.reads" -}}
{{- $reads := dict -}}
{{- $served := .Values.watch.namespaces | default (list "*") -}}
{{- $referred := .Values.rbac.readSecrets | ternary $served list -}}
{{- with .Values.tls.defaultCertificate -}}
{{- $rule := dict "kind" "secrets" "why" "The certificate for hosts without one of their own: tls.defaultCertificate." -}}
{{- include "fairlead.reads.add" (list $reads $referred . $rule) -}}
{{- end -}}
{{- with .Values.ingressClass.parameters -}}
{{- $rule := dict "kind" "configmaps" "why" "The defaults of the class: ingressClass.parameters." -}}
{{- include "fairlead.reads.add" (list $reads $referred (printf "%s/%s" .namespace .name) $rule) -}}
{{- end -}}
{{- $backend := .Values.defaultBackendService -}}
{{- $published := include "fairlead.publishService" . -}}
{{- /* Of two Services in a namespace all are read: one watch can't name two. */ -}}
{{- $two := and $backend $published (ne $backend $published) (eq (dir $backend) (dir $published)) -}}
{{- range list $backend $published | uniq | compact -}}
{{- $why := eq . $published | ternary "The Service whose addresses are written into the status of objects." "What answers where no route matches: defaultBackendService." -}}
{{- $service := dict "kind" "services" "why" $why "whole" $two -}}
{{- $slices := dict "kind" "endpointslices" "group" "discovery.k8s.io" "why" "Its endpoints, which have names of their own." "whole" true -}}
{{- include "fairlead.reads.add" (list $reads $served . $service) -}}
{{- include "fairlead.reads.add" (list $reads $served . $slices) -}}
{{- end -}}
{{- toYaml $reads -}}
{{- end -}}

{{/*
Adds a rule to the rules by namespace: list of these, the namespaces where another role gives the right already ("*":
all), the object as namespace/name, and the rule, which is about the object alone, or all of its kind (whole).
*/}}
{{- define "fairlead.reads.add" -}}
{{- $reads := index . 0 -}}
{{- $covered := index . 1 -}}
{{- $namespace := index . 2 | dir -}}
{{- $rule := index . 3 -}}
{{- if not (or (has "*" $covered) (has $namespace $covered)) -}}
{{- if not $rule.whole -}}{{- $_ := index . 2 | base | set $rule "name" -}}{{- end -}}
{{- $_ := append (get $reads $namespace | default list) $rule | set $reads $namespace -}}
{{- end -}}
{{- end -}}
