package annotations

import (
	"reflect"
	"strings"
	"testing"

	"github.com/fairlead/fairlead/api/v1alpha1"
	"github.com/fairlead/fairlead/proxy/template"
)

// served returns the rows that have a parser.
func served() []Row {
	var list []Row
	for _, r := range Rows() {
		if r.Support == Served {
			list = append(list, r)
		}
	}
	return list
}

func TestEveryRowIsWhole(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range Rows() {
		key := r.Key()
		if seen[key] {
			t.Errorf("%s stands in the table twice", key)
		}
		seen[key] = true
		if r.Prefix == "" || r.Name == "" || r.Doc == "" {
			t.Errorf("%s: prefix, name and doc are needed", key)
		}
		if !strings.HasSuffix(r.Doc, ".") {
			t.Errorf("%s: the doc is no sentence: %q", key, r.Doc)
		}
		if r.Support == Served && (r.parse == nil || r.Type == "" || r.Default == "" || r.Example == "") {
			t.Errorf("%s: a served row needs parser, type, default and example", key)
		}
		if r.Support != Served && r.parse != nil {
			t.Errorf("%s: a row that is not served has a parser", key)
		}
	}
}

// An example is valid, is understood without a note, and sets what the row says and no more: the
// search for clashes depends on it.
func TestEveryExampleSetsWhatItsRowSays(t *testing.T) {
	for _, r := range append(served(), parameterRows...) {
		t.Run(r.Key(), func(t *testing.T) {
			d := new(draft)
			if err := r.parse(r.Example, d); err != nil || len(d.notes) > 0 {
				t.Fatalf("example %q: notes %v, error %v", r.Example, d.notes, err)
			}
			changed := !reflect.DeepEqual(d, new(draft))
			if !changed && len(r.sets) > 0 && r.Example != r.Default {
				t.Errorf("example %q changes nothing", r.Example)
			}
			for _, name := range r.sets {
				field(reflect.ValueOf(d).Elem(), name).SetZero()
			}
			if !reflect.DeepEqual(d, new(draft)) {
				t.Errorf("example %q sets more than %v: %+v", r.Example, r.sets, d)
			}
		})
	}
}

// Every row of ours that ingress-nginx has too must find its counterpart when they clash.
func TestRowsOfTheSameNameSetTheSameFields(t *testing.T) {
	for _, our := range served() {
		i, found := position[NginxPrefix+our.Name]
		if our.Prefix == OurPrefix && found && !reflect.DeepEqual(our.sets, table[i].sets) {
			t.Errorf("%s sets %v, %s sets %v", our.Key(), our.sets, table[i].Key(), table[i].sets)
		}
	}
}

func TestABadValueKeepsTheDefaultAndIsTold(t *testing.T) {
	for _, r := range served() {
		for _, bad := range []string{"", "no;\tsense", "\x00", "ü/$;"} {
			got, problems := Parse(map[string]string{r.Key(): bad}, Defaults{})
			if len(problems) != 1 {
				t.Errorf("%s: %q: problems %v, want one", r.Key(), bad, problems)
				continue
			}
			p := problems[0]
			if p.Reason != v1alpha1.ReasonInvalidAnnotation && p.Reason != v1alpha1.ReasonUnsupportedAnnotation {
				t.Errorf("%s: %q: reason %s", r.Key(), bad, p.Reason)
			}
			if p.Key != r.Key() || p.Message == "" {
				t.Errorf("%s: %q: problem %+v doesn't say where or what", r.Key(), bad, p)
			}
			unset := bad == "" && r.Prefix == NginxPrefix // as charts write it for what nobody has set
			if (got.Access.Sealed != "") != (r.Guards && r.needs == nil && !unset) {
				t.Errorf("%s: %q: sealed %q, and it guards: %v", r.Key(), bad, got.Access.Sealed, r.Guards)
			}
			got.Access.Sealed, got.LeftOutBy = "", ""
			if !reflect.DeepEqual(got, Settings{}) {
				t.Errorf("%s: %q changed the settings to %+v", r.Key(), bad, got)
			}
		}
	}
}

func TestWhatIsNotServedIsTold(t *testing.T) {
	for _, r := range Rows() {
		_, problems := Parse(map[string]string{r.Key(): "true"}, Defaults{})
		switch r.Support {
		case Served:
			continue
		case Needless:
			if len(problems) > 0 {
				t.Errorf("%s is needless, but told: %v", r.Key(), problems)
			}
			continue
		}
		if len(problems) != 1 || problems[0].Reason != v1alpha1.ReasonUnsupportedAnnotation || r.judge == nil && !strings.Contains(problems[0].Message, r.Doc) {
			t.Errorf("%s: problems %v, want UnsupportedAnnotation with what to do", r.Key(), problems)
		}
	}
}

// Whatever two annotations say, they are read the same each time, every problem says where, and the data
// plane gets nothing that it would refuse.
func FuzzParse(f *testing.F) {
	for i, r := range Rows() {
		f.Add(i, r.Example, 3*i+1, r.Example)
	}
	f.Add(0, "3600s", 1, "${cookie_uid}")
	f.Fuzz(func(t *testing.T, i int, value string, j int, other string) {
		one, two := Rows()[uint(i)%uint(len(table))], Rows()[uint(j)%uint(len(table))]
		set := map[string]string{one.Key(): value, two.Key(): other}
		got, problems := Parse(set, Defaults{})
		again, _ := Parse(set, Defaults{})
		if !reflect.DeepEqual(got, again) {
			t.Fatalf("%v is read as %+v, then as %+v", set, got, again)
		}
		for _, p := range problems {
			if _, written := set[p.Key]; !written || p.Message == "" || p.Reason == "" {
				t.Fatalf("%v: problem %+v", set, p)
			}
		}
		if d := got.Timeouts; d.Connect < -1 || d.Handshake < -1 || d.Idle < -1 || d.Stall < -1 || d.MaxAge < -1 || d.Close < -1 {
			t.Fatalf("%v is read as a negative time: %+v", set, d)
		}
		if err := got.Keepalive.Validate(); err != nil || got.Keepalive.Interval < -1 || got.Keepalive.Timeout < -1 {
			t.Fatalf("%v is read as a keepalive that the data plane refuses: %v", set, err)
		}
		if c := got.Drain.CloseCode; c != 0 && (c < 1000 || c > 4999) {
			t.Fatalf("%v is read as close code %d", set, c)
		}
		for _, rate := range append(got.Limits.Rates, got.Limits.PerClient...) {
			if rate.Events < 1 || rate.Burst < 0 || rate.Per <= 0 {
				t.Fatalf("%v is read as the rate %+v", set, rate)
			}
		}
		if got.MaxBody < 0 || got.Limits.Sessions < 0 || got.Limits.SessionsPerClient < 0 || got.Retries.Attempts < 0 {
			t.Fatalf("%v is read as less than nothing: %+v", set, got)
		}
		if e := got.Access.External; e != nil {
			for _, text := range []string{e.URL, e.SignIn, e.RequestRedirect, e.CacheKey} {
				if _, err := template.Parsed(text); err != nil {
					t.Fatalf("%v is read as a text that the data plane refuses: %v", set, err)
				}
			}
		}
		if (one.Guards || two.Guards) && len(problems) == 0 && got.Access.Sealed != "" {
			t.Fatalf("%v is sealed and nobody is told: %s", set, got.Access.Sealed)
		}
	})
}
