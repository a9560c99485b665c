package observe

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fairlead/fairlead/proxy/model"
)

func TestAStormOfRefusalsDoesNotFillTheLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		o, err := New(NewRegistry(), slog.New(slog.NewTextHandler(&log, nil)), func(func(Live) bool) {}, none)
		if err != nil {
			t.Fatal(err)
		}
		refuse := func(n int) {
			for range n {
				o.Ended(Outcome{Session: Session{Protocol: "websocket"}, Reason: model.NoEndpoint, Status: 503})
			}
		}
		refuse(1000)
		o.Ended(Outcome{Session: Session{Protocol: "websocket"}, Tunnelled: true, Reason: model.Closed})
		time.Sleep(time.Second)
		refuse(1)
		said := log.String()
		if lines := strings.Count(said, "reason=NoEndpoint"); lines != refusalsPerSecond+2 {
			t.Errorf("%d lines about 1001 refusals", lines)
		}
		if !strings.Contains(said, "reason=NoEndpoint requests=980") || !strings.Contains(said, "reason=Closed") {
			t.Errorf("the rest is not told, or a session's end was swallowed:\n%s", said)
		}
	})
}
