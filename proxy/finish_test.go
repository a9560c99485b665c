package proxy

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/fairlead/fairlead/proxy/admit"
	"github.com/fairlead/fairlead/proxy/model"
	"github.com/fairlead/fairlead/proxy/table"
)

func TestAPanicCostsItsOwnRequestAndIsReported(t *testing.T) {
	var log bytes.Buffer
	s, err := New(Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	compiled, err := table.Compile(model.Config{Routes: []model.Route{{ID: "r", Protocols: model.HTTP, Matches: []model.Match{{}}}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	s.Publish(compiled, time.Now())
	s.admission = func(*admit.Subject) *model.Refusal { panic("a mistake of ours") }
	server := httptest.NewServer(s)
	if answer, err := http.Get(server.URL); err == nil {
		_ = answer.Body.Close()
		t.Errorf("answered %d", answer.StatusCode)
	}
	server.Close() // waits for the handler
	if said := log.String(); !strings.Contains(said, "a mistake of ours") || !strings.Contains(said, "admit") {
		t.Errorf("logged %q", said)
	}
	if n := compiled.View()[0].Sessions; n != 0 {
		t.Errorf("%d sessions are still counted", n)
	}
}
