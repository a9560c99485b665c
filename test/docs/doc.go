// Package docs keeps what the pages say runnable: README.md, docs/install.md and the others in [Pages].
//
// Every fenced block of these pages says in an HTML comment right above it, which readers don't see, how
// it is known to be right. A block that does not say so fails the test.
//
//	<!-- run: cluster -->       sh    runs on the real cluster of two nodes (make e2e)
//	<!-- run: local -->         sh    runs without a cluster (make test)
//	<!-- run by: .ci/run -->    sh    each of its lines is a line of that file too, which runs it
//	<!-- cloud-only: why -->    any   does not run: it needs what is named, such as an account at a cloud
//	<!-- values: name -->       yaml  values of the chart: rendered, and the API server takes the objects
//	<!-- file: path -->         any   what the reader saves under that path before the next command
//	<!-- output -->             text  what the sh block above it prints; … stands for anything in a line, and
//	                                  a line … for any number of lines
//	                            yaml  without a comment: manifests, which the API server must take
//	                            text  without a comment: anything that is no command
//
// The blocks of a page that run in the same place run from top to bottom in one bash, with set -euo
// pipefail, in the checkout's folder: a variable that one block sets is there in the next. On the PATH
// are helm, kubectl and fairlead; KUBECONFIG leads to the cluster. What a page starts in the background is
// ended with it. Files that a page has its reader write belong below dist/, which git ignores.
//
// What the pages say of values.yaml is compared with it too: each value is explained in docs/install.md,
// and none that does not exist.
package docs
