package gateway_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/rs/zerolog"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/gateway/stations"
	"github.com/firsttap/firsttap/internal/link"
	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/specs"
	"github.com/firsttap/firsttap/token"
)

// restation changes stations while the gateway runs: the issuer, the wallets
// and the merchants, in this order.
func (w *world) restation(change func(issuer, wallet, merchant *stations.Settings)) {
	w.Helper()
	list := w.stations()
	change(&list[0], &list[1], &list[2])
	w.must(w.gateway.SetStations(context.Background(), list))
}

// response is field 39 of the answer to any request.
func (s *station) response(m messages.Message) token.Response {
	s.Helper()
	return token.Response(s.askRaw(encode(s, m)).Text(specs.P(39)))
}

// noted wants the log to say why a request was refused.
func (w *world) noted(stan, part string) {
	w.Helper()
	for _, e := range w.log.of(stan) {
		if strings.Contains(e.Note, part) {
			return
		}
	}
	w.Errorf("no note on %s says %q", stan, part)
}

func TestSignOnIsDemanded(t *testing.T) {
	w := newWorld(t)
	w.restation(func(_, wallet, _ *stations.Settings) { wallet.SignOn = true })
	r := goodActivation(w)
	for _, step := range []struct {
		code      messages.NetworkCode
		want      token.Response // of the activation that follows
		signedOn  int
		forgotten bool // nothing of it was claimed
	}{
		{messages.Echo, token.IssuerUnavailable, 0, true},
		{messages.SignOn, token.Approved, 1, false},
		{messages.SignOff, token.IssuerUnavailable, 0, true},
	} {
		if got := w.wallet.response(w.network(step.code)); got != token.Approved {
			t.Errorf("network code %s: 39=%s", step.code, got)
		}
		if got := w.gateway.Stations()[1].SignedOn; got != step.signedOn {
			t.Errorf("after %s %d are signed on", step.code, got)
		}
		if step.forgotten {
			r = goodActivation(w)
		}
		if got := w.wallet.response(r); got != step.want {
			t.Errorf("after %s: 39=%s, want %s", step.code, got, step.want)
		}
		if step.forgotten {
			w.noted(r.STAN, "not signed on")
		}
	}
	w.wantTokens(1)
	w.wantNothingUnfinished()
}

func TestRolesSayWhatMayBeSent(t *testing.T) {
	w := newWorld(t)
	p := w.activated()
	tap, activation := w.tapOf(p), goodActivation(w)
	if got := w.wallet.response(tap); got != token.InvalidTransaction {
		t.Errorf("a requestor's tap: 39=%s", got)
	}
	w.noted(tap.STAN, "may come from: merchant")
	if got := w.merchant.response(activation); got != token.InvalidTransaction {
		t.Errorf("a merchant's activation: 39=%s", got)
	}
	w.noted(activation.STAN, "may come from: requestor, provider")
	if got := w.merchant.response(tap); got != token.Approved {
		t.Errorf("a merchant's tap: 39=%s", got)
	}
	w.restation(func(_, wallet, _ *stations.Settings) { wallet.Role, wallet.Number = stations.Operator, 100003 })
	again := w.dial(wallets)
	if got := again.response(goodActivation(w)); got != token.InvalidTransaction {
		t.Errorf("an operator's activation: 39=%s", got)
	}
}

func TestARequestorSpeaksForItself(t *testing.T) {
	w := newWorld(t)
	r := goodActivation(w)
	w.restation(func(_, wallet, _ *stations.Settings) { wallet.RequestorID = "40010030274" })
	a := w.wallet.activate(r)
	if a.Outcome.Response != token.NotAllowedAtTerminal || a.Token != nil || a.Outcome.Additional.AnsweredBy != token.ByNetwork {
		t.Errorf("in another's name: 39=%s", a.Outcome.Response)
	}
	if e := w.log.of(r.STAN); len(e) != 1 || e[0].Reason != string(token.ReasonWrongRequestor) {
		t.Errorf("the log has %+v", e)
	}
	w.restation(func(_, wallet, _ *stations.Settings) { wallet.RequestorID = "40010030273" })
	if a := w.wallet.activate(r); a.Outcome.Response != token.Approved {
		t.Errorf("in its own name: 39=%s", a.Outcome.Response)
	}
}

func TestTokensOfAStationsRange(t *testing.T) {
	w := newWorld(t)
	w.restation(func(_, wallet, _ *stations.Settings) { wallet.TokenRange = card.MustRange("489537002") })
	if p := w.activated(); !card.MustRange("489537002").Contains(p.Number) {
		t.Errorf("the token is %v", p.Number)
	}
}

func TestAThrottledStationIsTold(t *testing.T) {
	w := newWorld(t)
	w.restation(func(_, wallet, _ *stations.Settings) { wallet.Limits.RequestsPerSecond = 1 })
	s := w.dial(wallets)
	if got := s.response(w.network(messages.Echo)); got != token.Approved {
		t.Errorf("the first request: 39=%s", got)
	}
	for range 100 { // far more than one a second
		r := w.network(messages.Echo)
		if got := s.response(r); got == token.IssuerUnavailable {
			w.noted(r.STAN, "more requests than")
			return
		}
	}
	t.Error("nothing is refused")
}

// hosting is another host of the issuer, whose connections the test can close,
// and which lets nobody sign on while it is full.
func (w *world) hosting(full *atomic.Bool) *link.Server {
	w.Helper()
	server := link.NewServer(listen(w, "127.0.0.1:0"), link.Options{
		Name: "host", Codec: codec, Framing: framing, Key: messages.Key, Log: zerolog.Nop(),
		Handle: func(ctx context.Context, in link.Inbound) *specs.Message {
			if in.Message.MTI() == "0800" && full.Load() {
				return messages.Refusal(in.Message, string(token.IssuerUnavailable))
			}
			return w.issuer.handle(ctx, in)
		},
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- server.Run(ctx) }()
	w.Cleanup(func() {
		cancel()
		w.must(got(w, done, "the host's end"))
	})
	return server
}

func TestAnIssuerSurvivesLosingConnections(t *testing.T) {
	w := newWorld(t)
	var full atomic.Bool
	host := w.hosting(&full)
	signedOn := func(n int) func() bool {
		return func() bool { return w.gateway.Stations()[0].SignedOn == n }
	}
	w.restation(func(issuer, _, _ *stations.Settings) { issuer.Address, issuer.Connections = host.Address(), 3 })
	w.until("three lines", signedOn(3))
	full.Store(true)
	for n, c := range host.Connections()[:2] {
		c.Close()
		w.until("a line less", signedOn(2-n))
		for range 3 {
			if a := w.wallet.activate(goodActivation(w)); a.Outcome.Response != token.Approved {
				t.Errorf("with %d lost: 39=%s", n+1, a.Outcome.Response)
			}
		}
	}
	full.Store(false)
	w.until("three lines again", signedOn(3))
}

func TestAnIssuerDialsIn(t *testing.T) {
	w := newWorld(t)
	w.restation(func(issuer, _, _ *stations.Settings) { issuer.Address, issuer.Listen = "", "127.0.0.1:0" })
	w.doors[issuerName] = w.gateway.Address(issuerName)
	if a := w.wallet.activate(goodActivation(w)); a.Outcome.Response != token.IssuerUnavailable {
		t.Errorf("before it dials in: 39=%s", a.Outcome.Response)
	}
	in := w.dialWith(issuerName, w.issuer.handle)
	if a := w.wallet.activate(goodActivation(w)); a.Outcome.Response != token.IssuerUnavailable {
		t.Errorf("before it signs on: 39=%s", a.Outcome.Response)
	}
	if got := in.response(w.network(messages.SignOn)); got != token.Approved {
		t.Fatalf("its sign-on: 39=%s", got)
	}
	w.waitIssuer()
	s, asked, release := held()
	w.issuer.follow(s)
	answered := make(chan token.Response, 1)
	r := goodActivation(w)
	go func() { answered <- w.wallet.response(r) }()
	got(t, asked, "the question")
	if got := in.response(w.network(messages.Echo)); got != token.Approved { // on the connection that is asked on
		t.Errorf("its echo while it is asked: 39=%s", got)
	}
	if got := in.response(goodActivation(w)); got != token.InvalidTransaction {
		t.Errorf("its activation: 39=%s", got)
	}
	release()
	if a := got(t, answered, "the activation"); a != token.Approved {
		t.Errorf("39=%s", a)
	}
	in.conn.Close()
	w.until("its line is down", func() bool { return !w.gateway.LinesUp()[issuerName] })
	if a := w.wallet.activate(goodActivation(w)); a.Outcome.Response != token.IssuerUnavailable {
		t.Errorf("after it has gone: 39=%s", a.Outcome.Response)
	}
}

// What was not sent is told from what was not answered.
func TestDownIsToldFromSilent(t *testing.T) {
	w := newWorld(t, impatient)
	said := func(message string) int {
		return len(w.log.find(func(e logEvent) bool { return e.Message == message }))
	}
	w.issuer.follow(silent)
	w.wallet.activate(goodActivation(w))
	if said("issuer did not answer") != 1 || said("issuer cannot be asked") != 0 {
		t.Error("an issuer that does not answer")
	}
	w.issuer.down()
	w.until("the line is down", func() bool { return !w.gateway.LinesUp()[issuerName] })
	w.wallet.activate(goodActivation(w))
	if said("issuer did not answer") != 1 || said("issuer cannot be asked") != 1 {
		t.Error("an issuer that is not there")
	}
}

func TestAnIssuerOfARangeNeedsAStation(t *testing.T) {
	w := newWorld(t)
	err := w.gateway.SetStations(t.Context(), w.stations()[1:])
	if err == nil || strings.Count(err.Error(), "has no station") != 2 || !strings.Contains(err.Error(), cardRange) || !strings.Contains(err.Error(), keylessRange) {
		t.Errorf("got %v", err)
	}
	if len(w.gateway.Stations()) != 3 {
		t.Error("something has changed")
	}
}
