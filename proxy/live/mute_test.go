package live

import "testing"

func TestAMuteEndpointIsTriedByOneAtATime(t *testing.T) {
	var m mute
	const failed = 1000
	if m.at(failed) {
		t.Error("mute before anything happened")
	}
	if !m.set(failed) {
		t.Error("that it became mute is no news")
	}
	end := int64(failed + muteTime)
	if !m.at(failed) || !m.at(end-1) || m.at(end) {
		t.Error("it is not left alone for as long as it should")
	}
	m.try(end - 1) // whoever found no other endpoint
	if m.at(end) {
		t.Error("who tried it early made it mute for longer")
	}
	m.try(end)
	if !m.at(end) {
		t.Error("while one tries it, others go there too")
	}
	if m.set(end + 5) {
		t.Error("that it still is mute is news")
	}
	if !m.at(end+int64(muteTime)) || m.at(end+int64(muteTime)+5) {
		t.Error("the next one does not wait for as long as the first")
	}
}

func TestAnEndpointThatIsHeardIsMuteNoMore(t *testing.T) {
	var e Endpoint
	e.Try()
	if e.Mute() || e.SetHeard() {
		t.Error("it never was mute")
	}
	if !e.SetMute() || !e.Mute() {
		t.Error("not mute")
	}
	if !e.SetHeard() || e.Mute() || e.SetHeard() {
		t.Error("it was heard, and is mute")
	}
}
