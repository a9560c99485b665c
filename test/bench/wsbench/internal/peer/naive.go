//go:build linux

package peer

import "runtime"

// naive is the proxy of test/bench/naive: what one writes in twenty lines.
func naive(b Builder) (*Peer, error) {
	binary, err := b.build("naive", "./test/bench/naive")
	if err != nil {
		return nil, err
	}
	return &Peer{Name: "naive", Binary: binary, Version: "net/http, " + runtime.Version(), configure: func(s Site) ([]string, error) {
		args := []string{s.HTTP.String(), s.HTTPS.String(), s.Certificate.ChainFile, s.Certificate.KeyFile}
		for _, a := range s.Backends {
			args = append(args, a.String())
		}
		return args, nil
	}}, nil
}
