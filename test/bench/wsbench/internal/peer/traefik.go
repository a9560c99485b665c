//go:build linux

package peer

import "fmt"

// traefikStatic turns off what calls home or logs. Blanks: plain address, secure address, the file
// with the routes.
const traefikStatic = `global: {checkNewVersion: false, sendAnonymousUsage: false}
log: {level: ERROR}
entryPoints:
  plain: {address: "%[1]s"}
  secure: {address: "%[2]s"}
providers:
  file: {filename: "%[3]s", watch: false}
`

// traefikRoutes lead everything to the backend. Blanks: host, certificate, key, backends.
const traefikRoutes = `http:
  routers:
    plain: {entryPoints: [plain], rule: "Host(` + "`%[1]s`" + `)", service: backend}
    secure: {entryPoints: [secure], rule: "Host(` + "`%[1]s`" + `)", service: backend, tls: {}}
  services:
    backend:
      loadBalancer:
        servers:
%[4]stls:
  certificates: [{certFile: "%[2]s", keyFile: "%[3]s"}]
  options:
    default: {minVersion: VersionTLS13, curvePreferences: [X25519], alpnProtocols: [http/1.1]}
`

// traefik is Traefik from its Go module.
func traefik(b Builder) (*Peer, error) {
	binary, err := b.buildTool("traefik")
	if err != nil {
		return nil, err
	}
	return &Peer{Name: "traefik", Binary: binary, Version: b.toolVersion("traefik", "github.com/traefik/traefik/v3"), configure: func(s Site) ([]string, error) {
		routes, err := s.write("routes.yaml", fmt.Sprintf(traefikRoutes, s.Host, s.Certificate.ChainFile, s.Certificate.KeyFile,
			s.backends("        - {url: \"http://%s\"}\n")))
		if err != nil {
			return nil, err
		}
		static, err := s.write("traefik.yaml", fmt.Sprintf(traefikStatic, s.HTTP, s.HTTPS, routes))
		return []string{"--configFile=" + static}, err
	}}, nil
}
