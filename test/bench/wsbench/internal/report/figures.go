package report

// figure is a column of the table of a mode.
type figure struct {
	name  string // in the results
	title string
	ratio bool // compared with Fairlead's
}

// columns are what the tables show, by mode. What else is measured is in the JSON file.
var columns = map[string][]figure{
	"echo": {
		{"cpu_us_per_message", "CPU us/message", true}, {"messages_per_s", "messages/s", false}, {"cpu_percent", "core %", false},
	},
	"rate": {
		{"p50_us", "p50 us", false}, {"p99_us", "p99 us", true}, {"p99.9_us", "p99.9 us", false}, {"max_us", "max us", false},
		{"cpu_us_per_message", "CPU us/message", true}, {"lost", "lost", false},
	},
	"handshake": {
		{"cpu_us_per_handshake", "CPU us/handshake", true}, {"handshakes_per_s", "handshakes/s", false}, {"failures", "failures", false},
	},
	"idle": {
		{"bytes_per_tunnel", "PSS bytes/tunnel", true}, {"bytes_per_tunnel_opened", "at once", false},
		{"charged_bytes_per_tunnel", "cgroup bytes/tunnel", true},
		{"descriptors_per_tunnel", "descriptors/tunnel", false}, {"quiet_cpu_percent", "core %", false},
		{"base_mib", "MiB without tunnels", false},
	},
	"stalled": {
		{"bytes_per_tunnel", "PSS bytes/tunnel", true}, {"charged_bytes_per_tunnel", "cgroup bytes/tunnel", true},
	},
	"stream": {
		{"cpu_ms_per_gb", "CPU ms/GB", true}, {"gb_per_s", "GB/s", false}, {"cpu_percent", "core %", false},
	},
	"storm": {
		{"back_s", "s until all are back", true}, {"half_s", "s until half are", false}, {"cpu_s", "CPU s", true}, {"failures", "failures", false},
		{"charged_mib", "cgroup MiB before", false}, {"charged_peak_mib", "cgroup MiB at most", false},
	},
	"churn": {
		{"publishes", "publishes", false}, {"tunnels_closed", "tunnels closed", false}, {"messages_lost", "messages lost", false},
		{"messages", "messages", false}, {"p99_us", "p99 us", false}, {"publish_ms", "ms/publish", false},
	},
}
