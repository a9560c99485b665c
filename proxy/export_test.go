package proxy

import "github.com/fairlead/fairlead/proxy/admit"

// Handshakes returns how many upgrade requests are on their way to a tunnel or to their answer.
func (s *Server) Handshakes() int64 { return s.handshakes.Load() }

// Admit sets what every request must pass. It is called before the server serves.
func (s *Server) Admit(c admit.Check) { s.admission = c }
