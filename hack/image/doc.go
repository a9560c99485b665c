// Image turns static binaries into a container image, without any daemon: one layer with one file for
// each platform, in an OCI archive that containerd, Docker, Podman, kind and skopeo read, and in a
// registry with --push.
//
// The same binaries, flags and --created give the same digest on every machine.
package main
