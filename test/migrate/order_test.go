package migrate

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/fairlead/fairlead/controllers/migrate/nginx"
)

// Locations by chance, one within the other and beside expressions of all kinds: whatever nginx would
// take, Fairlead takes.
func TestLocationsByChance(t *testing.T) {
	binary := findNginx(t)
	for seed := range uint64(8) {
		for _, kind := range []nginx.Kind{nginx.WebSocketRoute, nginx.Ingress} {
			t.Run(fmt.Sprintf("%d/%s", seed, kind), func(t *testing.T) {
				random := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // chance that repeats itself
				name := filepath.Join(t.TempDir(), "chance.conf")
				content := locationsByChance(random)
				write(t, name, []byte(content))
				s := newStage(t, name)
				original, ours := s.startNginx(t, binary), s.startFairlead(t, kind)
				root := ask{method: get, host: "chance.example.com", path: "/"}
				ready(t, original, root)
				ready(t, ours, root)
				var asks []ask
				for range 150 {
					asks = append(asks, ask{method: get, host: root.host, path: pathByChance(random)})
				}
				t.Cleanup(func() {
					if t.Failed() {
						t.Log(content)
					}
				})
				compareBackends(t, original, ours, asks)
			})
		}
	}
}

// compareBackends is compare for the backend and what it was asked alone. Requests that nginx sends to
// the same path with a slash are left out.
func compareBackends(t *testing.T, original, ours peer, asks []ask) {
	t.Helper()
	for _, a := range asks {
		want, err := original.send(a)
		if err != nil {
			t.Fatal(err)
		}
		if want["Status"] == "301" {
			continue
		}
		got, err := ours.send(a)
		if err != nil {
			t.Fatal(err)
		}
		if want["Status"] != got["Status"] || want["Backend"] != got["Backend"] || want["URI"] != got["URI"] {
			t.Errorf("%s\nnginx    %v\nfairlead %v", a.path, want, got)
		}
	}
}

const elements = "ab"

func pathByChance(random *rand.Rand) string {
	var b strings.Builder
	for range 1 + random.IntN(3) {
		b.WriteByte('/')
		for range random.IntN(3) {
			b.WriteByte(elements[random.IntN(len(elements))])
		}
	}
	return regexp.MustCompile("/+").ReplaceAllString(b.String(), "/")
}

// locationsByChance makes a server with a location / and a dozen others, each with a backend of its own.
func locationsByChance(random *rand.Rand) string {
	var b strings.Builder
	b.WriteString("server {\nlisten 80;\nserver_name chance.example.com;\nproxy_set_header Host $host;\n" +
		"location / { proxy_pass http://127.0.0.1:9000; }\n")
	seen := map[string]bool{}
	for port := 9001; port < 9013; port++ {
		path := pathByChance(random)
		if path == "/" {
			continue
		}
		location := map[int]string{0: "= " + path, 1: "^~ " + path, 2: path, 3: path, 4: "~ ^" + path, 5: "~ " + path[1:] + "$", 6: "~* ^" + strings.ToUpper(path) + "[a-b]$"}[random.IntN(7)]
		key := strings.TrimPrefix(location, "^~ ")
		if seen[key] || location == "~ $" {
			continue
		}
		seen[key] = true
		uri := map[int]string{0: "", 1: "/", 2: "/new"}[random.IntN(3)]
		if strings.HasPrefix(location, "~") {
			uri = ""
		}
		fmt.Fprintf(&b, "location %s { proxy_pass http://127.0.0.1:%d%s; }\n", location, port, uri)
	}
	b.WriteString("}\n")
	return withoutFirstAroundOthers(b.String())
}

var locationLine = regexp.MustCompile(`(?m)^location (\^~ )?(/\S+) `)

// withoutFirstAroundOthers makes ordinary prefixes of those with ^~ that have others within: that nginx
// asks expressions before those alone is lost, and the report says so.
func withoutFirstAroundOthers(content string) string {
	found := locationLine.FindAllStringSubmatch(content, -1)
	for _, first := range found {
		for _, other := range found {
			if first[1] != "" && other[1] == "" && strings.HasPrefix(other[2], first[2]) {
				content = strings.Replace(content, "location ^~ "+first[2]+" ", "location "+first[2]+" ", 1)
			}
		}
	}
	return content
}
