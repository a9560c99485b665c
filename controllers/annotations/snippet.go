package annotations

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// judgeSnippet says what becomes of a snippet of nginx's configuration: what of it is needless here,
// what to write instead of what, and what is lost. What everybody copies for WebSockets loses nothing.
func judgeSnippet(value string) (text string, loses bool) {
	all, err := directives(value)
	var harmless, instead, lost, guards []string
	for _, d := range all {
		advice, needless := d.advice()
		loses = loses || !needless && !d.aboutTime()
		switch {
		case needless:
			harmless = append(harmless, d.title())
		case d.guards():
			guards = append(guards, d.title())
		case advice != "":
			instead = append(instead, d.title()+": "+advice)
		default:
			lost = append(lost, d.title())
		}
	}
	var says []string
	say := func(format string, names []string, separator string) {
		if slices.Sort(names); len(names) > 0 {
			says = append(says, fmt.Sprintf(format, strings.Join(slices.Compact(names), separator)))
		}
	}
	say("these directives keep clients out there, and nobody is kept out by them here: %s: write the annotation for it", guards, ", ")
	say("these are not served: %s", lost, ", ")
	say("write instead of %s", instead, "; ")
	say("these are needless here, because Fairlead always behaves so: %s", harmless, ", ")
	if err != nil {
		says = append(says, fmt.Sprintf("it can't be read as nginx's language: %v", err))
	}
	if len(says) == 0 {
		says = append(says, "there is no directive in it")
	}
	if lost == nil && instead == nil && guards == nil && err == nil {
		says = append(says, "remove the annotation")
	}
	return strings.Join(says, "; "), loses || err != nil
}

// aboutTime reports whether a directive keeps sockets open for longer: Fairlead does without it.
func (d directive) aboutTime() bool {
	return d.name == "proxy_read_timeout" || d.name == "proxy_send_timeout" || d.name == "proxy_connect_timeout" || d.name == "send_timeout"
}

// maxTitle bounds what of a directive is repeated to its owner.
const maxTitle = 64

// title names a directive, with the header that it is about, if it is about one.
func (d directive) title() string {
	title := d.name
	if d.name == "proxy_set_header" || d.name == "add_header" || d.name == "more_set_headers" {
		title = strings.Join(append([]string{d.name}, d.args[:min(1, len(d.args))]...), " ")
	}
	if len(title) > maxTitle {
		title = title[:maxTitle] + "…"
	}
	return strings.ToValidUTF8(title, "?")
}

// guards reports whether a directive lets in some clients only.
func (d directive) guards() bool {
	switch d.name {
	case "allow", "deny", "auth_basic", "auth_basic_user_file", "auth_request", "auth_jwt", "satisfy", "limit_req", "limit_conn", "valid_referers":
		return true
	}
	return false
}

// sentAnyway are headers that endpoints get with just these values.
var sentAnyway = map[string][]string{
	"host":              {"$host", "$http_host", "$best_http_host"},
	"x-real-ip":         {"$remote_addr"},
	"x-forwarded-for":   {"$remote_addr", "$proxy_add_x_forwarded_for"},
	"x-forwarded-proto": {"$scheme", "$pass_access_scheme"},
	"x-forwarded-host":  {"$host", "$http_host", "$best_http_host"},
	"x-forwarded-port":  {"$server_port", "$pass_server_port"},
}

// advice returns what to write instead of a directive, "" if there is nothing, and whether it is
// needless here.
func (d directive) advice() (instead string, needless bool) {
	first := ""
	if len(d.args) > 0 {
		first = strings.ToLower(d.args[0])
	}
	switch d.name {
	case "proxy_set_header":
		if first == "upgrade" || first == "connection" || first == "" || len(d.args) == 2 && slices.Contains(sentAnyway[first], d.args[1]) {
			return "", true
		}
		return OurPrefix + "request-headers-set", false
	case "proxy_http_version":
		return "", first == "1.1"
	case "proxy_cache", "proxy_buffering", "proxy_request_buffering", "proxy_redirect", "chunked_transfer_encoding":
		return "", first == "off" || d.name == "chunked_transfer_encoding"
	case "proxy_cache_bypass", "proxy_no_cache", "tcp_nodelay", "tcp_nopush", "proxy_buffer_size", "proxy_buffers", "proxy_busy_buffers_size":
		return "", true
	case "proxy_read_timeout", "proxy_send_timeout", "proxy_connect_timeout":
		return NginxPrefix + strings.ReplaceAll(d.name, "_", "-") + secondsOf(first), false
	case "send_timeout":
		return OurPrefix + "stall-timeout", false
	case "client_max_body_size":
		return fmt.Sprintf("%sproxy-body-size: %q", NginxPrefix, first), false
	case "add_header", "more_set_headers":
		return OurPrefix + "response-headers-set", false
	case "proxy_hide_header", "more_clear_headers":
		return OurPrefix + "response-headers-remove", false
	case "more_set_input_headers":
		return OurPrefix + "request-headers-set", false
	case "return":
		return NginxPrefix + "temporal-redirect or permanent-redirect, if it redirects", false
	case "rewrite":
		return NginxPrefix + "rewrite-target", false
	}
	return "", false
}

// secondsOf writes a time of nginx as an annotation has it.
func secondsOf(value string) string {
	length, err := nginxTime(value)
	if err != nil || length == 0 {
		return ""
	}
	return fmt.Sprintf(": \"%d\"", int64(math.Ceil(length.Seconds())))
}
