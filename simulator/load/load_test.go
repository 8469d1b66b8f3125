package load

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/internal/golden"
	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/specs"
	"github.com/firsttap/firsttap/token"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Every limit holds at itself and refuses one past it.
func TestLimits(t *testing.T) {
	for _, l := range []struct {
		name      string
		set       func(*Plan, *Supply, int)
		good, bad []int
	}{
		{"rate", func(p *Plan, _ *Supply, n int) { p.Rate = n }, []int{0, 1, RateMax}, []int{-1, RateMax + 1}},
		{"in flight", func(p *Plan, _ *Supply, n int) { p.InFlight = n }, []int{1, InFlightMax}, []int{0, InFlightMax + 1}},
		{"connections", func(p *Plan, _ *Supply, n int) { p.Connections = n }, []int{1, ConnectionsMax}, []int{0, ConnectionsMax + 1}},
		{"steps", func(p *Plan, _ *Supply, n int) { p.Rate, p.Steps = 100, n }, []int{1, StepsMax}, []int{0, StepsMax + 1}},
		{"steps without a rate", func(p *Plan, _ *Supply, n int) { p.Steps = n }, []int{1}, []int{2}},
		{"duration", func(p *Plan, _ *Supply, n int) { p.Duration = time.Duration(n) }, []int{int(DurationMin), int(DurationMax)}, []int{int(DurationMin) - 1, int(DurationMax) + 1}},
		{"timeout", func(p *Plan, _ *Supply, n int) { p.Timeout = time.Duration(n) }, []int{int(TimeoutMin), int(TimeoutMax)}, []int{int(TimeoutMin) - 1, int(TimeoutMax) + 1}},
		{"weight", func(p *Plan, _ *Supply, n int) { p.Mix[0].Weight = n }, []int{1, WeightMax}, []int{0, WeightMax + 1}},
		{"accounts", func(_ *Plan, s *Supply, n int) { s.Accounts = n }, []int{1, AccountsMax}, []int{0, AccountsMax + 1}},
		{"tokens", func(_ *Plan, s *Supply, n int) { s.Tokens = n }, []int{0, 1, TokensMax}, []int{-1, TokensMax + 1}},
		{"requestor", func(_ *Plan, s *Supply, n int) { s.Requestor = strings.Repeat("4", n) }, []int{token.RequestorDigits}, []int{token.RequestorDigits - 1, token.RequestorDigits + 1}},
	} {
		check := func(n int) error {
			p, s := DefaultPlan(), Supply{Accounts: 1, Requestor: requestor, Range: card.MustRange("4761739")}
			l.set(&p, &s, n)
			return errors.Join(p.Check(), s.check(p))
		}
		for _, n := range l.good {
			if err := check(n); err != nil {
				t.Errorf("%s %d: %v", l.name, n, err)
			}
		}
		for _, n := range l.bad {
			if err := check(n); !errors.Is(err, ErrPlan) {
				t.Errorf("%s %d is taken: %v", l.name, n, err)
			}
		}
	}
}

// A mix of echoes needs no accounts.
func TestEchoesNeedNoSupply(t *testing.T) {
	p := DefaultPlan()
	p.Mix = Mix{{Echo, 1}}
	if err := (Supply{}).check(p); err != nil {
		t.Error(err)
	}
	if err := (Supply{}).check(DefaultPlan()); !errors.Is(err, ErrPlan) {
		t.Errorf("activations without accounts: %v", err)
	}
}

func TestParseMix(t *testing.T) {
	for text, want := range map[string]string{
		"echo": "echo=1", "activation=70,tap=30": "activation=70,tap=30", " verify=1 , echo=2": "verify=1,echo=2",
	} {
		if m, err := ParseMix(text); err != nil || m.String() != want {
			t.Errorf("%q is %v, %v", text, m, err)
		}
	}
	for _, text := range []string{"", "tap=", "tap=x", "tap=-1", "tap=0", "nosuch", "tap,tap=2", "tap=1,", "Tap", "tap=1=2"} {
		if m, err := ParseMix(text); !errors.Is(err, ErrPlan) {
			t.Errorf("%q is taken for %v, %v", text, m, err)
		}
	}
}

// A load at a rate needs exactly the accounts that it then uses.
func TestAccountsNeeded(t *testing.T) {
	p := Plan{Mix: Mix{{Activation, 70}, {Tap, 30}}, Rate: 100, Duration: 2 * time.Second, Steps: 1, InFlight: 64, Connections: 1, Seed: 7}
	need := p.AccountsNeeded()
	if need < 110 || need > 170 {
		t.Errorf("200 requests need %d accounts", need)
	}
	synctest.Test(t, func(t *testing.T) {
		got := (&fake{t: t}).play(t, p)
		if got.Kinds[0].Sent != int64(need) {
			t.Errorf("%d activations were sent, and %d accounts said to be needed", got.Kinds[0].Sent, need)
		}
	})
	for _, c := range []struct {
		mix  Mix
		rate int
		want int
	}{
		{Mix{{Verify, 1}}, 10, 20},
		{Mix{{Tap, 1}, {Echo, 1}}, 10, 0},
		{Mix{{Verify, 1}}, 0, 0},
		{Mix{{Verify, 1}}, AccountsMax / 2, AccountsMax},
		{Mix{{Verify, 1}}, AccountsMax/2 + 1, AccountsMax},
	} {
		p.Mix, p.Rate = c.mix, c.rate
		if got := p.AccountsNeeded(); got != c.want {
			t.Errorf("%v at %d a second needs %d accounts, not %d", c.mix, c.rate, got, c.want)
		}
	}
}

// Kinds come as often as their weights say, and otherwise under another seed.
func TestMixAt(t *testing.T) {
	m := Mix{{Activation, 70}, {Tap, 30}}
	counts, alike := map[Kind]int{}, 0
	for n := range uint64(10_000) {
		counts[m.At(7, n)]++
		if m.At(7, n) == m.At(8, n) {
			alike++
		}
	}
	if alike > 6500 { // of independent draws 58 % are
		t.Errorf("two seeds give the same kind to %d of ten thousand", alike)
	}
	if counts[Tap] < 2850 || counts[Tap] > 3150 || counts[Tap]+counts[Activation] != 10_000 {
		t.Errorf("of ten thousand there are %v", counts)
	}
}

func TestRecentForgetsTheOldest(t *testing.T) {
	r := newRecent[int](2)
	r.put(1, 10)
	r.put(2, 20)
	r.put(1, 11) // known: takes no place
	if r.at(1) != 11 || r.at(2) != 20 {
		t.Errorf("it has %d and %d", r.at(1), r.at(2))
	}
	r.put(3, 30)
	if r.at(1) != 0 || r.at(2) != 20 || r.at(3) != 30 || len(r.values) != 2 {
		t.Errorf("after a third it has %v", r.values)
	}
}

// A histogram takes what is past its limits for the limit.
func TestHistogramLimits(t *testing.T) {
	for _, c := range []struct{ d, want time.Duration }{
		{-time.Second, time.Microsecond},
		{0, time.Microsecond},
		{time.Microsecond, time.Microsecond},
		{latencyMax, latencyMax},
		{latencyMax + time.Second, latencyMax},
	} {
		h := newHistogram()
		add(h, c.d, 1)
		got := time.Duration(h.Max()) * time.Microsecond
		if h.TotalCount() != 1 || got < c.want || got > c.want+c.want/1000 {
			t.Errorf("%v is counted %d times as %v", c.d, h.TotalCount(), got)
		}
	}
}

// No two requests of a connection have the same trace, over the end of the
// trace numbers too.
func TestTracesAreFresh(t *testing.T) {
	c := &conn{terminal: "ABCDE"}
	c.stan.Store(traceNumbers - 2)
	seen := map[string]bool{}
	for range 4 {
		trace := c.trace(time.Unix(0, 0))
		if len(trace.Terminal) != 8 || len(trace.STAN) != 6 || trace.STAN == "000000" || seen[trace.Terminal+trace.STAN] {
			t.Errorf("a trace is %+v", trace)
		}
		seen[trace.Terminal+trace.STAN] = true
	}
	if !seen["ABCDE000999999"] || !seen["ABCDE001000001"] {
		t.Errorf("the traces are %v", seen)
	}
}

// Two requests with one trace number are never sent at once.
func TestTheOracleRefusesATraceInUse(t *testing.T) {
	var tally Tally
	o := NewOracle(&tally)
	first := &Question{Trace: messages.Trace{STAN: "000001"}, answer: make(chan Answer, 1)}
	second := &Question{Trace: messages.Trace{STAN: "000001"}, answer: make(chan Answer, 1)}
	if !o.Sent(first) || o.Sent(second) || tally.Count(Collision) != 1 {
		t.Errorf("collisions: %d", tally.Count(Collision))
	}
	if !o.Withdrawn(first) || !o.Sent(second) {
		t.Error("the number is not free again")
	}
}

// Accounts that are used up end the load, unless codes may be used again.
func TestAccountsAreUsedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := Plan{Mix: Mix{{Activation, 1}}, Rate: 100, Duration: 500 * time.Millisecond, InFlight: 4, Connections: 1}
		got := (&fake{t: t}).play(t, p, func(r *run) { r.traffic.reuse = false })
		if got.Sent != 1 || got.Approved != 1 || got.Ended != errAccounts.Error() || got.OK {
			t.Errorf("%d sent, ended %q", got.Sent, got.Ended)
		}
	})
}

// Tokens whose counters are at their end leave; when all have, the load ends.
func TestTokensAreUsedUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := Plan{Mix: Mix{{Tap, 1}}, Rate: 100, Duration: 500 * time.Millisecond, InFlight: 2, Connections: 1}
		got := (&fake{t: t}).play(t, p, func(r *run) {
			for range 2 {
				held := <-r.traffic.payers
				held.atc = atcMax - 3
				r.traffic.payers <- held
			}
		})
		if got.Sent != 6 || got.Approved != 6 || got.Ended != errTokens.Error() || got.Oracle.Sum() != 0 {
			t.Errorf("%d sent, %d approved, ended %q, %v", got.Sent, got.Approved, got.Ended, got.Examples)
		}
	})
}

// An interruption ends the load at once, and nothing is called lost for it.
func TestInterruption(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{t: t, script: func(*fake, int, messages.Message, *specs.Message) {}}
		r := newRun(f.options(t, Plan{Mix: Mix{{Echo, 1}}, Rate: 100, Duration: time.Minute, InFlight: 100, Connections: 1, Timeout: time.Minute}))
		defer r.close()
		if err := r.connect(t.Context()); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		began := time.Now()
		got := r.report(r.load(ctx))
		if took := time.Since(began); took > 600*time.Millisecond || got.Oracle.Sum() != 0 || got.Ended != errInterrupted.Error() {
			t.Errorf("after %v: %+v, ended %q", took, got.Oracle, got.Ended)
		}
	})
}

// Run is told how far it is, and its report has this shape.
func TestReport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{t: t, script: func(f *fake, n int, _ messages.Message, answer *specs.Message) {
			if n == 199 {
				return
			}
			time.AfterFunc(10*time.Millisecond, func() { f.send(answer) })
		}}
		o := f.options(t, Plan{Mix: Mix{{Echo, 1}}, Rate: 150, Duration: 2 * time.Second, InFlight: 16, Connections: 1, Steps: 2, Seed: 7})
		var told []Progress
		o.Tell = func(p Progress) { told = append(told, p) }
		report, err := Run(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		var document, text, picture bytes.Buffer
		encoder := json.NewEncoder(&document)
		encoder.SetIndent("", "  ")
		if err := errors.Join(encoder.Encode(report), report.Write(&text), report.Draw(&picture)); err != nil {
			t.Fatal(err)
		}
		golden.CheckText(t, "testdata/report.json", document.String())
		golden.CheckText(t, "testdata/report.txt", text.String())
		golden.CheckText(t, "testdata/report.svg", picture.String())
		if err := xml.Unmarshal(picture.Bytes(), new(struct{})); err != nil {
			t.Errorf("the picture is no XML: %v", err)
		}
		if len(told) < 2 || told[0].Phase != PhaseLoad || told[0].Took != time.Second || told[0].Done < 70 ||
			told[0].P99 < 9*time.Millisecond || told[0].P99 > 11*time.Millisecond {
			t.Errorf("told %+v", told)
		}
	})
}

// An issuer gives the authorization that the oracle expects, and answers what
// it is told.
func TestIssuerApproves(t *testing.T) {
	for _, q := range []messages.Message{
		&messages.NetworkRequest{}, &messages.ActivationRequest{}, &messages.TapRequest{}, &messages.RemoteRequest{},
		&messages.Reversal{}, &messages.Advice{}, &messages.Notification{},
	} {
		if approve(q) == nil {
			t.Errorf("a %T has no answer", q)
		}
	}
	if approve(&messages.NetworkAnswer{}) != nil {
		t.Error("an answer is answered")
	}
	if o := approval("000000000000001"); o.AuthorizationID != Authorization("000000000000001") || len(o.AuthorizationID) != 6 ||
		o.AuthorizationID == Authorization("000000000000002") {
		t.Errorf("authorizations are %s and %s", o.AuthorizationID, Authorization("000000000000002"))
	}
}

func TestDrawnAccountsDiffer(t *testing.T) {
	from := card.MustRange("47617390000")
	accounts, err := drawAccounts(chance(), from, 2000, time.Unix(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[card.PAN]bool{}
	for _, a := range accounts {
		if seen[a.pan] || !from.Contains(a.pan) {
			t.Fatal("an account is there twice, or outside the range")
		}
		seen[a.pan] = true
	}
	if _, err := drawAccounts(chance(), from, 10_001, time.Unix(0, 0)); !errors.Is(err, ErrPlan) {
		t.Errorf("a range of ten thousand gives one more: %v", err)
	}
}
