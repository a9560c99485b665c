package main

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// TestAPushedImageIsTheOneOfTheArchive sends it to a registry that wants the password of docker login.
func TestAPushedImageIsTheOneOfTheArchive(t *testing.T) {
	images := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "ada" || password != "secret" {
			w.Header().Set("WWW-Authenticate", `Basic realm="images"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		images.ServeHTTP(w, r)
	}))
	defer server.Close()
	host := strings.TrimPrefix(server.URL, "http://")
	login := t.TempDir()
	t.Setenv("DOCKER_CONFIG", login)

	archive := filepath.Join(t.TempDir(), "chat.tar")
	args := []string{"--binary", "linux/amd64=" + compile(t, "linux/amd64"), "--binary", "linux/arm64=" + compile(t, "linux/arm64"),
		"--tag", "chat:1", "--output", archive, "--push", host + "/team/chat:1"}
	err := run(t.Context(), args, io.Discard, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "docker login "+host) {
		t.Errorf("without a password: %v", err)
	}

	config := `{"auths": {"` + host + `": {"username": "ada", "password": "secret"}}}`
	if err := os.WriteFile(filepath.Join(login, "config.json"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	out := runImage(t, args...)
	names, _, _ := open(t, archive)
	digest := names.Manifests[0].Digest
	if !strings.Contains(out, host+"/team/chat:1@"+digest.String()) {
		t.Errorf("the report does not say what was pushed:\n%s", out)
	}
	tag, err := name.NewTag(host + "/team/chat:1")
	if err != nil {
		t.Fatal(err)
	}
	as := remote.WithTransport(basic{})
	there, err := remote.Index(tag, as)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := there.Digest(); err != nil || got != digest {
		t.Errorf("digest %s in the registry, %s in the archive, %v", got, digest, err)
	}
}

// basic is a client that has the password.
type basic struct{}

func (basic) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.SetBasicAuth("ada", "secret")
	return http.DefaultTransport.RoundTrip(r)
}
