package controllers

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)

// dice draws keys that can be told apart: their first byte counts.
func dice() func() [32]byte {
	drawn := byte(0)
	return func() [32]byte {
		drawn++
		return [32]byte{drawn}
	}
}

// plan prints when the turns of keys begin, from noon.
func (k ticketKeys) plan() string {
	var list []string
	for _, key := range k {
		list = append(list, fmt.Sprintf("%d@%s", key.key[0], key.from.Sub(noon)))
	}
	return strings.Join(list, " ")
}

// first returns the first bytes of the keys that the data plane gets.
func first(keys [][32]byte) []byte {
	var list []byte
	for _, key := range keys {
		list = append(list, key[0])
	}
	return list
}

// Two days of a leader that does its duty, and of replicas whose clocks are minutes apart: whatever
// one of them seals the others open, and what was sealed is good for a day at least.
func TestEveryReplicaKnowsAKeyBeforeOneUsesIt(t *testing.T) {
	draw := dice()
	var secret ticketKeys
	sealed := map[byte]time.Time{} // when a key was last used
	for now := noon; now.Before(noon.Add(48 * time.Hour)); now = now.Add(time.Minute) {
		before := secret
		secret = secret.rotated(now, draw)
		for _, skew := range []time.Duration{-5 * time.Minute, 0, 5 * time.Minute} {
			seals := first(secret.at(now.Add(skew)))[0]
			sealed[seals] = now
			for _, other := range []ticketKeys{before, secret} {
				if len(other) > 0 && !slices.Contains(first(other.at(now.Add(-skew))), seals) {
					t.Fatalf("%s: a replica seals with key %d, which another does not know: %s", now, seals, other.plan())
				}
			}
		}
		for used, last := range sealed {
			opens := slices.Contains(first(secret.at(now)), used)
			if age := now.Sub(last); !opens && age < 24*time.Hour-10*time.Minute || opens && age > ticketLife {
				t.Fatalf("%s: tickets of key %d, last used %s ago, are good: %t", now, used, age, opens)
			}
		}
		if len(secret) > 4 {
			t.Fatalf("the Secret grows: %s", secret.plan())
		}
	}
	if len(sealed) < 4 {
		t.Errorf("%d keys in two days", len(sealed))
	}
}

func TestKeysAreRotated(t *testing.T) {
	hours := func(h ...int) ticketKeys {
		var keys ticketKeys
		for i, from := range h {
			keys = append(keys, ticketKey{from: noon.Add(time.Duration(from) * time.Hour), key: [32]byte{byte(100 + i)}})
		}
		return keys
	}
	for name, c := range map[string]struct {
		before ticketKeys
		after  string
	}{
		"nothing yet":                  {nil, "2@12h0m0s 1@0s"},
		"nothing to do":                {hours(1, -11), "100@1h0m0s 101@-11h0m0s"},
		"the turn of the last begins":  {hours(0, -12, -24), "1@12h0m0s 100@0s 101@-12h0m0s 102@-24h0m0s"},
		"one dies":                     {hours(0, -12, -24, -36), "1@12h0m0s 100@0s 101@-12h0m0s 102@-24h0m0s"},
		"nobody rotated for a day":     {hours(-24, -35), "1@10m0s 100@-24h0m0s 101@-35h0m0s"},
		"nobody rotated for two days":  {hours(-48, -60), "2@12h0m0s 1@0s"},
		"written by a clock far ahead": {hours(8760, -1), "1@11h0m0s 101@-1h0m0s"},
		"only that":                    {hours(8760), "2@12h0m0s 1@0s"},
	} {
		if got := c.before.rotated(noon, dice()).plan(); got != c.after {
			t.Errorf("%s: %s, want %s", name, got, c.after)
		}
	}
}

func TestTheKeyWhoseTurnItIsSeals(t *testing.T) {
	keys := ticketKeys{{noon.Add(ticketTurn), [32]byte{3}}, {noon, [32]byte{2}}, {noon.Add(-ticketTurn), [32]byte{1}}}
	for _, c := range []struct {
		now  time.Duration
		keys []byte
		next time.Duration
	}{
		{-13 * time.Hour, []byte{1, 3, 2}, -12 * time.Hour}, // a clock that is late
		{-time.Minute, []byte{1, 3, 2}, 0},
		{0, []byte{2, 3, 1}, 12 * time.Hour},
		{12 * time.Hour, []byte{3, 2, 1}, 24 * time.Hour},
		{24 * time.Hour, []byte{3, 2}, 36 * time.Hour},
		{36 * time.Hour, []byte{3}, 48 * time.Hour},
	} {
		now := noon.Add(c.now)
		if got := first(keys.at(now)); !slices.Equal(got, c.keys) {
			t.Errorf("at %s: keys %d, want %d", c.now, got, c.keys)
		}
		if got := keys.next(now).Sub(noon); got != c.next {
			t.Errorf("at %s: next %s, want %s", c.now, got, c.next)
		}
	}
	end := noon.Add(48 * time.Hour)
	if keys.at(end) != nil || !keys.next(end).IsZero() {
		t.Error("keys outlive their life")
	}
}

func TestAWrongEntryCostsItselfAlone(t *testing.T) {
	good := ticketKeys{{noon.Add(ticketTurn), [32]byte{2}}, {noon, [32]byte{1}}}
	data := good.data()
	data["20260701T130000Z"] = make([]byte, 31)
	data["20260701T140000Z"] = make([]byte, 33)
	data["20260701T150000Z"] = nil
	data["tls.key"] = make([]byte, 32)
	keys, wrong := readTicketKeys(data)
	if !reflect.DeepEqual(keys, good) {
		t.Errorf("read %s", keys.plan())
	}
	if want := []string{"20260701T130000Z", "20260701T140000Z", "20260701T150000Z", "tls.key"}; !slices.Equal(wrong, want) {
		t.Errorf("wrong are %q", wrong)
	}
}
