{{/*
What an upgrade can't change under live sockets: names and selectors. Another name deletes the Service with its address and
cuts all sockets; another selector is refused by the API server after the Service has it already, which then leads nowhere.
As a part of another chart there may be several of this one in a release, so that a new name is none of a known one then.
*/}}
{{- define "fairlead.validate.renamed" -}}
{{- $name := include "fairlead.fullname" . -}}
{{- $labels := include "fairlead.selectorLabels" . | fromYaml -}}
{{- range $kind := list "Deployment" "DaemonSet" -}}
{{- range (lookup "apps/v1" $kind $.Release.Namespace "").items -}}
{{- $owner := get (.metadata.annotations | default dict) "meta.helm.sh/release-name" -}}
{{- $theirs := .metadata.labels | default dict -}}
{{- if and (eq (toString $owner) $.Release.Name) (eq (get $theirs "app.kubernetes.io/part-of") "fairlead") -}}
{{- if and (ne .metadata.name $name) $.Chart.IsRoot -}}
{{- fail (printf "nameOverride, fullnameOverride: this release is named %s, and would be %s. Its Service would be deleted, with the address that clients have, and all sockets cut. Leave the names as they are (--set fullnameOverride=%s), or install a second release beside this one and move clients to it." .metadata.name $name .metadata.name) -}}
{{- end -}}
{{- if and (eq .metadata.name $name) (ne (get .spec.selector.matchLabels "app.kubernetes.io/name") (get $labels "app.kubernetes.io/name")) -}}
{{- fail (printf "nameOverride: the replicas of this release have the label app.kubernetes.io/name=%s, by which it selects them, and Kubernetes lets no selector be changed. Leave it as it is." (get .spec.selector.matchLabels "app.kubernetes.io/name")) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* What other releases in the cluster have already. Without a cluster, as in `helm template`, nothing is known of them. */}}
{{- define "fairlead.validate.neighbours" -}}
{{- if .Release.IsUpgrade -}}
{{- include "fairlead.validate.renamed" . -}}
{{- end -}}
{{- if .Values.crds.install -}}
{{- include "fairlead.validate.crd" . -}}
{{- end -}}
{{- if .Values.ingressClass.create -}}
{{- include "fairlead.validate.controllerValue" . -}}
{{- end -}}
{{- if and .Values.rbac.create (or (not .Values.watch.namespaces) .Values.rbac.readClusterObjects) -}}
{{- $name := include "fairlead.clusterName" . -}}
{{- with lookup "rbac.authorization.k8s.io/v1" "ClusterRole" "" $name -}}
{{- with include "fairlead.otherRelease" (list $ .) -}}
{{- fail (printf "ClusterRole %s belongs to %s already, which has the same name as this one in another namespace. Choose another name for this release, or set fullnameOverride. If that one is gone, as with its namespace: kubectl delete clusterrole,clusterrolebinding %s" $name . $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The release that an object belongs to, in words; empty: to this one, or to none. List of the root and the object. */}}
{{- define "fairlead.otherRelease" -}}
{{- $root := index . 0 -}}
{{- $annotations := (index . 1).metadata.annotations | default dict -}}
{{- $name := get $annotations "meta.helm.sh/release-name" -}}
{{- $namespace := get $annotations "meta.helm.sh/release-namespace" -}}
{{- if and $name (or (ne $name $root.Release.Name) (ne $namespace $root.Release.Namespace)) -}}
{{- printf "release %s in namespace %s" $name $namespace -}}
{{- end -}}
{{- end -}}

{{/* Whether an object is in the namespace of the release and belongs to none: list of the root, apiVersion, kind and name. */}}
{{- define "fairlead.nobodys" -}}
{{- $root := index . 0 -}}
{{- with lookup (index . 1) (index . 2) $root.Release.Namespace (index . 3) -}}
{{- if not (get (.metadata.annotations | default dict) "meta.helm.sh/release-name") -}}
yes
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "fairlead.validate.crd" -}}
{{- $name := "websocketroutes.fairlead.dev" -}}
{{- with lookup "apiextensions.k8s.io/v1" "CustomResourceDefinition" "" $name -}}
{{- with include "fairlead.otherRelease" (list $ .) -}}
{{- fail (printf "crds.install: the CustomResourceDefinition %s belongs to %s. If that release is to go on upgrading it, install this one with --set crds.install=false. If this one is to take it over, as when the other is gone: kubectl annotate --overwrite crd %s meta.helm.sh/release-name=%s meta.helm.sh/release-namespace=%s" $name . $name $.Release.Name $.Release.Namespace) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Two releases with one controller value would both serve its classes, and write over each other's status. */}}
{{- define "fairlead.validate.controllerValue" -}}
{{- $ours := .Values.ingressClass -}}
{{- $classes := lookup "networking.k8s.io/v1" "IngressClass" "" "" -}}
{{- range $classes.items -}}
{{- $owner := include "fairlead.otherRelease" (list $ .) -}}
{{- if and $owner (eq .metadata.name $ours.name) -}}
{{- fail (printf "ingressClass.name: the IngressClass %s belongs to %s. Give this release a class of its own: --set ingressClass.name=fairlead-b,ingressClass.controllerValue=fairlead.dev/b. If that one is gone, as with its namespace: kubectl delete ingressclass %s" $ours.name $owner $ours.name) -}}
{{- end -}}
{{- if and $owner (eq .spec.controller $ours.controllerValue) -}}
{{- fail (printf "ingressClass.controllerValue: %s is that of the IngressClass %s, which belongs to %s. Both releases would serve the same objects. Give this one another: --set ingressClass.controllerValue=fairlead.dev/%s" $ours.controllerValue .metadata.name $owner $ours.name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
