package annotations

import (
	"fmt"
	"strings"

	"github.com/fairlead/fairlead/proxy/model"
)

// nginxSubsetSize is the size of a subset when nobody names it.
const nginxSubsetSize = 3

// maxSubset bounds a subset: what is larger is no subset.
const maxSubset = 10_000

// load-balance stands before upstream-hash-by, because the later one wins, as it does there.
var nginxBalanceRows = []Row{
	{
		Name: "load-balance", Type: "round_robin, ewma, least_conn or p2c", Default: "round_robin", Example: "least_conn",
		Doc:     "How an endpoint is chosen. least_conn and p2c, which ingress-nginx doesn't have, take the endpoint with the fewest open sessions, as fairlead.dev/balance: least-sessions.",
		Differs: "ewma is least-sessions, and told: the time of an answer says nothing about a socket.",
		sets:    []string{"Balance.Algorithm"}, parse: loadBalance,
	}, {
		Name: "upstream-hash-by", Type: "text with variables", Default: "none", Example: "$remote_addr",
		Doc:     "Chooses the endpoint by hash of a text, such as $remote_addr or $host$request_uri. Variables are $scheme, $host, $http_host, $server_name, $request_uri, $uri, $args, $request_method, $remote_addr, $arg_NAME, $cookie_NAME and $http_NAME. A sticky cookie wins over it.",
		Differs: "The ring is another, so clients meet other endpoints than with ingress-nginx. A request that lacks the only thing to hash is balanced in turn; there, all such requests meet at one endpoint.",
		WhenSet: true,
		sets:    []string{"Balance.HashOn", "Balance.HashTemplate", "Balance.Algorithm"}, parse: upstreamHashBy,
	}, {
		Name: "upstream-hash-by-subset", Type: typeBool, Default: "false", Example: "true", needs: needHash,
		Doc:  "Finds several endpoints for a key instead of one, and takes one of them for each session.",
		sets: []string{"Subset"}, parse: boolean(func(d *draft, b bool) { d.Subset = b }),
	}, {
		Name: "upstream-hash-by-subset-size", Type: typeCount, Default: "3", Example: "2", needs: needSubset,
		Doc:  "How many endpoints upstream-hash-by-subset finds.",
		sets: []string{"SubsetSize"}, parse: whole(1, maxSubset, func(d *draft, n int) { d.SubsetSize = n }),
	},
}

var algorithms = []option[model.Algorithm]{
	{"round-robin", model.RoundRobin}, {"least-sessions", model.LeastSessions}, {"consistent-hash", model.ConsistentHash},
}

// hash-on stands before balance, so that an algorithm that is named outright counts more than the one
// that a hash key implies.
var ourBalanceRows = []Row{
	{
		Name: "hash-on", Type: "list of header:NAME, cookie:NAME, query-param:NAME, source-ip, host, path, uri", Default: "none", Example: "cookie:uid, source-ip",
		Doc:  "What consistent-hash hashes, 1 to 8 parts: the first that a request has counts. It implies balance consistent-hash.",
		sets: []string{"Balance.HashOn", "Balance.HashTemplate", "Balance.Algorithm"}, parse: hashOn,
	}, {
		Name: "balance", Type: "round-robin, least-sessions or consistent-hash", Default: "round-robin", Example: "least-sessions",
		Doc:  "How an endpoint is chosen for a new session. consistent-hash needs hash-on.",
		sets: []string{"Balance.Algorithm"}, parse: choice(algorithms, func(d *draft, a model.Algorithm) { d.Balance.Algorithm = a }),
	}, {
		Name: "share", Type: "new-sessions or live-sessions", Default: "new-sessions", Example: "live-sessions",
		Doc:   "What weights are shares of, such as that of a canary: of the sessions that begin, or of those that live in this replica.",
		sets:  []string{"Balance.ByLiveSessions"},
		parse: choice([]option[bool]{{"new-sessions", false}, {"live-sessions", true}}, func(d *draft, b bool) { d.Balance.ByLiveSessions = b }),
	},
}

func loadBalance(value string, d *draft) error {
	switch value {
	case "round_robin":
		d.Balance.Algorithm = model.RoundRobin
	case "least_conn", "p2c":
		d.Balance.Algorithm = model.LeastSessions
	case "ewma":
		d.Balance.Algorithm = model.LeastSessions
		d.differs("ewma weighs how long answers take, which says nothing about sockets; new sessions go to the endpoint with the fewest open ones: write fairlead.dev/balance: least-sessions")
	case "chash", "chashsubset":
		return fmt.Errorf("%q alone has nothing to hash: write upstream-hash-by, which chooses it by itself, and remove the annotation", value)
	case "sticky_balanced", "sticky_persistent":
		return fmt.Errorf("%q needs a cookie: write affinity: cookie and affinity-mode: %s, which choose it by themselves, and remove the annotation",
			value, strings.TrimPrefix(value, "sticky_"))
	case "ip_hash":
		return fmt.Errorf("%q is %w: write upstream-hash-by: $remote_addr", value, errUnsupported)
	default:
		return fmt.Errorf("%q is none of round_robin, ewma, least_conn and p2c", value)
	}
	return nil
}
