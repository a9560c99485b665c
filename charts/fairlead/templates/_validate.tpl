{{/*
What contradicts itself in the values, and what would take something away from another release. Each message says which
value, what is wrong and what to do. What the cluster says is known at an installation and an upgrade only.
*/}}
{{- define "fairlead.validate" -}}
{{- include "fairlead.validate.labels" . -}}
{{- include "fairlead.validate.ports" . -}}
{{- include "fairlead.validate.nodePorts" . -}}
{{- include "fairlead.validate.drain" . -}}
{{- include "fairlead.validate.budget" . -}}
{{- include "fairlead.validate.class" . -}}
{{- include "fairlead.validate.watch" . -}}
{{- include "fairlead.validate.extraFlags" . -}}
{{- include "fairlead.validate.neighbours" . -}}
{{- end -}}

{{- define "fairlead.validate.labels" -}}
{{- range $key, $_ := include "fairlead.labels" (dict "Values" (dict "nameOverride" "x" "commonLabels" nil) "Chart" .Chart "Release" .Release) | fromYaml -}}
{{- range $value := list "commonLabels" "podLabels" -}}
{{- if hasKey (get $.Values $value | default dict) $key -}}
{{- fail (printf "%s: the chart itself sets the label %s, by which objects of this release are found. Leave it out." $value $key) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "fairlead.validate.ports" -}}
{{- with .Values.ports -}}
{{- if not (or .http .https) -}}
{{- fail "ports.http and ports.https are both 0, so that nothing would be served. Set one of them." -}}
{{- end -}}
{{- $numbers := list (int .http) (int .https) (int .admin) | compact -}}
{{- if lt (uniq $numbers | len) (len $numbers) -}}
{{- fail (printf "ports: http %d, https %d and admin %d must differ." (int .http) (int .https) (int .admin)) -}}
{{- end -}}
{{- end -}}
{{- if .Values.service.enabled -}}
{{- $http := and .Values.ports.http .Values.service.ports.http -}}
{{- $https := and .Values.ports.https .Values.service.ports.https -}}
{{- if not (or $http $https) -}}
{{- fail "service.enabled: no port is left for the Service. Set service.ports.http or service.ports.https of a port that `ports` opens, or service.enabled=false." -}}
{{- end -}}
{{- if and $http $https (eq (int $http) (int $https)) -}}
{{- fail (printf "service.ports.http and service.ports.https are both %d. They must differ." (int $http)) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "fairlead.validate.nodePorts" -}}
{{- if and .Values.hostNetwork .Values.hostPorts.enabled -}}
{{- fail "hostNetwork and hostPorts.enabled: in the network of the node `ports` are those of the node already. Choose one; hostPorts leaves the pod its own network." -}}
{{- end -}}
{{- if and .Values.hostPorts.enabled (eq (int .Values.hostPorts.http) (int .Values.hostPorts.https)) -}}
{{- fail (printf "hostPorts.http and hostPorts.https are both %d. They must differ." (int .Values.hostPorts.http)) -}}
{{- end -}}
{{- $surge := dig "rollingUpdate" "maxSurge" 0 (.Values.updateStrategy | default dict) | toString -}}
{{- if and (eq .Values.kind "DaemonSet") (or .Values.hostNetwork .Values.hostPorts.enabled) (not (has $surge (list "0" "0%"))) -}}
{{- fail (printf "updateStrategy.rollingUpdate.maxSurge is %s, but the new replica on a node could not have the ports that the old one holds, so no upgrade would end. Leave it out, and set maxUnavailable." $surge) -}}
{{- end -}}
{{- $lowest := include "fairlead.lowestPort" . | int -}}
{{- if and .Values.hostNetwork (lt $lowest 1024) -}}
{{- $container := include "fairlead.containerSecurityContext" . | fromYaml -}}
{{- $user := hasKey $container "runAsUser" | ternary $container (include "fairlead.podSecurityContext" . | fromYaml) | dig "runAsUser" "" -}}
{{- $capable := $container.capabilities.add | default list -}}
{{- if or (ne (toString $user) "0") (not (or (has "NET_BIND_SERVICE" $capable) (has "ALL" $capable))) -}}
{{- fail (printf "hostNetwork with port %d: in the network of a node Kubernetes sets no sysctl for a pod, and without it a process that is not root opens no port below 1024. Use hostPorts.enabled=true instead, which leads ports 80 and 443 of the node to the pod; or ports from 1024 on; or run as root: podSecurityContext {runAsNonRoot: false, runAsUser: 0}, containerSecurityContext {capabilities: {add: [NET_BIND_SERVICE]}}." $lowest) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "fairlead.validate.drain" -}}
{{- with .Values.drain -}}
{{- if lt (int .timeoutSeconds) (int .spreadSeconds) -}}
{{- fail (printf "drain.timeoutSeconds is %d, less than drain.spreadSeconds, %d: sockets would be cut before their Close frame is due. Set it to spreadSeconds or more." (int .timeoutSeconds) (int .spreadSeconds)) -}}
{{- end -}}
{{- $needed := add (int .delaySeconds) (int .timeoutSeconds) 5 | int -}}
{{- $given := include "fairlead.gracePeriod" $ | int -}}
{{- if lt $given $needed -}}
{{- fail (printf "terminationGracePeriodSeconds is %d, but the drain takes up to %d (delaySeconds + timeoutSeconds + 5): Kubernetes would kill the replica and cut its sockets. Leave it empty, or shorten the drain." $given $needed) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "fairlead.validate.budget" -}}
{{- with .Values.podDisruptionBudget -}}
{{- if and .enabled (kindIs "invalid" .maxUnavailable) (kindIs "invalid" .minAvailable) -}}
{{- fail "podDisruptionBudget.enabled: maxUnavailable and minAvailable are both empty, so that nothing is said. Set one, or enabled=false." -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "fairlead.validate.class" -}}
{{- with .Values.ingressClass -}}
{{- if not .create -}}
{{- range $value := list "default" "annotations" "parameters" -}}
{{- if get $.Values.ingressClass $value -}}
{{- fail (printf "ingressClass.%s with ingressClass.create=false: an IngressClass that this release does not create is not changed by it. Set it in that IngressClass, and leave it out here." $value) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if and .parameters $.Values.watch.namespaces (not $.Values.rbac.readClusterObjects) -}}
{{- fail "ingressClass.parameters with rbac.readClusterObjects=false: they are read from the IngressClass, which must not be read then. Set readClusterObjects=true, or leave them out." -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "fairlead.validate.watch" -}}
{{- with .Values.watch -}}
{{- if and .namespaces .namespaceSelector -}}
{{- fail "watch.namespaces and watch.namespaceSelector: namespaces are served by name, with rights in these only, or by label, with rights in all. Choose one." -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "fairlead.validate.extraFlags" -}}
{{- $ours := dict "http-address" "ports.http" "https-address" "ports.https" "admin-address" "ports.admin" "drain-delay" "drain.delaySeconds" "drain-spread" "drain.spreadSeconds" "drain-timeout" "drain.timeoutSeconds" "controller-name" "ingressClass.controllerValue" "controller-class" "ingressClass.controllerValue" "watch-namespace" "watch.namespaces" "watch-namespace-selector" "watch.namespaceSelector" "default-certificate" "tls.defaultCertificate" "default-ssl-certificate" "tls.defaultCertificate" "default-backend-service" "defaultBackendService" "leader-election-id" "fullnameOverride" "election-id" "fullnameOverride" "ticket-secret" "fullnameOverride" -}}
{{- range .Values.extraArgs -}}
{{- $flag := splitList "=" . | first | trimPrefix "--" -}}
{{- with get $ours $flag -}}
{{- fail (printf "extraArgs: --%s has a value of its own, %s, on which other parts of the chart depend. Set that." $flag .) -}}
{{- end -}}
{{- end -}}
{{- range .Values.extraEnv -}}
{{- $name := .name -}}
{{- if hasPrefix "FAIRLEAD_" $name -}}
{{- with get $ours (trimPrefix "FAIRLEAD_" $name | lower | replace "_" "-") -}}
{{- fail (printf "extraEnv: %s has a value of its own, %s, on which other parts of the chart depend. Set that." $name .) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
