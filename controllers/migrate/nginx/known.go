package nginx

import (
	"path"
	"strings"

	"github.com/fairlead/fairlead/controllers/nginxsyntax"
)

// fate is what becomes of a directive wherever it stands.
type fate struct {
	part       Part
	became, do string
}

// What many directives share.
var (
	machine   = fate{Kept, "Fairlead needs no such setting", ""}
	streams   = fate{Kept, "nothing is buffered: sockets and bodies stream", ""}
	socketsNo = fate{Kept, "no effect on sockets, in nginx as here; plain requests stream", ""}
	logs      = fate{Differs, "Fairlead writes structured lines to standard error, one for each session", "filter them where they are collected"}
	cryptoGo  = fate{Differs, "TLS is that of Go: its safe ciphers and curves, session tickets, no OCSP stapling", ""}
	filesLost = fate{Lost, "Fairlead has no files", "serve them by another Service, or by the backend"}
	rewrites  = fate{Lost, "answers pass as the backend sends them", "have the backend send what clients should see"}
	compress  = fate{Lost, "plain answers are not compressed on the way; sockets never were", "have the backend compress"}
	caches    = fate{Lost, "Fairlead caches nothing", "put a cache before or behind it"}
	pages     = fate{Lost, "answers of backends pass as they are, and Fairlead's own have a line of text", "name a Service that answers instead by fairlead.dev annotations on an Ingress (default-backend, custom-http-errors)"}
	scripts   = fate{Lost, "Fairlead runs no code", "do it in the backend"}
	realIP    = fate{Differs, "Fairlead trusts X-Forwarded-For and the PROXY protocol from the proxies that it is told", "start it with --trusted-proxies and these networks"}
	condition = fate{Lost, "conditions on requests are written as matches of a WebSocketRoute (headers, query parameters), or not at all", "write a rule with matches, or decide in the backend"}
	clients   = fate{Kept, "Fairlead has bounds of its own for what comes before a request is whole", ""}
	resolving = fate{Kept, "names are looked up by the cluster's DNS, again and again", ""}
	pooling   = fate{Kept, "a socket has a connection of its own; those for plain requests are kept open by themselves", ""}
)

// fateLists are the directives that no other code speaks of, or not always.
var fateLists = map[*fate]string{
	&machine: `worker_processes worker_connections worker_rlimit_nofile worker_cpu_affinity worker_priority worker_shutdown_timeout multi_accept use
		events pid user daemon master_process lock_file working_directory env load_module pcre_jit thread_pool timer_resolution
		sendfile sendfile_max_chunk tcp_nopush tcp_nodelay aio directio output_buffers open_file_cache open_file_cache_valid open_file_cache_min_uses
		open_file_cache_errors server_tokens types types_hash_max_size types_hash_bucket_size server_names_hash_bucket_size
		server_names_hash_max_size map_hash_bucket_size map_hash_max_size variables_hash_max_size variables_hash_bucket_size
		default_type charset etag if_modified_since reset_timedout_connection accept_mutex accept_mutex_delay ignore_invalid_headers
		underscores_in_headers merge_slashes msie_padding port_in_redirect absolute_redirect server_name_in_redirect
		proxy_headers_hash_max_size proxy_headers_hash_bucket_size http worker_aio_requests debug_connection postpone_output read_ahead`,
	&streams: `proxy_buffering proxy_request_buffering proxy_buffers proxy_buffer_size proxy_busy_buffers_size proxy_max_temp_file_size
		proxy_temp_path proxy_temp_file_write_size client_body_buffer_size client_body_temp_path client_body_in_file_only
		client_body_in_single_buffer proxy_limit_rate fastcgi_buffers fastcgi_buffer_size`,
	&socketsNo: `proxy_cache_bypass proxy_no_cache proxy_ignore_client_abort proxy_pass_request_body proxy_pass_request_headers proxy_redirect
		chunked_transfer_encoding proxy_socket_keepalive proxy_pass_header proxy_method proxy_force_ranges proxy_store expires
		limit_rate limit_rate_after client_max_body_size max_ranges keepalive_disable proxy_ignore_headers`,
	&logs:      `access_log error_log log_format log_not_found log_subrequest rewrite_log open_log_file_cache uninitialized_variable_warn`,
	&cryptoGo:  `ssl_ciphers ssl_prefer_server_ciphers ssl_session_cache ssl_session_timeout ssl_session_tickets ssl_session_ticket_key ssl_dhparam ssl_ecdh_curve ssl_stapling ssl_stapling_verify ssl_trusted_certificate ssl_buffer_size ssl_early_data ssl_conf_command ssl_protocols ssl_password_file ssl_crl ssl_verify_depth proxy_ssl_ciphers proxy_ssl_protocols proxy_ssl_session_reuse proxy_ssl_verify_depth proxy_ssl_verify proxy_ssl_server_name proxy_ssl_name`,
	&filesLost: `root alias index autoindex try_files autoindex_localtime autoindex_exact_size random_index gzip_static dav_methods mp4 flv`,
	&rewrites:  `sub_filter sub_filter_once sub_filter_types sub_filter_last_modified add_trailer proxy_cookie_path proxy_cookie_domain proxy_cookie_flags proxy_set_body add_before_body add_after_body ssi more_set_headers more_clear_headers addition_types image_filter`,
	&compress:  `gzip gzip_types gzip_vary gzip_proxied gzip_comp_level gzip_buffers gzip_http_version gzip_min_length gzip_disable gunzip brotli brotli_types brotli_comp_level zstd`,
	&caches:    `proxy_cache proxy_cache_path proxy_cache_valid proxy_cache_key proxy_cache_lock proxy_cache_use_stale proxy_cache_methods proxy_cache_revalidate proxy_cache_background_update proxy_cache_min_uses proxy_cache_lock_timeout proxy_cache_convert_head slice`,
	&pages:     `error_page proxy_intercept_errors recursive_error_pages`,
	&realIP:    `set_real_ip_from real_ip_header real_ip_recursive proxy_protocol`,
	&condition: `if map geo geoip2 split_clients break set valid_referers`,
	&clients:   `client_header_timeout client_body_timeout client_header_buffer_size large_client_header_buffers send_timeout lingering_close lingering_time lingering_timeout connection_pool_size request_pool_size keepalive_timeout keepalive_requests keepalive_time http2_max_concurrent_streams http2_idle_timeout http2_recv_timeout http2_body_preread_size http2_chunk_size`,
	&resolving: `resolver resolver_timeout zone state`,
	&pooling:   `keepalive keepalive_conns queue ntlm`,
	&scripts: `lua_package_path lua_package_cpath lua_shared_dict lua_code_cache lua_ssl_trusted_certificate js_import js_include js_set
		perl_modules perl_require perl_set mirror mirror_request_body`,
}

var fates = table(fateLists)

func table(lists map[*fate]string) map[string]fate {
	all := map[string]fate{}
	for f, list := range lists {
		for name := range strings.FieldsSeq(list) {
			all[name] = *f
		}
	}
	return all
}

// leftovers tells of all directives that were not spoken of.
func (m *migration) leftovers(list []*nginxsyntax.Directive) {
	for _, d := range list {
		if !m.told[d] {
			m.leftover(d)
		}
		m.leftovers(d.Block)
	}
}

func (m *migration) leftover(d *nginxsyntax.Directive) {
	switch d.Name {
	case "upstream":
		m.silence(d.Block)
		m.kept(d, "used by no location that is left")
		return
	case "location", "server", "limit_except":
		m.lost(d, "left out", "write a rule for it by hand")
		m.silence(d.Block)
		return
	case "limit_conn_zone", "limit_req_zone":
		m.kept(d, "used by no location that is left")
		return
	case "map":
		m.leftoverMap(d)
		return
	case "set":
		m.kept(d, "what uses the variable is told by itself")
		return
	}
	if d.Name == "if" && refuses(d) {
		m.silence(d.Block)
		m.lost(d, "what it refuses is let in now", "refuse it by policy.access, by a rule with matches and denyCIDRs, or in the backend")
		return
	}
	if d.Block != nil { // what stands within is part of it
		m.silence(d.Block)
	}
	if f, known := fates[d.Name]; known {
		m.tell(f.part, d, f.became, f.do)
		return
	}
	if strings.Contains(d.Name, "_by_lua") {
		m.tell(scripts.part, d, scripts.became, scripts.do)
		return
	}
	m.lost(d, "not known to this migration, and left out", "see whether it matters for the routes")
}

// refuses reports whether an if guards something.
func refuses(d *nginxsyntax.Directive) bool {
	for in := range nginxsyntax.All(d.Block) {
		if in.Name == "return" && strings.HasPrefix(in.Arg(0), "4") || in.Name == "deny" {
			return true
		}
	}
	return false
}

// plainKnown tells of a directive what the table says.
func (m *migration) plainKnown(d *nginxsyntax.Directive) {
	f := fates[d.Name]
	m.tell(f.part, d, f.became, f.do)
}

// leftoverMap tells of a map: what uses it is told by itself.
func (m *migration) leftoverMap(d *nginxsyntax.Directive) {
	m.silence(d.Block)
	if d.Arg(0) == "$http_upgrade" {
		m.kept(d, "handshakes always get the Connection that they need")
		return
	}
	m.kept(d, "what uses the variable is told by itself")
}

// harmlessInclude reports whether a file that is missing holds nothing of interest by its name.
func harmlessInclude(name string) bool {
	switch base := path.Base(name); base {
	case "mime.types", "fastcgi_params", "fastcgi.conf", "uwsgi_params", "scgi_params", "options-ssl-nginx.conf", "koi-utf", "koi-win", "win-utf":
		return true
	}
	return false
}
