package network

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/gateway"
	"github.com/firsttap/firsttap/gateway/stations"
	"github.com/firsttap/firsttap/internal/metrics"
	"github.com/firsttap/firsttap/token"
)

// TestWhatOfAMessageIsCounted holds that a message counts once, under what came
// of it, and that only what was answered counts as decided.
func TestWhatOfAMessageIsCounted(t *testing.T) {
	m := metrics.New("v1")
	hear := observing(m)
	hear(gateway.Observed{Station: "wallets", Kind: stations.Network, Answered: true, Response: token.Approved, Took: time.Millisecond})
	hear(gateway.Observed{Station: "wallets", Kind: stations.Activation, Answered: true, Response: token.StepUp, Reason: token.ReasonStepUp, Result: dcvv2.Match})
	hear(gateway.Observed{
		Station: "wallets", Kind: stations.Activation, Answered: true, Response: token.CVV2Failed, Result: dcvv2.NotProcessed,
		Reason: token.ReasonDayLimit, Refused: token.ReasonDayLimit,
	})
	hear(gateway.Observed{Station: "merchants", Answered: true, Response: token.FormatFault})
	hear(gateway.Observed{Station: "merchants", Response: token.FormatFault})
	asked(m)(gateway.Asked{Issuer: "harbour", Ending: gateway.EndTimeout, Took: 10 * time.Second})

	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	var got []string
	for line := range strings.Lines(w.Body.String()) {
		if strings.Contains(line, "_total{") || strings.Contains(line, "_seconds_count{") {
			got = append(got, strings.TrimSpace(line))
		}
	}
	want := []string{
		`firsttap_account_blocked_total{limit="day"} 1`,
		`firsttap_activations_total{code="M",result="85"} 1`,
		`firsttap_activations_total{code="P",result="N7"} 1`,
		`firsttap_declines_total{kind="activation",reason="too many failures in 24 hours"} 1`,
		`firsttap_declines_total{kind="unknown",reason="none"} 1`,
		`firsttap_issuer_question_duration_seconds_count{issuer="harbour",outcome="timeout"} 1`,
		`firsttap_message_duration_seconds_count{kind="activation",result="85",station="wallets"} 1`,
		`firsttap_message_duration_seconds_count{kind="activation",result="N7",station="wallets"} 1`,
		`firsttap_message_duration_seconds_count{kind="network management",result="00",station="wallets"} 1`,
		`firsttap_message_duration_seconds_count{kind="unknown",result="30",station="merchants"} 1`,
		`firsttap_message_duration_seconds_count{kind="unknown",result="none",station="merchants"} 1`,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("counted\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestToCountAMessageMakesNothing holds that counting allocates nothing once its
// labels were seen: it is on the path of every message.
func TestToCountAMessageMakesNothing(t *testing.T) {
	m := metrics.New("v1")
	hear, ask := observing(m), asked(m)
	o := gateway.Observed{Station: "wallets", Kind: stations.Activation, Answered: true, Response: token.CVV2Failed, Reason: token.ReasonWrongCode, Result: dcvv2.NoMatch}
	if got := testing.AllocsPerRun(100, func() {
		hear(o)
		ask(gateway.Asked{Issuer: "harbour", Ending: gateway.EndAnswered, Took: time.Millisecond})
	}); got > 0 {
		t.Errorf("it makes %v allocations, the most is 0", got)
	}
}

// TestWhatOperatorsCanReadOfANetwork holds that metrics and profiles are behind
// the operators' door of a network, its stations among them.
func TestWhatOperatorsCanReadOfANetwork(t *testing.T) {
	n, err := openTest(t, anyPorts(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	door := n.api.Operators()
	read := func(address string) string {
		w := httptest.NewRecorder()
		door.ServeHTTP(w, httptest.NewRequest(http.MethodGet, address, nil))
		if w.Code != http.StatusOK {
			t.Errorf("%s: got %d %s", address, w.Code, w.Body)
		}
		return w.Body.String()
	}
	counted := read("/metrics")
	for _, station := range []string{"wallets", "merchants", "harbour"} {
		if !strings.Contains(counted, `firsttap_station_connections{station="`+station+`"} 0`) {
			t.Errorf("the station %s is not there", station)
		}
	}
	for _, address := range []string{"/debug/pprof/heap", "/debug/pprof/allocs", "/debug/pprof/goroutine"} {
		if profile := read(address); !strings.HasPrefix(profile, "\x1f\x8b") {
			t.Errorf("%s: it is no gzip", address)
		}
	}
}
