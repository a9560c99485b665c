// Release makes all that a release of Fairlead consists of, in a folder, and tries it out: archives with
// the binary for each platform, the image, the chart, lists of what they are made of, checksums and notes.
// It publishes nothing: hack/release/publish.sh does. docs/releasing.md tells the steps.
//
// The same commit gives the same files on every machine with the same version of Go.
package main
