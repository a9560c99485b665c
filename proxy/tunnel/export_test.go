package tunnel

// Settle returns when the tunnel has done what was asked of it before.
func (t *Tunnel) Settle() {
	for range 2 { // whoever was woken in the first round has had its turn in the second
		done := make(chan struct{})
		t.do(func() { close(done) })
		<-done
	}
}
