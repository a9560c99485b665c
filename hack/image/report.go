package main

import (
	"fmt"
	"io"
	"strings"
)

// report says what was made: names, digest, sizes.
func report(out io.Writer, o options, made image) error {
	digest, err := made.Digest()
	if err != nil {
		return err
	}
	var s strings.Builder
	for _, tag := range o.tags {
		fmt.Fprintf(&s, "image     %s\n", strings.TrimPrefix(containerdName(tag), "docker.io/library/"))
	}
	for _, tag := range o.push {
		fmt.Fprintf(&s, "pushed    %s@%s\n", containerdName(tag), digest)
	}
	fmt.Fprintf(&s, "digest    %s\n", digest)
	for _, one := range made.platforms {
		fmt.Fprintf(&s, "%-9s %5.1f MB packed, %5.1f MB unpacked\n", one.platform.String(), megabytes(one.packed), megabytes(one.unpacked))
	}
	if o.output != "" {
		fmt.Fprintf(&s, "archive   %s\n", o.output)
	}
	_, err = io.WriteString(out, s.String())
	return err
}

func megabytes(n int64) float64 { return float64(n) / 1e6 }
