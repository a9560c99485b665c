{{/* How to find the address that clients connect to. */}}
{{- define "fairlead.notes.address" -}}
{{- $name := include "fairlead.fullname" . -}}
{{- $namespace := .Release.Namespace -}}
{{- $node := "kubectl get nodes -o wide" -}}
{{- with .Values -}}
{{- if .status.addresses -}}
{{ join ", " .status.addresses }}, as status.addresses says.
{{- else if .hostPorts.enabled -}}
{{ $node }}    # ports {{ .hostPorts.http }} and {{ .hostPorts.https }} of each node with a replica
{{- else if and .service.enabled (eq .service.type "LoadBalancer") -}}
kubectl --namespace {{ $namespace }} get service {{ $name }} --watch    # EXTERNAL-IP; <pending> while nobody gives one
{{- else if .hostNetwork -}}
{{ $node }}    # ports {{ list .ports.http .ports.https | compact | join " and " }} of each node with a replica
{{- else if and .service.enabled (eq .service.type "NodePort") -}}
kubectl --namespace {{ $namespace }} get service {{ $name }}; {{ $node }}    # PORT(S) of any node
{{- else if .service.enabled -}}
It has one inside the cluster only: {{ $name }}.{{ $namespace }}.svc
{{- else -}}
It has none: service.enabled, hostPorts.enabled and hostNetwork are all false. Lead to its pods by a Service of yours.
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The labels that the Ingress of the example needs for watch.labelSelector. Empty: none. */}}
{{- define "fairlead.notes.labels" -}}
{{- if contains "(" (.Values.watch.labelSelector | default "") -}}
KEY=VALUE    # so that it matches {{ .Values.watch.labelSelector }}
{{- else -}}
{{- $pairs := list -}}
{{- range $key, $value := include "fairlead.tests.selected" . | fromYaml -}}
{{- $pairs = append $pairs (printf "%s=%s" $key $value) -}}
{{- end -}}
{{- join " " $pairs -}}
{{- end -}}
{{- end -}}

{{/* Where a pod reaches Fairlead: the scheme and host:port. Empty: nowhere without a Service of the user's own. */}}
{{- define "fairlead.notes.inside" -}}
{{- if .Values.service.enabled -}}
{{- $ports := eq .Values.service.clusterIP "None" | ternary .Values.ports .Values.service.ports -}}
{{- $plain := and .Values.ports.http .Values.service.ports.http | empty | not -}}
{{- $port := $plain | ternary "http" "https" | get $ports -}}
{{- printf "%s %s.%s.svc:%v" ($plain | ternary "ws" "wss") (include "fairlead.fullname" .) .Release.Namespace $port -}}
{{- end -}}
{{- end -}}

{{/* What is risky in the values, or wants something done: a list. */}}
{{- define "fairlead.notes.mind" -}}
{{- $values := .Values -}}
{{- $onNodes := or .Values.hostPorts.enabled .Values.hostNetwork -}}
{{- $fewest := int .Values.replicas -}}
{{- if .Values.autoscaling.enabled }}{{ $fewest = int .Values.autoscaling.minReplicas }}{{ end -}}
{{- if .Values.keda.enabled }}{{ $fewest = int .Values.keda.minReplicas }}{{ end -}}
{{- $fixed := eq .Values.kind "Deployment" -}}
{{- with .Values -}}
{{- if and (not (contains "/" .image.repository)) }}
- image.repository {{ .image.repository }} names no registry: nodes must have {{ include "fairlead.image" $ }} already, as after `kind load image-archive`.
{{- end }}
{{- if and $fixed (lt $fewest 2) }}
- {{ $fewest }} replica: when its node goes, every socket goes, and nobody serves for a while.
{{- end }}
{{- $budget := .podDisruptionBudget }}
{{- if and $fixed $budget.enabled (toString $budget.minAvailable | regexMatch "^[0-9]+$") (ge (int $budget.minAvailable) $fewest) }}
- podDisruptionBudget.minAvailable {{ .podDisruptionBudget.minAvailable }} of {{ $fewest }} replicas lets no node with a replica be drained.
{{- end }}
{{- if and .service.enabled (has .service.type (list "LoadBalancer" "NodePort")) (eq .service.externalTrafficPolicy "Cluster") (not .proxyProtocol) }}
- service.externalTrafficPolicy Cluster hides clients' addresses: allow lists, SourceIP hashing and logs see nodes.
{{- end }}
{{- if $onNodes }}
- Ports of nodes are not allowed under the Pod Security Standards "baseline" and "restricted": the namespace must allow "privileged".
{{- end }}
{{- if .hostNetwork }}
- Port {{ .ports.admin }} of nodes has metrics, routes and sessions without a password, and no NetworkPolicy counts in the network of a node: close it by a firewall.
{{- end }}
{{- if and $onNodes .service.enabled (eq .service.type "LoadBalancer") }}
- service.type LoadBalancer waits for a load balancer. Where clients come to the nodes themselves, set service.enabled=false or service.type=ClusterIP.
{{- end }}
{{- if and $onNodes $fixed }}
- Two replicas can't hold the same ports of a node: an update waits until there is a node without a replica.
{{- end }}
{{- if not .crds.install }}
- crds.install is false: replicas wait until somebody has installed websocketroutes.fairlead.dev.
{{- end }}
{{- if not .rbac.create }}
- rbac.create is false: ServiceAccount {{ include "fairlead.serviceAccountName" $ }} needs the rights that are in config/rbac.
{{- else if not .rbac.readSecrets }}
- rbac.readSecrets is false: certificates are served where a Role lets ServiceAccount {{ include "fairlead.serviceAccountName" $ }} list and watch their Secrets.
{{- end }}
{{- if and .watch.namespaces (not .rbac.readClusterObjects) (not .status.addresses) .status.update (not (include "fairlead.publishService" $)) }}
- rbac.readClusterObjects is false, so that nodes' addresses are not known: set status.addresses, or objects get none.
{{- end }}
{{- if and .networkPolicy.enabled (not .networkPolicy.adminFrom) (or .metrics.serviceMonitor.enabled .metrics.podMonitor.enabled) }}
- networkPolicy.adminFrom is empty: Prometheus can't reach the metrics.
{{- end }}
{{- end -}}
{{- end -}}
