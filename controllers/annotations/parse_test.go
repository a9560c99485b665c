package annotations

import (
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/fairlead/fairlead/api/v1alpha1"
	"github.com/fairlead/fairlead/proxy/model"
)

const (
	nginx = NginxPrefix
	our   = OurPrefix
)

func TestWhatAnnotationsMean(t *testing.T) {
	sticky := func(c model.StickyCookie) Settings {
		return Settings{Balance: model.Balance{Sticky: &c}}
	}
	hash := func(on ...model.HashOn) Settings {
		return Settings{Balance: model.Balance{Algorithm: model.ConsistentHash, HashOn: on}}
	}
	hour := model.Timeout(time.Hour)
	stories := map[string]struct {
		set  map[string]string
		want Settings
	}{
		"the famous 3600 of ingress-nginx": {
			map[string]string{nginx + "proxy-read-timeout": "3600", nginx + "proxy-send-timeout": "3600"},
			Settings{Timeouts: model.Timeouts{Idle: hour, Handshake: hour, Stall: hour}},
		},
		"off is off": {
			map[string]string{our + "idle-timeout": "0s", our + "max-age": "off", our + "stall-timeout": "0"},
			Settings{Timeouts: model.Timeouts{Idle: model.Off, MaxAge: model.Off, Stall: model.Off}},
		},
		"no jitter is not the default jitter": {
			map[string]string{our + "max-age-jitter": "0"},
			Settings{Timeouts: model.Timeouts{MaxAgeJitter: new(0)}},
		},
		"affinity of ingress-nginx keeps its defaults": {
			map[string]string{nginx + "affinity": "cookie"},
			func() Settings {
				s := sticky(model.StickyCookie{Name: "INGRESSCOOKIE", Mode: model.Balanced, Stay: true})
				s.CookiePathOfMatch = true
				return s
			}(),
		},
		"a whole session cookie of ingress-nginx": {
			map[string]string{
				nginx + "affinity": "cookie", nginx + "affinity-mode": "persistent", nginx + "session-cookie-name": "route",
				nginx + "session-cookie-path": "/", nginx + "session-cookie-domain": "example.com", nginx + "session-cookie-expires": "60",
				nginx + "session-cookie-max-age": "172800", nginx + "session-cookie-samesite": "None", nginx + "session-cookie-secure": "true",
			},
			func() Settings {
				s := sticky(model.StickyCookie{
					Name: "route", Path: "/", Domain: "example.com", MaxAge: 48 * time.Hour, Expires: time.Minute, Stay: true,
					SameSite: http.SameSiteNoneMode, Secure: new(true), Mode: model.Persistent,
				})
				s.CookiePathOfMatch = true
				return s
			}(),
		},
		"our cookie is persistent and Lax": {
			map[string]string{our + "sticky-cookie": "FAIRLEAD", our + "sticky-cookie-max-age": "24h"},
			sticky(model.StickyCookie{Name: "FAIRLEAD", MaxAge: 24 * time.Hour, SameSite: http.SameSiteLaxMode}),
		},
		"a list of hash keys implies the algorithm": {
			map[string]string{our + "hash-on": "cookie:uid, source-ip"},
			hash(model.HashOn{Source: model.HashCookie, Name: "uid"}, model.HashOn{Source: model.HashSourceIP}),
		},
		"braces around a variable":   {map[string]string{nginx + "upstream-hash-by": "${arg_room}"}, hash(model.HashOn{Source: model.HashQueryParam, Name: "room"})},
		"a header variable":          {map[string]string{nginx + "upstream-hash-by": "$http_x_tenant_id"}, hash(model.HashOn{Source: model.HashHeader, Name: "X-Tenant-Id"})},
		"the host with its port":     {map[string]string{nginx + "upstream-hash-by": "$http_host"}, hash(model.HashOn{Source: model.HashHost})},
		"the address":                {map[string]string{nginx + "upstream-hash-by": "$binary_remote_addr"}, hash(model.HashOn{Source: model.HashSourceIP})},
		"hash-by beats load-balance": {map[string]string{nginx + "load-balance": "round_robin", nginx + "upstream-hash-by": "$uri"}, hash(model.HashOn{Source: model.HashPath})},
		"words in CamelCase":         {map[string]string{our + "balance": "LeastSessions"}, Settings{Balance: model.Balance{Algorithm: model.LeastSessions}}},
		"both protocols":             {map[string]string{our + "protocols": "websocket,http"}, Settings{Protocols: model.WebSocket | model.HTTP}},
		"rewrite":                    {map[string]string{nginx + "rewrite-target": "/$2", nginx + "upstream-vhost": "chat.internal:8080"}, Settings{RewriteTarget: "/$2", RewriteHost: "chat.internal:8080"}},
		"force beats ssl-redirect":   {map[string]string{nginx + "ssl-redirect": "false", nginx + "force-ssl-redirect": "true"}, Settings{Redirect: RedirectAlways}},
		"an appProtocol is overruled": {
			map[string]string{nginx + "backend-protocol": "https"}, Settings{Scheme: new(model.Secure)},
		},
		"snippets that changed nothing anyway": {
			map[string]string{nginx + "proxy-http-version": "1.1", nginx + "proxy-buffering": "off", nginx + "enable-cors": "false", nginx + "canary": " false "}, Settings{},
		},
		"no deadline leaves room for any window": {
			map[string]string{our + "drain-spread": "1m", our + "drain-deadline": "off"},
			Settings{Drain: model.Drain{Spread: model.Timeout(time.Minute), Deadline: model.Off}},
		},
		"a client on the phone is asked now and then": {
			map[string]string{our + "keepalive-interval": "30s", our + "keepalive-timeout": "off", our + "keepalive-peers": "Client"},
			Settings{Keepalive: model.Keepalive{Interval: model.Timeout(30 * time.Second), Timeout: model.Off, Peers: model.PeersClient}},
		},
		"the shortest keepalive": {
			map[string]string{our + "keepalive-interval": "1s", our + "keepalive-timeout": "100ms", our + "keepalive-peers": "backend"},
			Settings{Keepalive: model.Keepalive{Interval: model.Timeout(time.Second), Timeout: model.Timeout(100 * time.Millisecond), Peers: model.PeersEndpoint}},
		},
		"a keepalive that is off may keep its details": {
			map[string]string{our + "keepalive-interval": "off", our + "keepalive-timeout": "5s", our + "keepalive-peers": "both"},
			Settings{Keepalive: model.Keepalive{Interval: model.Off, Timeout: model.Timeout(5 * time.Second)}},
		},
		"others' annotations are theirs": {
			map[string]string{"cert-manager.io/cluster-issuer": "x", "nginx.org/keepalive": "x"}, Settings{},
		},
	}
	for name, story := range stories {
		t.Run(name, func(t *testing.T) {
			got, problems := Parse(story.set, Defaults{})
			if len(problems) > 0 {
				t.Errorf("problems: %v", problems)
			}
			if !reflect.DeepEqual(got, story.want) {
				t.Errorf("got  %+v\nwant %+v", got, story.want)
			}
		})
	}
}

func TestWhatOwnersAreTold(t *testing.T) {
	stories := map[string]struct {
		set     map[string]string
		reason  v1alpha1.Reason
		message string // a part of it
	}{
		"a unit that ingress-nginx can't read":  {map[string]string{nginx + "proxy-read-timeout": "3600s"}, v1alpha1.ReasonInvalidAnnotation, "understood as 1h; ingress-nginx reads whole seconds only and would have used 60 s: write 3600"},
		"no unit where one is needed":           {map[string]string{our + "idle-timeout": "3600"}, v1alpha1.ReasonInvalidAnnotation, "write 3600s for seconds or 3600ms for milliseconds"},
		"zero seconds":                          {map[string]string{nginx + "proxy-read-timeout": "0"}, v1alpha1.ReasonInvalidAnnotation, "no usable time"},
		"a slip of the finger":                  {map[string]string{our + "idle-timeot": "1h"}, v1alpha1.ReasonUnknownAnnotation, "did you mean fairlead.dev/idle-timeout?"},
		"nothing near":                          {map[string]string{our + "frobnicate-the-gizmo": "1h"}, v1alpha1.ReasonUnknownAnnotation, "docs/annotations.md"},
		"unheard of in nginx":                   {map[string]string{nginx + "proxy-read-timeouts": "1"}, v1alpha1.ReasonUnsupportedAnnotation, "did you mean nginx.ingress.kubernetes.io/proxy-read-timeout?"},
		"a phantom":                             {map[string]string{nginx + "enable-websockets": "true"}, v1alpha1.ReasonUnsupportedAnnotation, "never existed in ingress-nginx: WebSockets need no annotation here"},
		"F5's":                                  {map[string]string{"nginx.org/websocket-services": "chat"}, v1alpha1.ReasonUnsupportedAnnotation, "F5"},
		"an unknown variable":                   {map[string]string{nginx + "upstream-hash-by": "$connection"}, v1alpha1.ReasonInvalidAnnotation, "$connection is not a variable"},
		"an algorithm that we have not":         {map[string]string{nginx + "load-balance": "ewma"}, v1alpha1.ReasonUnsupportedAnnotation, "least-sessions"},
		"gRPC":                                  {map[string]string{nginx + "backend-protocol": "GRPC"}, v1alpha1.ReasonUnsupportedAnnotation, "write HTTP, HTTPS or AUTO_HTTP"},
		"a redirect as rewrite":                 {map[string]string{nginx + "rewrite-target": "https://example.com/$1"}, v1alpha1.ReasonUnsupportedAnnotation, "a redirect is not supported"},
		"a snippet":                             {map[string]string{nginx + "configuration-snippet": "proxy_set_header Upgrade $http_upgrade;"}, v1alpha1.ReasonUnsupportedAnnotation, "needless here, because Fairlead always behaves so: proxy_set_header Upgrade; remove the annotation"},
		"a close code that no one may send":     {map[string]string{our + "drain-close-code": "1006"}, v1alpha1.ReasonInvalidAnnotation, "may not be sent"},
		"a cookie's path without a cookie":      {map[string]string{our + "sticky-cookie-path": "/x"}, v1alpha1.ReasonInvalidAnnotation, "there is no sticky cookie"},
		"nothing to hash":                       {map[string]string{our + "balance": "consistent-hash"}, v1alpha1.ReasonInvalidAnnotation, "nothing to hash"},
		"a hash key for nothing":                {map[string]string{our + "balance": "round-robin", our + "hash-on": "host"}, v1alpha1.ReasonInvalidAnnotation, "no effect"},
		"a hash key without its name":           {map[string]string{our + "hash-on": "cookie"}, v1alpha1.ReasonInvalidAnnotation, "needs a name"},
		"a window without room":                 {map[string]string{our + "drain-spread": "1m"}, v1alpha1.ReasonInvalidAnnotation, "spread over 30s and not over 1m"},
		"a flood of Pings":                      {map[string]string{our + "keepalive-interval": "500ms"}, v1alpha1.ReasonInvalidAnnotation, "a Ping every 500ms would be a flood: write 1s or more, or 0s for no Pings; the annotation is ignored"},
		"no time for a Pong":                    {map[string]string{our + "keepalive-interval": "1m", our + "keepalive-timeout": "5ms"}, v1alpha1.ReasonInvalidAnnotation, "5ms is no time for an answer: write 100ms or more"},
		"Pings to nobody":                       {map[string]string{our + "keepalive-interval": "1m", our + "keepalive-peers": "none"}, v1alpha1.ReasonInvalidAnnotation, "is not one of both, client, backend"},
		"a wait for a Ping that never goes out": {map[string]string{our + "keepalive-timeout": "5s"}, v1alpha1.ReasonInvalidAnnotation, "no Ping is sent without an interval"},
		"peers of no Ping":                      {map[string]string{our + "keepalive-peers": "client"}, v1alpha1.ReasonInvalidAnnotation, "add fairlead.dev/keepalive-interval: 30s, or remove it"},
		"both prefixes disagree":                {map[string]string{our + "idle-timeout": "2h", nginx + "proxy-read-timeout": "60"}, v1alpha1.ReasonAnnotationClash, "fairlead.dev/idle-timeout: \"2h\", which counts"},
		"access control that we have not":       {map[string]string{nginx + "auth-type": "digest"}, v1alpha1.ReasonUnsupportedAnnotation, "answered with 503"},
		"what may be a canary":                  {map[string]string{nginx + "canary": "yes"}, v1alpha1.ReasonInvalidAnnotation, "the Ingress is not served"},
	}
	for name, story := range stories {
		t.Run(name, func(t *testing.T) {
			_, problems := Parse(story.set, Defaults{})
			if len(problems) != 1 || problems[0].Reason != story.reason || !strings.Contains(problems[0].Message, story.message) {
				t.Errorf("problems %v\nwant one %s that says %q", problems, story.reason, story.message)
			}
		})
	}
}

func TestOursWinOverNginx(t *testing.T) {
	got, problems := Parse(map[string]string{
		nginx + "proxy-read-timeout":    "60",
		nginx + "proxy-connect-timeout": "7",
		our + "idle-timeout":            "2h",
	}, Defaults{})
	want := Settings{Timeouts: model.Timeouts{
		Idle: model.Timeout(2 * time.Hour), Handshake: model.Timeout(time.Minute), Connect: model.Timeout(7 * time.Second),
	}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if len(problems) != 1 || problems[0].Reason != v1alpha1.ReasonAnnotationClash || problems[0].Key != nginx+"proxy-read-timeout" {
		t.Errorf("problems %v, want a clash told on proxy-read-timeout", problems)
	}
	if off, _ := Parse(map[string]string{our + "sticky-cookie": "off", nginx + "affinity": "cookie"}, Defaults{}); off.Balance.Sticky != nil {
		t.Errorf("sticky-cookie: off left %+v", off.Balance.Sticky)
	}
}

func TestPrefixesThatAgreeDontClash(t *testing.T) {
	_, problems := Parse(map[string]string{
		our + "idle-timeout": "1h", nginx + "proxy-read-timeout": "3600",
		our + "balance": "consistent-hash", our + "hash-on": "source-ip", nginx + "upstream-hash-by": "$remote_addr",
	}, Defaults{})
	if len(problems) > 0 {
		t.Errorf("problems: %v", problems)
	}
}

func TestABadValueOfOursLeavesThatOfNginx(t *testing.T) {
	got, problems := Parse(map[string]string{our + "idle-timeout": "soon", nginx + "proxy-read-timeout": "90"}, Defaults{})
	if got.Timeouts.Idle != model.Timeout(90*time.Second) || len(problems) != 1 {
		t.Errorf("idle %v, problems %v", got.Timeouts.Idle, problems)
	}
}
