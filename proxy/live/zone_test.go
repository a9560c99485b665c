package live

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

var ann, bob = netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")

func TestAZoneHoldsSoManySessionsAndNoMore(t *testing.T) {
	z := NewZone()
	take := func(who netip.Addr, want Bound) Hold {
		t.Helper()
		h, full := z.Acquire(who, 3, 2)
		if full != want {
			t.Fatalf("%v, want %v", full, want)
		}
		return h
	}
	first, second := take(ann, None), take(ann, None)
	take(ann, OfClient)
	third := take(bob, None)
	take(bob, OfZone)
	if z.Sessions() != 3 || z.Clients(ann) != 2 || z.Clients(bob) != 1 {
		t.Errorf("%d: %d and %d", z.Sessions(), z.Clients(ann), z.Clients(bob))
	}
	first.Release(ann)
	fourth := take(bob, None)
	second.Release(ann)
	third.Release(bob)
	fourth.Release(bob)
	Hold{}.Release(bob)
	for i := range z.clients {
		if z.clients[i].held != nil {
			t.Error("who holds nothing is remembered")
		}
	}
	if z.Sessions() != 0 {
		t.Errorf("%d are left", z.Sessions())
	}
}

func TestWhoIsExemptCountsForTheZoneAlone(t *testing.T) {
	z := NewZone()
	h, _ := z.Acquire(ann, 0, 0)
	if z.Clients(ann) != 0 || z.Sessions() != 1 {
		t.Errorf("%d of %d", z.Clients(ann), z.Sessions())
	}
	// A bound that comes later counts from then on.
	if _, full := z.Acquire(ann, 0, 1); full != None {
		t.Error(full)
	}
	h.Release(ann)
	if z.Clients(ann) != 1 {
		t.Errorf("%d", z.Clients(ann))
	}
}

func TestOneHostHasManyAddresses(t *testing.T) {
	z := NewZone()
	at := netip.MustParseAddr
	z.Acquire(at("2001:db8:0:1::1"), 0, 1)
	if _, full := z.Acquire(at("2001:db8:0:1:ffff::2"), 0, 1); full != OfClient {
		t.Error("another address of the same network is another client")
	}
	if _, full := z.Acquire(at("2001:db8:0:2::1"), 0, 1); full != None {
		t.Error("another network is the same client")
	}
	z.Acquire(ann, 0, 1)
	if _, full := z.Acquire(bob, 0, 1); full != None {
		t.Error("another address of IPv4 is the same client")
	}
	if keyOf(ann) != keyOf(at("::ffff:192.0.2.1")) {
		t.Error("IPv4 is two clients")
	}
}

func TestManyAtOnceAreCountedRight(t *testing.T) {
	z := NewZone()
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			who := netip.AddrFrom4([4]byte{10, 0, 0, byte(i % 3)})
			for range 2000 {
				h, full := z.Acquire(who, 5, 2)
				if full == None && z.Clients(who) > 2 {
					t.Error("too many of one client")
				}
				h.Release(who)
			}
		})
	}
	all.Wait()
	if z.Sessions() != 0 {
		t.Errorf("%d are left", z.Sessions())
	}
}

func TestAMeterLetsABurstThroughAndThenThePace(t *testing.T) {
	for _, perClient := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			m := NewZone().Meter(Pace{Every: 100 * time.Millisecond, PerClient: perClient})
			for range 6 {
				if early := m.Allow(ann, 5); early != 0 {
					t.Fatalf("early by %v", early)
				}
			}
			if early := m.Allow(ann, 5); early != 100*time.Millisecond {
				t.Errorf("early by %v", early)
			}
			if early := m.Allow(bob, 5); perClient != (early == 0) {
				t.Errorf("perClient %v: somebody else is early by %v", perClient, early)
			}
			time.Sleep(250 * time.Millisecond)
			let := 0
			for m.Allow(ann, 5) == 0 {
				let++
			}
			if let != 2 {
				t.Errorf("%d were let through", let)
			}
			time.Sleep(time.Hour)
			for range 6 {
				if early := m.Allow(ann, 5); early != 0 {
					t.Fatalf("after a rest: early by %v", early)
				}
			}
		})
	}
}

func TestABurstMayBeAsLargeAsItLikes(t *testing.T) {
	m := NewZone().Meter(Pace{Every: time.Hour})
	for range 1000 {
		if early := m.Allow(ann, 1<<62); early != 0 {
			t.Fatalf("early by %v", early)
		}
	}
}

func TestAFloodOfAddressesMakesNobodyForgottenWhoCameTooOften(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		z := NewZone()
		m := z.Meter(Pace{Every: time.Minute, PerClient: true})
		for m.Allow(ann, 20) == 0 {
		}
		random := rand.New(rand.NewPCG(1, 2))
		for range 500_000 {
			var a [4]byte
			a[0], a[1], a[2], a[3] = 10, byte(random.Uint32()), byte(random.Uint32()), byte(random.Uint32())
			m.Allow(netip.AddrFrom4(a), 20)
		}
		remembered := 0
		for i := range m.shards {
			remembered += len(m.shards[i].at)
		}
		if remembered > shards*maxRemembered {
			t.Errorf("%d are remembered", remembered)
		}
		if m.Allow(ann, 20) == 0 {
			t.Error("she was forgotten")
		}
		time.Sleep(time.Hour)
		old := int64(time.Since(epoch))
		for i := range shards * maxRemembered {
			m.Allow(netip.AddrFrom4([4]byte{11, byte(i >> 16), byte(i >> 8), byte(i)}), 20)
		}
		for i := range m.shards {
			for _, at := range m.shards[i].at {
				if at <= old {
					t.Fatal("who came long ago is still remembered")
				}
			}
		}
	})
}

func TestMetersOfOldPacesAreDropped(t *testing.T) {
	z := NewZone()
	fast, slow := Pace{Every: time.Second}, Pace{Every: time.Minute, PerClient: true}
	kept := z.Meter(slow)
	z.Meter(fast)
	z.Keep([]Pace{slow})
	if len(z.meters) != 1 || z.Meter(slow) != kept {
		t.Errorf("%v", z.meters)
	}
}

func BenchmarkAllow(b *testing.B) {
	for _, perClient := range []bool{true, false} {
		b.Run(fmt.Sprintf("perClient=%v", perClient), func(b *testing.B) {
			m := NewZone().Meter(Pace{Every: time.Nanosecond, PerClient: perClient})
			b.ReportAllocs()
			i := uint32(0)
			for b.Loop() {
				i++
				m.Allow(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), 5)
			}
		})
	}
}
