package metrics_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/internal/metrics"
	"github.com/firsttap/firsttap/token"
	"github.com/firsttap/firsttap/vault"
)

// store answers what it is told, and has a trail of so many entries.
type store struct {
	vault.Store
	claim   vault.ClaimResult
	entries int64
	looks   int
	broken  error
}

func (s *store) Claim(context.Context, vault.Claim) (vault.ClaimResult, error) {
	return s.claim, s.broken
}

func (s *store) Due(context.Context, time.Time, int64, int) ([]vault.QueuedNotice, error) {
	return make([]vault.QueuedNotice, 3), s.broken
}

func (s *store) Audit(_ context.Context, after int64, _ int) ([]vault.Entry, error) {
	if s.looks++; after < s.entries {
		return []vault.Entry{{Number: after + 1}}, s.broken
	}
	return nil, s.broken
}

func (s *store) Conclude(context.Context, vault.Conclusion) error { return s.broken }

func lines() map[string]bool { return map[string]bool{"greenbank": true, "bluebank": false} }

func connections() map[string]metrics.Connections {
	return map[string]metrics.Connections{"wallets": {Open: 3, SignedOn: 2}}
}

// shown are the lines of /metrics that are ours.
func shown(t *testing.T, m *metrics.Metrics) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	return w.Body.String()
}

func wantLines(t *testing.T, m *metrics.Metrics, lines ...string) {
	t.Helper()
	got := shown(t, m)
	for _, line := range lines {
		if !strings.Contains(got, line+"\n") {
			t.Errorf("there is no line %s in\n%s", line, got)
		}
	}
}

func TestWhatIsCounted(t *testing.T) {
	m := metrics.New("v1")
	s := &store{entries: 1234}
	m.Watch(s, lines, connections)
	m.Request("issuers", "/dCVV2/v1/generate", "greenbank", 201, 3*time.Millisecond)
	m.Request("operators", "", "", 403, time.Millisecond)
	m.Activation(dcvv2.Match, token.Approved)
	m.Activation(0, token.CVV2Failed)
	m.Asked("greenbank", "answered", 3*time.Millisecond)
	m.Asked("bluebank", "not sent", time.Microsecond)
	m.Declined("activation", token.ReasonWrongCode)
	m.Declined("", token.ReasonNone)
	wantLines(
		t, m,
		`firsttap_http_requests_total{door="issuers",route="/dCVV2/v1/generate",status="201"} 1`,
		`firsttap_http_requests_total{door="operators",route="none",status="403"} 1`,
		`firsttap_issuer_requests_total{issuer="greenbank",status="201"} 1`,
		`firsttap_activations_total{code="M",result="00"} 1`,
		`firsttap_activations_total{code="none",result="N7"} 1`,
		`firsttap_issuer_question_duration_seconds_bucket{issuer="greenbank",outcome="answered",le="0.0025"} 0`,
		`firsttap_issuer_question_duration_seconds_bucket{issuer="greenbank",outcome="answered",le="0.005"} 1`,
		`firsttap_issuer_question_duration_seconds_count{issuer="bluebank",outcome="not sent"} 1`,
		`firsttap_declines_total{kind="activation",reason="wrong code"} 1`,
		`firsttap_declines_total{kind="unknown",reason="none"} 1`,
		`firsttap_notices_waiting 3`,
		`firsttap_audit_entries 1234`,
		`firsttap_issuer_line_up{issuer="bluebank"} 0`,
		`firsttap_issuer_line_up{issuer="greenbank"} 1`,
		`firsttap_station_connections{station="wallets"} 3`,
		`firsttap_station_connections_signed_on{station="wallets"} 2`,
		`firsttap_store_up 1`,
	)
	if !strings.Contains(shown(t, m), `version="v1"} 1`) {
		t.Error("it says what runs")
	}
}

func TestWhatTheStoreSays(t *testing.T) {
	m, s := metrics.New("v1"), &store{}
	counted := m.Store(s)
	for _, result := range []vault.ClaimResult{
		{State: vault.Won, Alarms: []string{"requestor/40010030273", "range/4761739"}},
		{State: vault.Won, Alarms: []string{"4761739001010010"}},
	} {
		s.claim = result
		got, err := counted.Claim(t.Context(), vault.Claim{})
		if err != nil || got.State != result.State {
			t.Errorf("got %v, %v", got, err)
		}
	}
	s.broken = errors.New("disk full")
	if _, err := counted.Claim(t.Context(), vault.Claim{}); !errors.Is(err, s.broken) {
		t.Errorf("got %v", err)
	}
	if err := counted.Conclude(t.Context(), vault.Conclusion{}); !errors.Is(err, s.broken) {
		t.Errorf("got %v", err)
	}
	wantLines(
		t, m,
		`firsttap_store_change_duration_seconds_count{change="claim"} 3`,
		`firsttap_store_change_duration_seconds_count{change="conclude"} 1`,
		`firsttap_failures_alarms_total{scope="range"} 1`,
		`firsttap_failures_alarms_total{scope="requestor"} 1`,
		`firsttap_failures_alarms_total{scope="other"} 1`,
	)
}

func TestMessagesAndTroubles(t *testing.T) {
	m := metrics.New("test")
	m.Message("wallets", "network management", token.Approved, 90*time.Microsecond)
	m.Message("wallets", "network management", token.Approved, 110*time.Microsecond)
	m.Message("shop", "reversal", token.RecordNotFound, 11*time.Second)
	m.Message("shop", "", token.FormatFault, 0)
	m.Message("shop", "", "", 0)
	m.Trouble("wallets", "answer late")
	m.Trouble("wallets", "answer late")
	m.Trouble("harbour", "bad frame")
	wantLines(t, m,
		`firsttap_message_duration_seconds_bucket{kind="network management",result="00",station="wallets",le="0.0001"} 1`,
		`firsttap_message_duration_seconds_count{kind="network management",result="00",station="wallets"} 2`,
		`firsttap_message_duration_seconds_bucket{kind="reversal",result="25",station="shop",le="10"} 0`,
		`firsttap_message_duration_seconds_bucket{kind="reversal",result="25",station="shop",le="+Inf"} 1`,
		`firsttap_message_duration_seconds_count{kind="unknown",result="30",station="shop"} 1`,
		`firsttap_message_duration_seconds_count{kind="unknown",result="none",station="shop"} 1`,
		`firsttap_station_troubles_total{station="wallets",what="answer late"} 2`,
		`firsttap_station_troubles_total{station="harbour",what="bad frame"} 1`)
}

// TestAnObservationMakesNothing holds that counting on the path of a message
// allocates nothing, once its labels were seen.
func TestAnObservationMakesNothing(t *testing.T) {
	m := metrics.New("test")
	if got := testing.AllocsPerRun(100, func() {
		m.Message("wallets", "activation", token.CVV2Failed, time.Millisecond)
		m.Activation(dcvv2.NoMatch, token.CVV2Failed)
		m.Declined("activation", token.ReasonWrongCode)
		m.Asked("harbour", "answered", time.Millisecond)
	}); got > 0 {
		t.Errorf("it makes %v allocations, the most is 0", got)
	}
}

// TestCountedAtOnce holds that labels first seen by many at once are counted
// whole.
func TestCountedAtOnce(t *testing.T) {
	m := metrics.New("test")
	const goroutines, stations, each = 8, 20, 5
	var counting sync.WaitGroup
	for range goroutines {
		counting.Go(func() {
			for n := range stations * each {
				m.Message(fmt.Sprint("station ", n%stations), "tap", token.Approved, time.Millisecond)
			}
		})
	}
	counting.Wait()
	for n := range stations {
		wantLines(t, m, fmt.Sprintf(`firsttap_message_duration_seconds_count{kind="tap",result="00",station="station %d"} %d`, n, goroutines*each))
	}
}

func BenchmarkMessage(b *testing.B) {
	m := metrics.New("test")
	b.ReportAllocs()
	for b.Loop() {
		m.Message("wallets", "network management", token.Approved, 20*time.Microsecond)
	}
}

func TestRefused(t *testing.T) {
	m := metrics.New("v1")
	for _, because := range []token.Reason{
		token.ReasonRequestorLimit, token.ReasonRangeLimit, token.ReasonLocked, token.ReasonDayLimit, token.ReasonWrongCode, token.ReasonNone,
	} {
		m.Refused(because)
	}
	wantLines(
		t, m,
		`firsttap_throttled_total{scope="requestor"} 1`,
		`firsttap_throttled_total{scope="range"} 1`,
		`firsttap_account_blocked_total{limit="row"} 1`,
		`firsttap_account_blocked_total{limit="day"} 1`,
	)
}

// A station, an issuer or a card cannot make a label of its own.
func TestLabelsAreBounded(t *testing.T) {
	m := metrics.New("v1")
	for _, response := range []token.Response{"0", "000", "a1", "1a", "\x00\x00", "Z9", "99", "4761739001010010"} {
		m.Message("wallets", "tap", response, 0)
	}
	m.Activation(dcvv2.Result('X'), "Z9")
	wantLines(t, m,
		`firsttap_message_duration_seconds_count{kind="tap",result="other",station="wallets"} 8`,
		`firsttap_activations_total{code="none",result="other"} 1`)
	if strings.Contains(shown(t, m), "4761739") {
		t.Error("a label has card data")
	}
}

// Each response code that firsttap gives is counted by its own name.
func TestEveryResponseHasALabel(t *testing.T) {
	source, err := os.ReadFile("../../token/outcome.go")
	if err != nil {
		t.Fatal(err)
	}
	given := regexp.MustCompile(`\bResponse += "(..)"`).FindAllStringSubmatch(string(source), -1)
	if len(given) < 20 {
		t.Fatalf("token/outcome.go names %d response codes", len(given))
	}
	m := metrics.New("v1")
	for _, code := range given {
		m.Message("wallets", "tap", token.Response(code[1]), 0)
		wantLines(t, m, `firsttap_message_duration_seconds_count{kind="tap",result="`+code[1]+`",station="wallets"} 1`)
	}
}

func TestTheLastEntryIsFoundInFewLooks(t *testing.T) {
	m, s := metrics.New("v1"), &store{}
	m.Watch(s, lines, connections)
	for _, entries := range []int64{0, 1, 2, 3, 1000, 1001, 1_000_000, 1_000_000} {
		s.entries, s.looks = entries, 0
		if got := shown(t, m); !strings.Contains(got, "firsttap_store_up 1") || s.looks > 64 {
			t.Errorf("%d entries: %d looks", entries, s.looks)
		}
	}
	wantLines(t, m, "firsttap_audit_entries 1e+06")
	s.broken = errors.New("disk full")
	wantLines(t, m, "firsttap_store_up 0")
	if strings.Contains(shown(t, m), "firsttap_audit_entries") {
		t.Error("what is not known is not said")
	}
}

func TestNamesAreAsPrometheusWantsThem(t *testing.T) {
	m := metrics.New("v1")
	m.Watch(&store{entries: 1}, lines, connections)
	m.Request("issuers", "/", "greenbank", 201, 0)
	m.Message("wallets", "tap", token.Approved, 0)
	m.Activation(dcvv2.Match, token.Approved)
	m.Declined("tap", token.ReasonCounterRepeated)
	m.Asked("harbour", "answered", 0)
	m.Refused(token.ReasonLocked)
	m.Trouble("wallets", "bad frame")
	if _, err := m.Store(&store{}).Claim(t.Context(), vault.Claim{}); err != nil {
		t.Fatal(err)
	}
	gather := prometheus.Gatherers{m.Gatherer()}
	problems, err := testutil.GatherAndLint(gather)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}
