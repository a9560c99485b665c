package report

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// Report is one run of the bench, as it is kept in a file.
type Report struct {
	Begun   time.Time `json:"begun"`
	Took    string    `json:"took"`
	Commit  string    `json:"commit"`
	Machine Machine   `json:"machine"`
	Rounds  int       `json:"rounds"`
	// Settings are the durations and sizes that the modes ran with.
	Settings map[string]string `json:"settings"`
	Peers    []Peer            `json:"peers"`
	Results  []Result          `json:"results"`
}

// Machine is what it ran on.
type Machine struct {
	CPU       string `json:"cpu"`
	Cores     int    `json:"cores"`
	MemoryGiB int    `json:"memoryGiB"`
	Kernel    string `json:"kernel"`
	Go        string `json:"go"`
	ProxyCore string `json:"proxyCore"` // the proxy's alone
	LoadCore  string `json:"loadCore"`  // of clients and backend
}

// Peer is one proxy that was measured.
type Peer struct {
	Name    string   `json:"name"`
	Version string   `json:"version"`
	Ours    bool     `json:"ours,omitempty"` // a build of Fairlead
	Args    []string `json:"args"`
	// Files are its configuration, by name.
	Files map[string]string `json:"files,omitempty"`
}

// Case is what was measured of each peer.
type Case struct {
	Mode    string `json:"mode"`
	Variant string `json:"variant,omitempty"` // how many sockets, or which frames
	TLS     bool   `json:"tls,omitempty"`
}

// String is the heading of a case.
func (c Case) String() string {
	text := c.Mode
	if c.Variant != "" {
		text += " " + c.Variant
	}
	if c.TLS {
		return text + ", TLS"
	}
	return text + ", plain"
}

// Result is one measurement.
type Result struct {
	Case
	Peer    string             `json:"peer"`
	Round   int                `json:"round"`
	Figures map[string]float64 `json:"figures,omitempty"`
	Error   string             `json:"error,omitempty"`
}

// Read reads a report from a file.
func Read(name string) (*Report, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	r := new(Report)
	if err := json.Unmarshal(text, r); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return r, nil
}

// Write writes a report into a file.
func (r *Report) Write(name string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(name, append(text, '\n'), 0o644) //nolint:gosec // for everybody to read
}

// cases are those that were measured, in order.
func (r *Report) cases() []Case {
	var list []Case
	for _, one := range r.Results {
		if !slices.Contains(list, one.Case) {
			list = append(list, one.Case)
		}
	}
	return list
}

// spread is one figure of one peer over the rounds.
type spread struct {
	median, least, most float64
	rounds              int
}

// spread is false when no round has the figure.
func (r *Report) spread(c Case, peer, figure string) (spread, bool) {
	var values []float64
	for _, one := range r.Results {
		if value, ok := one.Figures[figure]; ok && one.Case == c && one.Peer == peer {
			values = append(values, value)
		}
	}
	if len(values) == 0 {
		return spread{}, false
	}
	slices.Sort(values)
	n := len(values)
	return spread{(values[(n-1)/2] + values[n/2]) / 2, values[0], values[n-1], n}, true
}

// peersOf are the peers that were measured in a case, in the order of the report.
func (r *Report) peersOf(c Case) []string {
	var names []string
	for _, p := range r.Peers {
		if slices.ContainsFunc(r.Results, func(one Result) bool { return one.Case == c && one.Peer == p.Name }) {
			names = append(names, p.Name)
		}
	}
	return names
}

// Summary is a result on one line.
func (r Result) Summary() string {
	if r.Error != "" {
		return "failed: " + r.Error
	}
	var parts []string
	for _, f := range columns[r.Mode] {
		if v, ok := r.Figures[f.name]; ok {
			parts = append(parts, number(v)+" "+f.title)
		}
	}
	if most := r.Figures["disturbance_percent"]; most > quiet {
		parts = append(parts, fmt.Sprintf("disturbed by %.0f %% of a core", most))
	}
	return strings.Join(parts, ", ")
}
