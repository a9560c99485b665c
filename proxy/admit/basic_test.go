package admit

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fairlead/fairlead/proxy/model"
)

// sesame has everybody's password in another format; it is "sesame".
const sesame = `
# who may come in
bea:$2y$05$QXKdpu17WCnPhBDJ.p6cMO9lg4RGsLI8/ly9uhKevab.9e9snrUtK
sha:{SHA}CEo1Ae3vaEXy8eQZjsOiuBz1xrw=
plain:{PLAIN}sesame
remark:{PLAIN}sesame:joined in May
sha:{PLAIN}other
`

func authorized(t *testing.T, credentials ...string) *Subject {
	t.Helper()
	s := subject(t, request(t, "GET / HTTP/1.1", "a"), model.Route{
		Protocols: model.HTTP, Access: model.Access{Basic: &model.BasicAuth{Users: sesame, Realm: `the "inner" circle`}},
	})
	for _, c := range credentials {
		s.Request.Header.Add("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(c)))
	}
	return s
}

func TestWhoKnowsAPasswordComesIn(t *testing.T) {
	for _, name := range []string{"bea", "sha", "plain", "remark"} {
		if refusal := Admit(authorized(t, name+":sesame")); refusal != nil {
			t.Errorf("%s: %v", name, refusal)
		}
		for _, credentials := range []string{
			name + ":Sesame", name + ":sesame ", name + ":", name, name + ":sesame:", strings.ToUpper(name) + ":sesame",
			name + ":" + sesame, name + ":{PLAIN}sesame", name + ":CEo1Ae3vaEXy8eQZjsOiuBz1xrw=", "nobody:sesame", ":", "",
		} {
			refusal := Admit(authorized(t, credentials))
			if refusal == nil || refusal.Status != http.StatusUnauthorized || refusal.Reason != model.Unauthorized ||
				refusal.Header["WWW-Authenticate"] != `Basic realm="the \"inner\" circle"` {
				t.Errorf("%q: %v", credentials, refusal)
			}
		}
	}
}

func TestTwoAuthorizationsAreNone(t *testing.T) {
	for _, credentials := range [][]string{{"sha:sesame", "sha:sesame"}, {"sha:sesame", "root:x"}, {"root:x", "sha:sesame"}, nil} {
		if refusal := Admit(authorized(t, credentials...)); refusal == nil {
			t.Errorf("%v is let in", credentials)
		}
	}
	for _, line := range []string{"Bearer x", "Basic", "Basic !", "basic c2hhOnNlc2FtZQ", "Basic c2hhOnNlc2FtZQ==, Basic cm9vdDp4"} {
		s := authorized(t)
		s.Request.Header.Set("Authorization", line)
		if refusal := Admit(s); refusal == nil {
			t.Errorf("%s is let in", line)
		}
	}
}

func TestAHashIsPaidOnce(t *testing.T) {
	s := authorized(t, "bea:sesame")
	b := s.Policy.basic
	counted := new(counting)
	b.users["bea"], b.nobody = counted, counted
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			if known, _ := b.knows(t.Context(), "bea", "sesame"); !known {
				t.Error("refused")
			}
		})
	}
	all.Wait()
	if n := counted.compared(); n > cap(hashing) {
		t.Errorf("hashed %d times", n)
	}
	before := counted.compared()
	_, _ = b.knows(t.Context(), "nobody", "sesame")
	_, _ = b.knows(t.Context(), "bea", "wrong")
	_, _ = b.knows(t.Context(), "bea", "wrong")
	if n := counted.compared() - before; n != 3 {
		t.Errorf("who is wrong, or not known, was hashed %d times", n)
	}
	for i := range 2 * maxVerified {
		b.verified.add(b.verified.sum("x", fmt.Sprint(i)))
	}
	if n := len(b.verified.sums); n > maxVerified {
		t.Errorf("%d are remembered", n)
	}
}

func TestWhoLeavesWaitsForNoHash(t *testing.T) {
	for range cap(hashing) {
		hashing <- struct{}{}
	}
	defer func() {
		for range cap(hashing) {
			<-hashing
		}
	}()
	ctx, leave := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer leave()
	s := authorized(t, "sha:sesame")
	s.Request = s.Request.WithContext(ctx)
	if refusal := Admit(s); refusal == nil {
		t.Error("let in")
	}
}

// counting is a password that is "sesame".
type counting struct {
	mu sync.Mutex
	n  int
}

func (c *counting) MatchesPassword(password string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n++
	return password == "sesame"
}

func (c *counting) compared() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n
}

func TestALineThatIsDamagedCostsItsUserOnly(t *testing.T) {
	r := model.Route{Protocols: model.HTTP, Access: model.Access{Basic: &model.BasicAuth{
		Users: "des:rqXexS6ZhobKA\nopen:sesame\nbroken:$apr1$x\nsecretword\nsha:{SHA}CEo1Ae3vaEXy8eQZjsOiuBz1xrw=\n",
	}}}
	p := NewPolicy(&r, nil)
	err := p.Err()
	if err == nil || strings.Contains(err.Error(), "rqXex") || strings.Contains(err.Error(), "secretword") ||
		!strings.Contains(err.Error(), `"des"`) || !strings.Contains(err.Error(), `"broken"`) {
		t.Errorf("told %v", err)
	}
	for credentials, let := range map[string]bool{"sha:sesame": true, "des:rqXexS6ZhobKA": false, "open:sesame": false} {
		s := authorized(t, credentials)
		s.Policy = p
		if refusal := Admit(s); let != (refusal == nil) {
			t.Errorf("%s: %v", credentials, refusal)
		}
	}
}

func TestWithoutUsersNobodyComesIn(t *testing.T) {
	s := authorized(t, ":")
	s.Policy = policy(t, model.Route{Protocols: model.HTTP, Access: model.Access{Basic: &model.BasicAuth{}}})
	if refusal := Admit(s); refusal == nil || refusal.Header["WWW-Authenticate"] != `Basic realm="Authentication Required"` {
		t.Errorf("got %v", refusal)
	}
}

// FuzzCredentials: nothing but the one right line is let in.
func FuzzCredentials(f *testing.F) {
	for _, seed := range []string{"Basic c2hhOnNlc2FtZQ==", "basic c2hhOnNlc2FtZQ==", "Basic Og==", "Bearer x", "Basic \x00"} {
		f.Add(seed)
	}
	r := model.Route{Protocols: model.HTTP, Access: model.Access{Basic: &model.BasicAuth{Users: "sha:{PLAIN}sesame\n"}}}
	p := NewPolicy(&r, nil)
	err := p.Err()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, line string) {
		request := request(t, "GET / HTTP/1.1", "a")
		request.Header["Authorization"] = []string{line}
		refusal := Admit(&Subject{Request: request, Policy: p})
		scheme, token, _ := strings.Cut(line, " ")
		decoded, _ := base64.StdEncoding.DecodeString(token)
		if right := strings.EqualFold(scheme, "basic") && string(decoded) == "sha:sesame"; right != (refusal == nil) {
			t.Errorf("%q: %v", line, refusal)
		}
	})
}
