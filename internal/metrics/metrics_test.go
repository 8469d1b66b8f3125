package metrics_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"strings"
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

func lines() map[string]bool { return map[string]bool{"greenbank": true, "bluebank": false} }

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
	m.Watch(s, lines)
	m.Request("issuers", "/dCVV2/v1/generate", "greenbank", 201, 3*time.Millisecond)
	m.Request("operators", "", "", 403, time.Millisecond)
	m.Activation(dcvv2.Match, "00", time.Millisecond)
	m.Activation(0, "N7", time.Millisecond)
	m.Tap("51", time.Millisecond)
	wantLines(
		t, m,
		`firsttap_http_requests_total{door="issuers",route="/dCVV2/v1/generate",status="201"} 1`,
		`firsttap_http_requests_total{door="operators",route="none",status="403"} 1`,
		`firsttap_issuer_requests_total{issuer="greenbank",status="201"} 1`,
		`firsttap_activations_total{response="00",result="M"} 1`,
		`firsttap_activations_total{response="N7",result="none"} 1`,
		`firsttap_taps_total{response="51"} 1`,
		`firsttap_notices_waiting 3`,
		`firsttap_audit_entries 1234`,
		`firsttap_issuer_line_up{issuer="bluebank"} 0`,
		`firsttap_issuer_line_up{issuer="greenbank"} 1`,
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
	wantLines(
		t, m,
		`firsttap_failures_alarms_total{scope="range"} 1`,
		`firsttap_failures_alarms_total{scope="requestor"} 1`,
		`firsttap_failures_alarms_total{scope="other"} 1`,
	)
}

func TestAnsweredAndTroubles(t *testing.T) {
	m := metrics.New("test")
	m.Answered(vault.KindOnline, "00", time.Millisecond)
	m.Answered(vault.KindLifeCycle, "6P", time.Millisecond)
	m.Answered(vault.KindReversal, "25", time.Millisecond)
	m.Answered(vault.KindReversal, "weird", time.Millisecond)
	m.Trouble("wallets", "answer late")
	m.Trouble("wallets", "answer late")
	m.Trouble("harbour", "bad frame")
	wantLines(t, m,
		`firsttap_messages_total{kind="online",response="00"} 1`,
		`firsttap_messages_total{kind="life cycle",response="6P"} 1`,
		`firsttap_messages_total{kind="reversal",response="25"} 1`,
		`firsttap_messages_total{kind="reversal",response="other"} 1`,
		`firsttap_station_troubles_total{station="wallets",what="answer late"} 2`,
		`firsttap_station_troubles_total{station="harbour",what="bad frame"} 1`)
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
	for _, response := range []string{"", "0", "000", "a1", "1a", "\x00\x00", "4761739001010010"} {
		m.Tap(response, 0)
	}
	m.Activation(dcvv2.Result('X'), "00", 0)
	wantLines(t, m, `firsttap_taps_total{response="other"} 7`, `firsttap_activations_total{response="00",result="none"} 1`)
	if strings.Contains(shown(t, m), "4761739") {
		t.Error("a label has card data")
	}
}

func TestTheLastEntryIsFoundInFewLooks(t *testing.T) {
	m, s := metrics.New("v1"), &store{}
	m.Watch(s, lines)
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
	m.Watch(&store{entries: 1}, lines)
	m.Request("issuers", "/", "greenbank", 201, 0)
	m.Activation(dcvv2.Match, "00", 0)
	m.Tap("00", 0)
	gather := prometheus.Gatherers{m.Gatherer()}
	problems, err := testutil.GatherAndLint(gather)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}
