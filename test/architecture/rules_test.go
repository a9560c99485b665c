package architecture

// module is the prefix that rules leave out of our own packages.
const module = "github.com/fairlead/fairlead/"

// rule says what some packages may not import. A pattern is an import path, of our own module
// without its name; "/..." at its end adds everything below. "outside" stands for every package
// that is neither ours nor of the standard library.
type rule struct {
	of     []string // the packages that it binds
	except []string // and those among them that it does not

	never []string // what they must not import
	but   []string // and what of it they may
	only  []string // when not nil: what of our own packages they may import, and nothing else of ours

	deep  bool // not through other packages either
	tests bool // nor in their tests

	why string
	// caught is an import, "from -> to", that the rule must find: so that none is dead.
	caught string
}

var everything = []string{"api/...", "cmd/...", "config/...", "controllers/...", "hack/...", "proxy/...", "test/..."}

var rules = []rule{
	{
		of: []string{"proxy/..."}, never: []string{"k8s.io/...", "sigs.k8s.io/...", "api/...", "controllers/..."}, deep: true, tests: true,
		why:    "the data plane owns the language that it is configured in (proxy/model) and serves without a cluster",
		caught: "proxy/table -> sigs.k8s.io/yaml",
	},
	{
		of: []string{"proxy/model", "proxy/live", "proxy/balance", "proxy/frame", "proxy/template"}, never: []string{"outside"}, only: []string{}, deep: true,
		why:    "what everything else stands on stands on the standard library alone",
		caught: "proxy/frame -> github.com/cespare/xxhash/v2",
	},
	{
		of: []string{"proxy/table"}, only: []string{"proxy/model", "proxy/live", "proxy/balance", "proxy/template", "proxy/admit", "proxy/secure"},
		why:    "a table is compiled from the model, with the checks of its routes; it knows no connection",
		caught: "proxy/table -> proxy/backend",
	},
	{
		of: []string{"proxy/accept", "proxy/admit", "proxy/handshake"}, only: []string{"proxy/model", "proxy/live", "proxy/loop", "proxy/template", "proxy/secure"},
		why:    "the phases of a connection don't know each other: proxy/session.go alone joins them, in the order in which they happen",
		caught: "proxy/admit -> proxy/table",
	},
	{
		of: []string{"proxy/secure"}, never: []string{"outside"}, only: []string{"proxy/model"}, deep: true,
		why:    "tables compile it and connections share it, so it knows neither",
		caught: "proxy/secure -> proxy/table",
	},
	{
		of: []string{"proxy/backend"}, only: []string{"proxy/model", "proxy/live", "proxy/handshake", "proxy/loop", "proxy/secure"},
		why:    "to judge an endpoint's answer it needs the rules of the handshake, of the other phases nothing",
		caught: "proxy/backend -> proxy/observe",
	},
	{
		of: []string{"proxy/tunnel"}, only: []string{"proxy/model", "proxy/live", "proxy/frame", "proxy/loop"},
		why:    "a tunnel never holds the table, and its engine must be replaceable: it gets two connections and a few values",
		caught: "proxy/tunnel -> proxy/table",
	},
	{
		of: []string{"proxy/loop"}, only: []string{},
		why:    "it waits for sockets and time, and knows neither what they are for nor who owns them",
		caught: "proxy/loop -> proxy/tunnel",
	},
	{
		of: []string{"proxy/observe"}, only: []string{"proxy/model"},
		why:    "it is told outcomes; what it could ask for, it would have to wait for",
		caught: "proxy/observe -> proxy/live",
	},
	{
		of: []string{"proxy/admin"}, only: []string{"proxy/model", "proxy/observe"},
		why:    "it shows what it is handed as funcs and changes nothing",
		caught: "proxy/admin -> proxy/table",
	},
	{
		of: []string{"proxy/probe"}, only: []string{"proxy/model", "proxy/handshake", "proxy/frame"}, deep: true,
		why:    "it looks at a proxy from outside, as a client does; it knows the words of refusals and of RFC 6455",
		caught: "proxy/probe -> proxy/table",
	},
	{
		of: []string{"controllers/..."}, never: []string{"proxy/..."}, but: []string{"proxy", "proxy/model", "proxy/table", "proxy/template"}, tests: true,
		why:    "controllers say what is to be served; how bytes move is none of their business",
		caught: "controllers/status -> proxy/backend",
	},
	{
		of: []string{"controllers/translate/...", "controllers/annotations/...", "controllers/migrate/nginx/...", "controllers/nginxsyntax"},
		never: []string{
			"sigs.k8s.io/controller-runtime/...", "k8s.io/client-go/...", "k8s.io/utils/clock/...", "os",
			"log/...", "k8s.io/klog/...", "github.com/go-logr/...", "go.uber.org/zap/...",
		},
		why:    "read everything, then think, then act: the thinking has no client, no clock and no logger, so the same objects always give the same table",
		caught: "controllers/translate -> log/slog",
	},
	{
		of: []string{"controllers/translate/..."}, only: []string{"api/...", "controllers/annotations/...", "controllers/snapshot/...", "controllers/translate/...", "proxy/model", "proxy/template"},
		why:    "it turns a Snapshot into the model; compiling and publishing come after it",
		caught: "controllers/translate -> proxy/table",
	},
	{
		of: []string{"controllers/annotations/..."}, only: []string{"api/...", "controllers/nginxsyntax", "proxy/model", "proxy/template"},
		why:    "it is one table of rows, read by translate, by the docs and by tests",
		caught: "controllers/annotations -> controllers/snapshot",
	},
	{
		of: []string{"controllers/snapshot/..."}, only: []string{"api/...", "config/..."},
		why:    "it reads and doesn't judge: what an object means is decided in translate",
		caught: "controllers/snapshot -> controllers/translate",
	},
	{
		of: []string{"controllers/nginxsyntax"}, only: []string{},
		why:    "it knows how nginx configurations are written, and not what they mean to anybody",
		caught: "controllers/nginxsyntax -> controllers/annotations",
	},
	{
		of: []string{"controllers/migrate/nginx/..."}, only: []string{"api/...", "controllers/annotations/...", "controllers/migrate/nginx/...", "controllers/nginxsyntax"},
		why:    "it turns the configuration of another proxy into objects, and knows neither how they are served nor where files are",
		caught: "controllers/migrate/nginx -> controllers/translate",
	},
	{
		of: []string{"api/..."}, only: []string{"api/..."},
		why:    "other programs import the API, and must not get a controller or a proxy with it",
		caught: "api/v1alpha1 -> proxy/model",
	},
	{
		of: everything, except: []string{"cmd/...", "controllers/...", "hack/...", "test/..."}, never: []string{"controllers/..."}, deep: true,
		why:    "controllers are wired in cmd and known nowhere below",
		caught: "config/crd -> controllers/snapshot",
	},
	{
		of: everything, except: []string{"proxy/observe"}, never: []string{"github.com/prometheus/..."},
		why:    "proxy/observe alone knows Prometheus, so that names and labels are bounded in one place",
		caught: "proxy/admin -> github.com/prometheus/client_golang/prometheus/promhttp",
	},
	{
		of: everything, except: []string{"hack/...", "test/..."}, never: []string{"hack/...", "test/..."}, deep: true,
		why:    "what is shipped must not hold what only builds or tests it",
		caught: "cmd/fairlead -> test/chat",
	},
}

// clockless are the packages that must not read the clock. They may speak of durations, so that
// the import of package time alone says nothing.
var clockless = []string{"controllers/translate/...", "controllers/annotations/...", "proxy/model"}

// readsClock is what they must not use.
var readsClock = map[string][]string{
	"time":                                 {"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker"},
	"k8s.io/apimachinery/pkg/apis/meta/v1": {"Now", "NowMicro"},
}

// avoided are words that say nothing about a package or a file.
var avoided = []string{"util", "utils", "helper", "helpers", "common", "manager", "impl", "misc", "upstream"}
