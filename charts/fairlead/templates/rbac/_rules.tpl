{{/* Written by hack/generate.sh from the markers in controllers/: change them there. */}}

{{- define "fairlead.rules.urls" -}}
# To know whether the API server answers.
- nonResourceURLs: [/readyz]
  verbs: [get]
{{- end -}}

{{- define "fairlead.rules.cluster" -}}
# Which classes are ours, and which one is the default. Without it those of --ingress-class are ours.
- apiGroups: [networking.k8s.io]
  resources: [ingressclasses]
  verbs: [list, watch]
# In which zone this replica runs, for the hints of EndpointSlices; and, in the leader, what addresses
# the nodes of the replicas have. One node at a time, by its name: nobody lists them.
- apiGroups: [""]
  resources: [nodes]
  verbs: [get]
{{- end -}}

{{- define "fairlead.rules.selector" -}}
# Which namespaces are served, by their labels: with --watch-namespace-selector only.
- apiGroups: [""]
  resources: [namespaces]
  verbs: [list, watch]
{{- end -}}

{{- define "fairlead.rules.namespaced" -}}
# To tell owners, where their objects are.
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
# Which references to other namespaces their owners permit. Without it none is.
- apiGroups: [gateway.networking.k8s.io]
  resources: [referencegrants]
  verbs: [list, watch]
# What is served, and where it is: the objects, their Services, and the endpoints of these.
- apiGroups: [networking.k8s.io]
  resources: [ingresses]
  verbs: [list, watch]
- apiGroups: [fairlead.dev]
  resources: [websocketroutes]
  verbs: [list, watch]
- apiGroups: [""]
  resources: [services]
  verbs: [list, watch]
- apiGroups: [discovery.k8s.io]
  resources: [endpointslices]
  verbs: [list, watch]
# To tell owners what became of their objects. The objects themselves are never written.
- apiGroups: [networking.k8s.io]
  resources: [ingresses/status]
  verbs: [patch]
- apiGroups: [fairlead.dev]
  resources: [websocketroutes/status]
  verbs: [patch]
{{- end -}}

{{- define "fairlead.rules.references" -}}
# What objects refer to: certificates, passwords, certificate authorities, settings. Nothing else is
# kept. To allow it in some namespaces only, or for some names, leave this rule out (rbac.readSecrets of
# the chart) and write Roles.
- apiGroups: [""]
  resources: [secrets, configmaps]
  verbs: [list, watch]
{{- end -}}

{{- define "fairlead.rules.own" -}}
# To agree on which replica writes.
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [get, create, update]
# Which other replicas there are: where they run, when no Service is published, and whether the one that
# ends is the last.
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list]
# To create: a right that Kubernetes can't limit to a name. To update: the next key, and the dead ones
# out. To read it, by its name, also where the rights for certificates are narrower than by default.
- apiGroups: [""]
  resources: [secrets]
  verbs: [create]
- apiGroups: [""]
  resources: [secrets]
  resourceNames: [{{ include "fairlead.ticketSecret" . }}]
  verbs: [list, watch, update]
{{- end -}}
