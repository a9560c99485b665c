{{/* The flags of the container: those that the values say otherwise than Fairlead's own defaults do. */}}
{{- define "fairlead.args" -}}
- controller
{{- include "fairlead.args.serving" . }}
{{- include "fairlead.args.routing" . }}
{{- include "fairlead.args.watching" . }}
{{- include "fairlead.args.status" . }}
{{- with .Values.extraArgs }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "fairlead.args.serving" -}}
{{- with .Values.ports }}
{{- if not .http }}
- --http-address=
{{- else if ne (int .http) 8080 }}
- --http-address=:{{ .http }}
{{- end }}
{{- if not .https }}
- --https-address=
{{- else if ne (int .https) 8443 }}
- --https-address=:{{ .https }}
{{- end }}
{{- if ne (int .admin) 9090 }}
- --admin-address=:{{ .admin }}
{{- end }}
{{- end }}
{{- with include "fairlead.redirectPort" . }}
{{- if ne . "443" }}
- --redirect-port={{ . }}
{{- end }}
{{- end }}
{{- with .Values.trustedProxies }}
- --trusted-proxies={{ join "," . }}
{{- end }}
{{- with .Values.proxyProtocol }}
- --proxy-protocol={{ join "," . }}
{{- end }}
{{- with .Values.tls.minVersion }}
- --tls-min-version={{ . }}
{{- end }}
{{- with .Values.drain }}
- --drain-delay={{ .delaySeconds }}s
- --drain-spread={{ .spreadSeconds }}s
- --drain-timeout={{ .timeoutSeconds }}s
{{- end }}
{{- if ne .Values.log.level "info" }}
- --log-level={{ .Values.log.level }}
{{- end }}
{{- if ne .Values.log.format "json" }}
- --log-format={{ .Values.log.format }}
{{- end }}
{{- end -}}

{{- define "fairlead.args.routing" -}}
{{- if ne .Values.ingressClass.controllerValue "fairlead.dev/ingress-controller" }}
- --controller-name={{ .Values.ingressClass.controllerValue }}
{{- end }}
{{- if include "fairlead.namesClass" . }}
- --ingress-class={{ .Values.ingressClass.name }}
{{- end }}
{{- with .Values.tls.defaultCertificate }}
- --default-certificate={{ . }}
{{- end }}
{{- with .Values.defaultBackendService }}
- --default-backend-service={{ . }}
{{- end }}
{{- if .Values.ingressNginxDefaults }}
- --ingress-nginx-defaults
{{- end }}
{{- with .Values.allowedResponseHeaders }}
- --allowed-response-headers={{ join "," . }}
{{- end }}
{{- if .Values.disableExternalNames }}
- --disable-external-names
{{- end }}
{{- with .Values.zone }}
- --zone={{ . }}
{{- end }}
{{- end -}}

{{- define "fairlead.args.watching" -}}
{{- with .Values.watch.namespaces }}
- --watch-namespace={{ join "," . }}
{{- end }}
{{- with .Values.watch.namespaceSelector }}
- --watch-namespace-selector={{ . }}
{{- end }}
{{- with .Values.watch.labelSelector }}
- --watch-label-selector={{ . }}
{{- end }}
{{- if .Values.watch.ingressWithoutClass }}
- --watch-ingress-without-class
{{- end }}
{{- end -}}

{{- define "fairlead.args.status" -}}
{{- if not .Values.status.update }}
- --update-status=false
{{- else }}
{{- with .Values.status.addresses }}
- --publish-status-address={{ join "," . }}
{{- end }}
{{- with include "fairlead.publishService" . }}
- --publish-service={{ . }}
{{- end }}
{{- if .Values.status.nodeInternalAddresses }}
- --report-node-internal-ip-address
{{- end }}
{{- if not .Values.status.clearOnShutdown }}
- --update-status-on-shutdown=false
{{- end }}
{{- end }}
{{- if not (and (eq (include "fairlead.fullname" .) "fairlead") (eq .Values.ingressClass.controllerValue "fairlead.dev/ingress-controller")) }}
- --leader-election-id={{ include "fairlead.lease" . }}
- --ticket-secret={{ include "fairlead.ticketSecret" . }}
{{- end }}
{{- end -}}

{{/* The port of HTTPS that clients see: that of the Service, else of the node. Empty: there is no HTTPS. */}}
{{- define "fairlead.redirectPort" -}}
{{- if not .Values.ports.https -}}
{{- else if and .Values.service.enabled .Values.service.ports.https -}}
{{- .Values.service.ports.https -}}
{{- else if .Values.hostPorts.enabled -}}
{{- .Values.hostPorts.https -}}
{{- else if .Values.hostNetwork -}}
{{- .Values.ports.https -}}
{{- else -}}
443
{{- end -}}
{{- end -}}

{{/*
Whether the class must be named by a flag: where its IngressClass may be missing, or can't be read. A class that exists
is served by its controller value, whatever its name.
*/}}
{{- define "fairlead.namesClass" -}}
{{- if or (not .Values.ingressClass.create) (not .Values.rbac.create) (and .Values.watch.namespaces (not .Values.rbac.readClusterObjects)) -}}
yes
{{- end -}}
{{- end -}}

{{/*
The Service whose addresses are written into the status of objects. Empty: there are others, or clients come to the
nodes themselves (hostPorts, hostNetwork without a load balancer, a Service of type NodePort), whose addresses Fairlead
finds out.
*/}}
{{- define "fairlead.publishService" -}}
{{- with .Values -}}
{{- $balanced := and (eq .service.type "LoadBalancer") (not .hostPorts.enabled) -}}
{{- $inside := and (eq .service.type "ClusterIP") (not .hostPorts.enabled) (not .hostNetwork) -}}
{{- if and .service.enabled .status.update (not .status.addresses) (or $balanced $inside .service.externalIPs) -}}
{{- printf "%s/%s" $.Release.Namespace (include "fairlead.fullname" $) -}}
{{- end -}}
{{- end -}}
{{- end -}}
