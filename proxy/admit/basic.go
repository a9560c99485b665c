package admit

import (
	"context"
	"crypto/hmac"
	cryptorand "crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/tg123/go-htpasswd"

	"github.com/fairlead/fairlead/proxy/model"
)

// defaultRealm is what users are asked for when the route does not say.
const defaultRealm = "Authentication Required"

// basic asks for a name and a password (RFC 7617).
type basic struct {
	challenge string
	users     map[string]htpasswd.EncodedPasswd
	// nobody is compared for names that are not known, so that it takes as long as for those that are.
	nobody   htpasswd.EncodedPasswd
	turns    chan struct{} // of those whose password is next to be hashed
	patience time.Duration // how long others wait for it
	verified verified
}

// formats are those of htpasswd files, but for passwords that are written out: a hash that is not
// understood must not become one.
var formats = []htpasswd.PasswdParser{
	htpasswd.AcceptMd5, htpasswd.AcceptSha, htpasswd.AcceptSsha, htpasswd.AcceptBcrypt, htpasswd.AcceptCryptSha, acceptPlain,
}

// newBasic returns nil when nobody is asked. The error names the users that can't log in.
func newBasic(b *model.BasicAuth) (*basic, error) {
	if b == nil {
		return nil, nil
	}
	realm := b.Realm
	if realm == "" {
		realm = defaultRealm
	}
	n := &basic{
		challenge: `Basic realm="` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(printable(realm)) + `"`,
		users:     map[string]htpasswd.EncodedPasswd{},
		turns:     make(chan struct{}, cap(hashing)), patience: maxWait,
	}
	n.verified.init()
	var wrong []error
	for line := range strings.Lines(b.Users) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, hash, found := strings.Cut(line, ":")
		hash, _, _ = strings.Cut(hash, ":") // what follows is a remark
		if !found {
			wrong = append(wrong, errors.New(`a line is not "name:hash"`)) // it may be a password
			continue
		}
		if _, twice := n.users[name]; twice {
			continue // the first counts, as in nginx
		}
		user, err := readHash(hash)
		if err != nil {
			wrong = append(wrong, fmt.Errorf("the user %q can't log in: %w", name, err))
			continue
		}
		n.users[name] = user
		if n.nobody == nil {
			n.nobody = user
		}
	}
	return n, errors.Join(wrong...)
}

// readHash returns what compares passwords with a hash. Errors of the formats are not passed on: they
// have the hash in them.
func readHash(hash string) (htpasswd.EncodedPasswd, error) {
	if err := affordable(hash); err != nil {
		return nil, err
	}
	for _, accept := range formats {
		user, err := accept(hash)
		if err != nil {
			return nil, errors.New("the hash is damaged")
		}
		if user != nil {
			return user, nil
		}
	}
	return nil, errors.New("the kind of hash is not known (bcrypt, apr1, SHA, SSHA and the crypt kinds 1, 5 and 6 are: htpasswd -B makes one)")
}

const (
	// maxCost and maxRounds bound the work of a hash, which can't be broken off: about a second.
	maxCost   = 14        // of bcrypt, as a power of two
	maxRounds = 1_000_000 // of the crypt kinds 5 and 6
)

// affordable refuses hashes that would keep other passwords waiting.
func affordable(hash string) error {
	kind, rest, _ := strings.Cut(strings.TrimPrefix(hash, "$"), "$")
	work, _, _ := strings.Cut(rest, "$")
	most := maxCost
	switch {
	case !strings.HasPrefix(hash, "$"):
		return nil
	case kind == "5", kind == "6":
		var found bool
		if work, found = strings.CutPrefix(work, "rounds="); !found {
			return nil
		}
		most = maxRounds
	case !strings.HasPrefix(kind, "2"):
		return nil
	}
	if n, err := strconv.Atoi(work); err != nil || n > most {
		return fmt.Errorf("the hash takes too long to compare: its work is %q, and at most %d is served", work, most)
	}
	return nil
}

// plain is a password that is written out.
type plain [sha256.Size]byte

// acceptPlain reads nginx's "{PLAIN}password".
func acceptPlain(text string) (htpasswd.EncodedPasswd, error) {
	if password, found := strings.CutPrefix(text, "{PLAIN}"); found {
		return plain(sha256.Sum256([]byte(password))), nil
	}
	return nil, nil
}

// MatchesPassword compares in a time that says nothing about the password.
func (p plain) MatchesPassword(password string) bool {
	sum := sha256.Sum256([]byte(password))
	return subtle.ConstantTimeCompare(p[:], sum[:]) == 1
}

// check lets in who knows a password. There must be one Authorization: of two, the endpoint might
// believe the one that was not verified.
func (b *basic) check(s *Subject) *model.Refusal {
	if b == nil {
		return nil
	}
	name, password, found := s.Request.BasicAuth()
	if found && len(s.Request.Header["Authorization"]) == 1 {
		switch known, err := b.knows(s.Request.Context(), name, password); {
		case known:
			return nil
		case err != nil:
			return busy(s, err)
		}
	}
	return &model.Refusal{
		Status: http.StatusUnauthorized, Reason: model.Unauthorized, Detail: "this route wants a name and a password",
		Header: map[string]string{"WWW-Authenticate": b.challenge},
	}
}

// hashing bounds the passwords that are hashed at a time. Whoever tries many must not take the
// processors from the sessions that stand. A route has no more than that in the line for it: whoever
// tries many on one route is not in the way of the users of all others.
var hashing = make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2))

// busy refuses who could not be looked at.
func busy(s *Subject, err error) *model.Refusal {
	if refusal := left(s); refusal != nil {
		return refusal
	}
	return &model.Refusal{
		Status: http.StatusServiceUnavailable, Reason: model.TooManyRequests, Err: err,
		Detail: "more passwords come than can be looked at; try again", Header: retryAfter(1 + rand.IntN(5)),
	}
}

// knows reports whether a password is that of a name. It may take a while; the error is that of ctx, or
// says that it would take too long.
func (b *basic) knows(ctx context.Context, name, password string) (bool, error) {
	if len(b.users) == 0 || len(password) > maxPassword {
		return false, nil
	}
	sum := b.verified.sum(name, password)
	if b.verified.has(sum) {
		return true, nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, b.patience, errBusy)
	defer cancel()
	if err := take(ctx, b.turns); err != nil {
		return false, err
	}
	defer func() { <-b.turns }()
	if err := take(ctx, hashing); err != nil {
		return false, err
	}
	defer func() { <-hashing }()
	if b.verified.has(sum) { // meanwhile: a client's sockets mostly come back all at once
		return true, nil
	}
	user, known := b.users[name]
	if !known {
		user = b.nobody
	}
	if !user.MatchesPassword(password) || !known {
		return false, nil
	}
	b.verified.add(sum)
	return true, nil
}

// maxWait bounds the time for which a password waits for its turn: who tries very many should not fill
// the memory with those who wait.
const maxWait = 5 * time.Second

var errBusy = errors.New("the password had no turn in time")

// take takes a place, unless ctx ends before there is one.
func take(ctx context.Context, places chan struct{}) error {
	select {
	case places <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// maxPassword bounds a password in bytes: the crypt kinds and apr1 hash all of it in every round, so that
// one as long as a header may be would take seconds.
const maxPassword = 512

// maxVerified bounds the credentials that are remembered, by 32 bytes each.
const maxVerified = 4096

// verified remembers credentials that were verified, so that a slow hash is paid once. It has no
// password and nothing that could be tried without the key, which only this process has.
type verified struct {
	secret [32]byte
	mu     sync.RWMutex
	sums   map[[sha256.Size]byte]struct{}
}

func (v *verified) init() {
	_, _ = cryptorand.Read(v.secret[:]) // never fails
	v.sums = map[[sha256.Size]byte]struct{}{}
}

// sum identifies a name and its password; a name has no colon (RFC 7617 section 2).
func (v *verified) sum(name, password string) (sum [sha256.Size]byte) {
	mac := hmac.New(sha256.New, v.secret[:])
	mac.Write([]byte(name + ":" + password))
	mac.Sum(sum[:0])
	return sum
}

func (v *verified) has(sum [sha256.Size]byte) bool {
	v.mu.RLock()
	defer v.mu.RUnlock()
	_, found := v.sums[sum]
	return found
}

func (v *verified) add(sum [sha256.Size]byte) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.sums) >= maxVerified {
		for some := range v.sums { // any: it costs its owner one hash
			delete(v.sums, some)
			break
		}
	}
	v.sums[sum] = struct{}{}
}
