package annotations

import "github.com/fairlead/fairlead/proxy/model"

// need is what some annotations mean nothing without.
type need struct {
	met func(*draft) bool
	// missing says what is not there, and advice, by prefix, what to write.
	missing string
	advice  map[string]string
}

var (
	needCookie = &need{
		func(d *draft) bool { return d.StickyOn }, "there is no sticky cookie",
		map[string]string{NginxPrefix: NginxPrefix + "affinity: cookie", OurPrefix: OurPrefix + "sticky-cookie: " + model.DefaultStickyName},
	}
	needPing = &need{
		// An interval that is off was asked for.
		func(d *draft) bool { return d.Keepalive.Interval != 0 }, "no Ping is sent without an interval",
		map[string]string{OurPrefix: OurPrefix + "keepalive-interval: 30s"},
	}
	needHash = &need{
		func(d *draft) bool { return len(d.Balance.HashOn) > 0 || d.Balance.HashTemplate != "" }, "nothing is hashed",
		map[string]string{NginxPrefix: NginxPrefix + "upstream-hash-by: $remote_addr"},
	}
	needSubset = &need{
		func(d *draft) bool { return d.Subset }, "there is no subset",
		map[string]string{NginxPrefix: NginxPrefix + "upstream-hash-by-subset: \"true\""},
	}
	needRate = &need{
		func(d *draft) bool { return d.PerSecond+d.PerMinute+d.PerSecondOfAll > 0 }, "there is no rate",
		map[string]string{NginxPrefix: NginxPrefix + "limit-rps", OurPrefix: OurPrefix + "handshakes-per-second-per-client"},
	}
	needLimit = &need{
		func(d *draft) bool { return d.PerSecond+d.PerMinute+d.Limits.SessionsPerClient > 0 }, "there is no limit for one client",
		map[string]string{NginxPrefix: NginxPrefix + "limit-connections or limit-rps", OurPrefix: OurPrefix + "sessions-per-client or handshakes-per-second-per-client"},
	}
	needPassword = &need{
		func(d *draft) bool { return d.AuthType != "" }, "nobody is asked for a password",
		map[string]string{NginxPrefix: NginxPrefix + "auth-type: basic and auth-secret", OurPrefix: OurPrefix + "basic-auth-secret"},
	}
	needService = &need{
		func(d *draft) bool { return d.External.URL != "" }, "no service is asked",
		map[string]string{NginxPrefix: NginxPrefix + "auth-url", OurPrefix: OurPrefix + "external-auth-url"},
	}
	needCacheKey = &need{
		func(d *draft) bool { return d.External.CacheKey != "" }, "no answer is remembered without a key",
		map[string]string{NginxPrefix: NginxPrefix + "auth-cache-key", OurPrefix: OurPrefix + "external-auth-cache-key"},
	}
	needSignIn = &need{
		func(d *draft) bool { return d.External.SignIn != "" }, "nobody is sent to sign in",
		map[string]string{NginxPrefix: NginxPrefix + "auth-signin"},
	}
	needClientCert = &need{
		func(d *draft) bool { return d.ClientCertSecret != nil }, "no certificate is asked for",
		map[string]string{NginxPrefix: NginxPrefix + "auth-tls-secret"},
	}
	needCORS = &need{
		func(d *draft) bool { return d.CORSOn }, "CORS is left to the endpoints",
		map[string]string{NginxPrefix: NginxPrefix + "enable-cors: \"true\""},
	}
	needRewrite = &need{
		func(d *draft) bool { return d.RewriteTarget != "" }, "no path is rewritten",
		map[string]string{NginxPrefix: NginxPrefix + "rewrite-target"},
	}
	needCanary = &need{
		func(d *draft) bool { return d.CanaryOn }, "the Ingress is no canary, and takes all requests of its paths",
		map[string]string{NginxPrefix: NginxPrefix + "canary: \"true\""},
	}
	// Its place is there in ingress-nginx too, though many write it elsewhere.
	needCanaryItself = &need{
		func(d *draft) bool { return d.CanaryOn || !d.Canary.IgnoreSticky }, "the Ingress is no canary",
		map[string]string{NginxPrefix: "it to that of the canary"},
	}
	needCanaryHeader = &need{
		func(d *draft) bool { return d.Canary.Header != "" }, "no header is named",
		map[string]string{NginxPrefix: NginxPrefix + "canary-by-header"},
	}
	needPermanent = &need{
		func(d *draft) bool { return d.Permanent != "" }, "nothing is redirected",
		map[string]string{NginxPrefix: NginxPrefix + "permanent-redirect"},
	}
	needTemporal = &need{
		func(d *draft) bool { return d.Temporal != "" }, "nothing is redirected",
		map[string]string{NginxPrefix: NginxPrefix + "temporal-redirect"},
	}
)
