package network

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/gateway"
	"github.com/firsttap/firsttap/gateway/stations"
	"github.com/firsttap/firsttap/internal/metrics"
	"github.com/firsttap/firsttap/token"
	"github.com/firsttap/firsttap/vault"
)

// dashboard is what the test reads of a dashboard in Grafana's JSON.
type dashboard struct {
	ID            *int
	UID           string
	Title         string
	SchemaVersion int
	Templating    struct {
		List []struct {
			Name, Type, Definition string
			Query                  json.RawMessage
		}
	}
	Panels []panel
}

type panel struct {
	ID          int
	Type, Title string
	GridPos     struct{ X, Y, W, H int }
	Datasource  source
	Targets     []target
}

type target struct {
	RefID, Expr, LegendFormat string
	Datasource                source
}

type source struct{ Type, UID string }

func readDashboard(t *testing.T) dashboard {
	t.Helper()
	raw, err := os.ReadFile("../../examples/grafana/firsttap.json")
	if err != nil {
		t.Fatal(err)
	}
	var d dashboard
	if err := json.Unmarshal(raw, &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// TestTheDashboardCanBeImported holds what Grafana asks of a file: one number for
// each panel, a data source that is chosen when it is opened, and no number or
// place of another Grafana's.
func TestTheDashboardCanBeImported(t *testing.T) {
	d := readDashboard(t)
	if d.ID != nil || d.UID == "" || d.Title == "" || d.SchemaVersion < 36 {
		t.Errorf("id %v, uid %q, title %q, schema version %d", d.ID, d.UID, d.Title, d.SchemaVersion)
	}
	if v := d.Templating.List[0]; v.Name != "datasource" || v.Type != "datasource" || string(v.Query) != `"prometheus"` {
		t.Errorf("the first variable is %+v", v)
	}
	chosen := source{"prometheus", "${datasource}"}
	ids, taken := map[int]bool{}, map[[2]int]string{}
	for _, p := range d.Panels {
		if p.ID <= 0 || ids[p.ID] || p.Title == "" {
			t.Errorf("panel %q has the id %d", p.Title, p.ID)
		}
		ids[p.ID] = true
		g := p.GridPos
		if g.X < 0 || g.W <= 0 || g.H <= 0 || g.X+g.W > 24 {
			t.Errorf("panel %q stands at %+v of 24 columns", p.Title, g)
		}
		for x := g.X; x < g.X+g.W; x++ {
			for y := g.Y; y < g.Y+g.H; y++ {
				if other := taken[[2]int{x, y}]; other != "" {
					t.Fatalf("panels %q and %q overlap", other, p.Title)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
		if p.Type == "row" {
			continue
		}
		if p.Datasource != chosen || len(p.Targets) == 0 {
			t.Errorf("panel %q asks %+v with %d queries", p.Title, p.Datasource, len(p.Targets))
		}
		refs := map[string]bool{}
		for _, q := range p.Targets {
			if q.RefID == "" || refs[q.RefID] || q.Datasource != chosen {
				t.Errorf("panel %q has the query %+v", p.Title, q)
			}
			refs[q.RefID] = true
		}
	}
}

var (
	name    = regexp.MustCompile(`\b(?:firsttap|go|process)_\w+`)
	matched = regexp.MustCompile(`(\w+)(?:=~?|!=|!~)"([^"]*)"`)
	grouped = regexp.MustCompile(`by \(([^)]*)\)`)
	legend  = regexp.MustCompile(`\{\{(\w+)\}\}`)
	sample  = regexp.MustCompile(`(?m)^(\w+)(?:\{(.*)\})? \S+$`)
	label   = regexp.MustCompile(`(\w+)="([^"]*)"`)
	lookup  = regexp.MustCompile(`^label_values\((\w+), (\w+)\)$`)
)

// TestTheDashboardShowsWhatThereIs holds that each metric, label and value that
// the dashboard asks for is one that the gateway exports, and that each metric of
// ours is on it.
func TestTheDashboardShowsWhatThereIs(t *testing.T) {
	d, exported := readDashboard(t), everything(t)
	asked := map[string]bool{}
	for _, p := range d.Panels {
		for _, q := range p.Targets {
			checkQuery(t, p.Title, q, exported)
			for _, n := range name.FindAllString(q.Expr, -1) {
				asked[family(n)] = true
			}
		}
	}
	for _, v := range d.Templating.List[1:] {
		parts := lookup.FindStringSubmatch(v.Definition)
		if parts == nil || len(exported[parts[1]][parts[2]]) == 0 || !strings.Contains(string(v.Query), v.Definition) {
			t.Errorf("the variable %s is %s", v.Name, v.Query)
		}
	}
	for n := range exported {
		if strings.HasPrefix(n, "firsttap_") && !asked[family(n)] {
			t.Errorf("%s is not on the dashboard", n)
		}
	}
}

// family is a metric's name without what a histogram adds.
func family(sample string) string {
	for _, end := range []string{"_bucket", "_count", "_sum"} {
		sample = strings.TrimSuffix(sample, end)
	}
	return sample
}

func checkQuery(t *testing.T, title string, q target, exported samples) {
	t.Helper()
	names := name.FindAllString(q.Expr, -1)
	if len(names) == 0 || strings.Count(q.Expr, "(") != strings.Count(q.Expr, ")") || strings.Count(q.Expr, "{") != strings.Count(q.Expr, "}") {
		t.Errorf("%s: %s is no query", title, q.Expr)
	}
	for _, n := range names {
		has, ok := exported[n]
		if !ok {
			t.Errorf("%s: there is no %s", title, n)
			continue
		}
		wanted := legend.FindAllStringSubmatch(q.LegendFormat, -1)
		for _, by := range grouped.FindAllStringSubmatch(q.Expr, -1) {
			for l := range strings.SplitSeq(by[1], ", ") {
				wanted = append(wanted, []string{"", l})
			}
		}
		for _, l := range wanted {
			if len(has[l[1]]) == 0 {
				t.Errorf("%s: %s has no label %s", title, n, l[1])
			}
		}
		for _, m := range matched.FindAllStringSubmatch(q.Expr, -1) {
			for value := range strings.SplitSeq(m[2], "|") {
				if value != "$station" && !has[m[1]][value] {
					t.Errorf("%s: %s is never counted with %s=%q", title, n, m[1], value)
				}
			}
		}
	}
	shown := map[string]bool{}
	for _, by := range grouped.FindAllStringSubmatch(q.Expr, -1) {
		for l := range strings.SplitSeq(by[1], ", ") {
			shown[l] = true
		}
	}
	for _, l := range legend.FindAllStringSubmatch(q.LegendFormat, -1) {
		if strings.Contains(q.Expr, "sum") && !shown[l[1]] {
			t.Errorf("%s: the sum over %s does not leave the label %s", title, names[0], l[1])
		}
	}
}

// samples are the values of each label of each sample's name.
type samples map[string]map[string]map[string]bool

// everything is what a gateway exports when all has happened that is counted.
func everything(t *testing.T) samples {
	t.Helper()
	n, err := openTest(t, anyPorts(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	m := metrics.New("v1")
	m.Watch(n.store, n.gateway.LinesUp, n.connections)
	hear := observing(m)
	for _, kind := range []stations.Kind{"", stations.Network, stations.Activation, stations.Tap, stations.Remote, stations.Reversal, stations.FileUpdate} {
		for _, response := range []token.Response{token.Approved, token.StepUp, token.CVV2Failed} {
			hear(gateway.Observed{Station: "wallets", Kind: kind, Answered: true, Response: response, Result: dcvv2.Match, Took: time.Millisecond})
		}
	}
	asked(m)(gateway.Asked{Issuer: "harbour", Ending: gateway.EndAnswered})
	m.Request("issuers", "/", "harbour", http.StatusOK, time.Millisecond)
	m.Refused(token.ReasonLocked)
	m.Refused(token.ReasonRangeLimit)
	m.Trouble("wallets", "bad frame")
	store := m.Store(alarming{n.store})
	_, _ = store.Claim(t.Context(), vault.Claim{})
	_ = store.Conclude(t.Context(), vault.Conclusion{})

	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	found := samples{}
	for _, s := range sample.FindAllStringSubmatch(w.Body.String(), -1) {
		if found[s[1]] == nil {
			found[s[1]] = map[string]map[string]bool{}
		}
		for _, l := range label.FindAllStringSubmatch(s[2], -1) {
			if found[s[1]][l[1]] == nil {
				found[s[1]][l[1]] = map[string]bool{}
			}
			found[s[1]][l[1]][l[2]] = true
		}
	}
	if len(found["firsttap_message_duration_seconds_bucket"]) == 0 {
		t.Fatalf("nothing was read of\n%s", w.Body)
	}
	return found
}

// alarming rings at every claim, and concludes nothing.
type alarming struct{ vault.Store }

func (alarming) Claim(context.Context, vault.Claim) (vault.ClaimResult, error) {
	return vault.ClaimResult{State: vault.Won, Alarms: []string{"range/4761739"}}, nil
}

func (alarming) Conclude(context.Context, vault.Conclusion) error { return nil }
