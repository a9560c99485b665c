package controllers

import (
	"maps"
	"slices"
	"time"
)

const (
	// ticketTurn is for how long one key seals new tickets.
	ticketTurn = 12 * time.Hour
	// ticketLife is how long after the beginning of its turn a key still opens tickets: those that it
	// sealed last are good for a day. Then it is deleted, and nobody can open what it has sealed.
	ticketLife = 36 * time.Hour
	// ticketNotice is the least time between the publication of a key and its turn, after a pause in
	// which nobody rotated: for watches and clocks that are late. Usually it is a whole turn.
	ticketNotice = 10 * time.Minute
	// ticketName is a time as the name of an entry of a Secret, which may not hold a colon.
	ticketName = "20060102T150405Z"
)

// ticketKey is one key for session tickets. All replicas know it before its turn comes, so that none
// of them gets a ticket that it can't open.
type ticketKey struct {
	from time.Time // when its turn begins; UTC, in whole seconds
	key  [32]byte
}

// dead says whether the key opens tickets no more.
func (k ticketKey) dead(now time.Time) bool { return !now.Before(k.from.Add(ticketLife)) }

// ticketKeys are the keys of the Secret, the one whose turn is last in front.
type ticketKeys []ticketKey

// readTicketKeys reads the entries of a Secret: the beginning of a key's turn and its 32 bytes. It
// names the entries that are no such thing.
func readTicketKeys(data map[string][]byte) (keys ticketKeys, wrong []string) {
	for _, name := range slices.Sorted(maps.Keys(data)) {
		from, err := time.Parse(ticketName, name)
		k := ticketKey{from: from}
		if err != nil || copy(k.key[:], data[name]) != len(k.key) || len(data[name]) > len(k.key) {
			wrong = append(wrong, name)
			continue
		}
		keys = append(keys, k)
	}
	slices.Reverse(keys) // names sort as their times do
	return keys, wrong
}

// data returns the entries that readTicketKeys reads.
func (k ticketKeys) data() map[string][]byte {
	data := make(map[string][]byte, len(k))
	for _, key := range k {
		data[key.from.Format(ticketName)] = key.key[:]
	}
	return data
}

// rotated returns the keys that the Secret ought to hold at now: none that is dead, and one whose turn
// is yet to come. draw makes new ones.
func (k ticketKeys) rotated(now time.Time, draw func() [32]byte) ticketKeys {
	now = now.UTC().Truncate(time.Second)
	keys := slices.DeleteFunc(slices.Clone(k), func(key ticketKey) bool {
		// A turn that is too far away was written by a clock that was wrong; until then nothing
		// would be rotated.
		return key.dead(now) || key.from.After(now.Add(2*ticketTurn))
	})
	if len(keys) == 0 {
		keys = ticketKeys{{from: now, key: draw()}} // nobody has a key to go on with: its turn is now
	}
	if last := keys[0]; !last.from.After(now) {
		from := last.from.Add(ticketTurn)
		if soonest := now.Add(ticketNotice); from.Before(soonest) {
			from = soonest
		}
		keys = slices.Insert(keys, 0, ticketKey{from: from, key: draw()})
	}
	return keys
}

// at returns the keys as the data plane takes them at now: first the one whose turn it is, then all
// others that are not dead. If it is nobody's turn yet, which a clock can say that is late, the next
// key seals. nil: no key is left.
func (k ticketKeys) at(now time.Time) [][32]byte {
	alive := slices.DeleteFunc(slices.Clone(k), func(key ticketKey) bool { return key.dead(now) })
	if len(alive) == 0 {
		return nil
	}
	seals := slices.IndexFunc(alive, func(key ticketKey) bool { return !key.from.After(now) })
	if seals < 0 {
		seals = len(alive) - 1
	}
	list := [][32]byte{alive[seals].key}
	for i, key := range alive {
		if i != seals {
			list = append(list, key.key)
		}
	}
	return list
}

// next returns when after now a turn begins or a key dies; zero: never.
func (k ticketKeys) next(now time.Time) time.Time {
	var next time.Time
	for _, key := range k {
		for _, t := range []time.Time{key.from, key.from.Add(ticketLife)} {
			if t.After(now) && (next.IsZero() || t.Before(next)) {
				next = t
			}
		}
	}
	return next
}
