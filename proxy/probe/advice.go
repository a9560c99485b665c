package probe

import "fmt"

// What to change, for the proxies that people use. Each list begins with those that need a line
// most often.

// passUpgrade makes proxies pass a handshake on.
var passUpgrade = []Change{
	{nginx, []string{
		"map $http_upgrade $connection_upgrade { default upgrade; '' close; }   # in http {}",
		"proxy_http_version 1.1;                                                # in the location",
		"proxy_set_header Upgrade $http_upgrade;",
		"proxy_set_header Connection $connection_upgrade;",
	}},
	{apache, []string{
		"ProxyPass /ws http://backend:8080/ws upgrade=websocket   # 2.4.47 and later",
		"# before: a2enmod proxy_wstunnel; ProxyPass /ws ws://backend:8080/ws, above the ProxyPass of /",
	}},
	{haproxy, []string{"# it passes upgrades by itself: look for an http-request del-header, or a frontend in mode http that speaks h2 to the server", "timeout tunnel 1h"}},
	{envoy, []string{"upgrade_configs: [{upgrade_type: websocket}]   # of the HTTP connection manager, or of the route"}},
	{cloudflare, []string{"# Network > WebSockets: on (it passes only websocket upgrades)"}},
	{alb, []string{"# it passes upgrades by itself, but not to a target group whose protocol version is HTTP2 or gRPC: use HTTP1"}},
	{apiGateway, []string{"# a REST or HTTP API passes no upgrade: make a WebSocket API, or go around it"}},
	{azureFD, []string{"# the classic tiers pass no upgrade: use Standard or Premium"}},
	{cloudFront, []string{"# forward Sec-WebSocket-Key, -Version, -Protocol, -Extensions and -Accept (origin request policy AllViewer)"}},
	{iis, []string{"# install the WebSocket Protocol feature; in ARR leave webSocket enabled=\"true\" in <system.webServer>"}},
	{ingressNginx, []string{"# it passes upgrades by itself: remove the annotation connection-proxy-header and snippets that set Connection"}},
	{traefik, []string{"# it passes upgrades by itself: look for a headers middleware that sets Connection, and at the proxy in front"}},
	{caddy, []string{"# it passes upgrades by itself: look for header_up Connection or Upgrade, and at the proxy in front"}},
	{fairlead, []string{"# it passes upgrades by itself, and refuses what comes without the headers: mend the proxy in front of it"}},
}

// longerSilence makes proxies bear silence.
var longerSilence = []Change{
	{application, []string{"# send a Ping (or a message) from either end, more often than the shortest of these timeouts: every 20 to 30 s"}},
	{nginx, []string{"proxy_read_timeout 3600s;", "proxy_send_timeout 3600s;"}},
	{ingressNginx, []string{`nginx.ingress.kubernetes.io/proxy-read-timeout: "3600"   # seconds, without a unit`, `nginx.ingress.kubernetes.io/proxy-send-timeout: "3600"`}},
	{alb, []string{"alb.ingress.kubernetes.io/load-balancer-attributes: idle_timeout.timeout_seconds=3600"}},
	{haproxy, []string{"timeout tunnel 1h   # in the defaults or the backend; without it timeout client and timeout server count"}},
	{envoy, []string{"stream_idle_timeout: 0s   # of the HTTP connection manager; 5 min unless set", "timeout: 0s               # of the route; 15 s unless set"}},
	{googleLB, []string{"# backend service timeout (BackendConfig spec.timeoutSec): 86400. It is the whole life of a socket, not its silence"}},
	{azureAG, []string{"# request timeout of the backend setting (appgw.ingress.kubernetes.io/request-timeout): up to 86400 s"}},
	{cloudflare, []string{"# its 100 s can't be changed but in Enterprise: send Pings"}},
	{traefik, []string{"--entryPoints.websecure.transport.respondingTimeouts.idleTimeout=3600s"}},
	{apache, []string{"ProxyTimeout 3600"}},
	{kong, []string{`konghq.com/read-timeout: "3600000"    # on the Service, milliseconds`, `konghq.com/write-timeout: "3600000"`}},
	{fairlead, []string{`fairlead.dev/idle-timeout: 4h          # 1h unless set`, `fairlead.dev/keepalive-interval: 30s    # Fairlead itself sends Pings`}},
}

// servePath leads a path to a Service.
func servePath(at place) []Change {
	path := at.path()
	return []Change{
		{fairlead, []string{
			"spec:                        # of an Ingress; fairlead check -f FILE shows what it comes to",
			"  ingressClassName: fairlead",
			"  rules:",
			fmt.Sprintf("  - host: %s", at.host),
			"    http:",
			"      paths:",
			fmt.Sprintf("      - {path: %s, pathType: Prefix, backend: {service: {name: SERVICE, port: {number: PORT}}}}", path),
		}},
		{ingressNginx, []string{
			fmt.Sprintf("# the Ingress needs host %s, a path that covers %s and the right ingressClassName;", at.host, path),
			"# with rewrite-target, look at what the capture group leaves of the path",
		}},
		{nginx, []string{
			fmt.Sprintf("location %s { proxy_pass http://backend; … }   # without a URI behind the host the path stays", path),
			"# \"location /ws/\" does not match /ws, and \"proxy_pass http://backend/;\" cuts the location off the path",
		}},
		{traefik, []string{"rule: Host(`" + at.host + "`) && PathPrefix(`" + path + "`)   # on the entrypoint that was asked"}},
		{caddy, []string{fmt.Sprintf("handle %s* { reverse_proxy backend:8080 }   # handle_path would cut the prefix off", path)}},
		{haproxy, []string{fmt.Sprintf("use_backend sockets if { path_beg %s }", path)}},
		{envoy, []string{fmt.Sprintf("match: {prefix: %s}   # in a virtual host whose domains have %s", path, at.authority())}},
		{application, []string{"# compare with the path on which it serves its sockets, to the letter and the slash"}},
	}
}

// fullChain makes servers send the intermediate certificate.
var fullChain = []Change{
	{nginx, []string{"ssl_certificate fullchain.pem;   # the certificate, then the intermediate, in one file"}},
	{haproxy, []string{"bind :443 ssl crt site.pem   # certificate, intermediate and key in one file"}},
	{fairlead, []string{"# tls.crt of the Secret must hold the certificate and behind it the intermediate:", "kubectl create secret tls NAME --cert=fullchain.pem --key=key.pem"}},
}

// ownCertificate leads a host to its certificate.
func ownCertificate(host string) []Change {
	return []Change{{fairlead, []string{
		"spec:                        # of the Ingress, as for ingress-nginx and Traefik",
		"  tls:",
		fmt.Sprintf("  - {hosts: [%s], secretName: SECRET}   # a Secret of type kubernetes.io/tls in the same namespace", host),
	}}}
}

// always are the parties that stay in a list of changes whoever gave himself away.
var always = map[string]bool{application: true, outerProxy: true, everyProxy: true, clientSoftware: true, fairlead: true}

// relevant leaves of a list what concerns the parties that gave themselves away. When nobody did, all
// of it.
func relevant(list []Change, a *Answer) []Change {
	var some []Change
	named := false
	for _, c := range list {
		switch mine := a.is(c.Where) || c.Where == nginx && a.is(openresty) || c.Where == ingressNginx && a.is(nginx); {
		case mine:
			named = true
			some = append(some, c)
		case always[c.Where]:
			some = append(some, c)
		}
	}
	if named {
		return some
	}
	return list
}
