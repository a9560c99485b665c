// Command roles writes the roles of Fairlead from the `+kubebuilder:rbac` markers in controllers/: into config/rbac for
// kustomize, and as named templates into the chart, which may need them in one namespace or in all. The comment above a
// marker says why Fairlead needs the right; it goes along, so that whoever installs a role can read the reasons in it.
//
//	go run ./hack/roles --from controllers --cluster role.yaml --selector selector.yaml --chart _rules.tpl
//
// hack/generate.sh runs it. controller-gen reads the same markers, but drops the comments and merges the rules.
package main
