package gateway_test

import (
	"testing"
	"time"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/specs"
	"github.com/firsttap/firsttap/token"
)

func TestApprovedTap(t *testing.T) {
	w := newWorld(t)
	p := w.activated()
	r := w.tapOf(p)
	a := w.merchant.tap(r)
	want := messages.Outcome{
		Response: "00", AuthorizationID: authorizationID,
		Additional: messages.Additional{AnsweredBy: token.ByIssuer, Authentication: token.ARQCVerified},
	}
	if a.Outcome != want || a.Number != p.Number || a.Amount != amount {
		t.Errorf("the merchant sees %+v", a)
	}
	w.wantARPC(p, r, a)

	asked := saw[*messages.TapRequest](w.issuer)
	if len(asked) != 1 {
		t.Fatalf("the issuer was asked %d times", len(asked))
	}
	q := asked[0]
	if q.Tap.Number != p.pan || q.Tap.Expiry != expiry || q.Token == nil || *q.Token != p.TokenData ||
		q.Checked.Authentication != token.ARQCVerified || q.TransactionID != a.TransactionID || q.Tap.Amount != amount {
		t.Errorf("the issuer sees %+v with token %+v", q.Tap, q.Token)
	}
	stored, err := w.store.Token(t.Context(), p.Number)
	w.must(err)
	if stored.ATC != p.atc {
		t.Errorf("the token's counter is %d, not %d", stored.ATC, p.atc)
	}
}

func TestTapThatTheIssuerDeclines(t *testing.T) {
	w := newWorld(t)
	p := w.activated()
	w.issuer.follow(responding(token.InsufficientFunds))
	r := w.tapOf(p)
	a := w.merchant.tap(r)
	if a.Outcome.Response != token.InsufficientFunds || a.Outcome.AuthorizationID != "" || a.CSU != [4]byte{} {
		t.Errorf("39=%s 38=%q, card status update %x", a.Outcome.Response, a.Outcome.AuthorizationID, a.CSU)
	}
	w.wantARPC(p, r, a)
}

// step takes a step in the life of the phone's token.
func (w *world) step(p *phone, events ...token.Event) {
	w.Helper()
	for _, event := range events {
		_, err := w.store.Step(w.Context(), token.Change{Reference: p.Reference, Event: event, By: token.Operator}, w.clock.Now())
		w.must(err)
	}
}

// refusedTaps are all kinds of taps that the network refuses by itself.
var refusedTaps = []struct {
	name     string
	request  func(w *world, p *phone) *messages.TapRequest
	response token.Response
	arqc     token.Authentication // 44.8
	reason   token.Reason
}{
	{"a number that is no token", func(w *world, p *phone) *messages.TapRequest {
		r := w.tapOf(p)
		r.Tap.Number = w.account(tokenRange)
		return r
	}, "14", "", token.ReasonUnknownToken},
	{"the PAN in place of its token", func(w *world, p *phone) *messages.TapRequest {
		r := w.tapOf(p)
		r.Tap.Number, r.Tap.Expiry = p.pan, expiry
		return r
	}, "14", "", token.ReasonUnknownToken},
	{"a suspended token", func(w *world, p *phone) *messages.TapRequest {
		w.step(p, token.Suspend)
		return w.tapOf(p)
	}, "62", "", token.ReasonTokenSuspended},
	{"a deactivated token", func(w *world, p *phone) *messages.TapRequest {
		w.step(p, token.Deactivate)
		return w.tapOf(p)
	}, "46", "", token.ReasonTokenDeactivated},
	{"another expiry date", func(w *world, p *phone) *messages.TapRequest {
		r := w.tapOf(p)
		r.Tap.Expiry = card.MustExpiry("3101")
		return r
	}, "54", "", token.ReasonWrongExpiry},
	{"keyed by hand", func(w *world, p *phone) *messages.TapRequest {
		r := w.tapOf(p)
		r.EntryMode = "0100"
		return r
	}, "58", "", token.ReasonOutsideDomain},
	{"an amount that was altered everywhere", alteredAmount, "Q1", token.ARQCFailed, token.ReasonBadCryptogram},
	{"an amount that was altered in field 4", func(w *world, p *phone) *messages.TapRequest {
		r := w.tapOf(p)
		r.Tap.Amount++
		return r
	}, "Q1", token.ARQCFailed, token.ReasonAlteredAmount},
	{"another token's cryptogram", func(w *world, p *phone) *messages.TapRequest {
		other := *w.activated()
		other.TokenData = p.TokenData
		return w.tapOf(&other)
	}, "Q1", token.ARQCFailed, token.ReasonBadCryptogram},
	{"a version that nobody knows", func(w *world, p *phone) *messages.TapRequest {
		r := w.tapOf(p)
		r.Tap.Chip.IAD = []byte{0x06, 0x01, 0x7F, 0x03, 0xA0, 0x00, 0x00}
		return r
	}, "Q1", token.ARQCFailed, token.ReasonWrongVersion},
	{"a cryptogram that repeats", func(w *world, p *phone) *messages.TapRequest {
		w.merchant.tap(w.tapOf(p))
		return w.tapWith(p, p.atc)
	}, "59", token.ARQCVerified, token.ReasonReplayed},
	{"a counter that falls", func(w *world, p *phone) *messages.TapRequest {
		p.atc = 9
		w.merchant.tap(w.tapOf(p))
		return w.tapWith(p, 3)
	}, "59", token.ARQCVerified, token.ReasonCounterRepeated},
}

func TestRefusedTaps(t *testing.T) {
	w := newWorld(t)
	for _, test := range refusedTaps {
		t.Run(test.name, func(t *testing.T) {
			p := w.activated()
			r := test.request(w, p)
			before := len(saw[*messages.TapRequest](w.issuer))
			a := w.merchant.tap(r)
			if o := a.Outcome; o.Response != test.response || o.Additional.AnsweredBy != token.ByNetwork ||
				o.Additional.Authentication != test.arqc || !a.ARPC.IsZero() {
				t.Errorf("39=%s 44.1=%s 44.8=%s ARPC %v, not %s and %q", o.Response, o.Additional.AnsweredBy,
					o.Additional.Authentication, !a.ARPC.IsZero(), test.response, test.arqc)
			}
			w.wantReason(a.TransactionID, test.reason)
			if asked := len(saw[*messages.TapRequest](w.issuer)) - before; asked != 0 {
				t.Errorf("the issuer was asked %d times", asked)
			}
		})
	}
}

func TestRefusedTapSpendsNoCounter(t *testing.T) {
	w := newWorld(t)
	p := w.activated()
	r := alteredAmount(w, p)
	w.merchant.tap(r)
	if a := w.merchant.tap(w.tapWith(p, p.atc)); a.Outcome.Response != token.Approved {
		t.Errorf("the genuine tap with this counter: 39=%s", a.Outcome.Response)
	}
}

func TestTapAfterResume(t *testing.T) {
	w := newWorld(t)
	p := w.activated()
	w.step(p, token.Suspend, token.Resume)
	if a := w.merchant.tap(w.tapOf(p)); a.Outcome.Response != token.Approved {
		t.Errorf("39=%s", a.Outcome.Response)
	}
}

func TestTapWithAnExpiredToken(t *testing.T) {
	w := newWorld(t)
	p := w.activated()
	w.clock.forward(4 * 366 * 24 * time.Hour)
	if a := w.merchant.tap(w.tapOf(p)); a.Outcome.Response != token.CardExpired {
		t.Errorf("39=%s", a.Outcome.Response)
	}
}

func TestTapWithoutTheTokenKey(t *testing.T) {
	w := newWorld(t)
	p := w.activated()
	r := w.tapOf(p)
	w.keys.gone.Store(true)
	if a := w.merchant.tap(r); a.Outcome.Response != token.Malfunction {
		t.Errorf("39=%s", a.Outcome.Response)
	}
	w.keys.gone.Store(false)
	if a := w.merchant.tap(repeatOf(r).(*messages.TapRequest)); a.Outcome.Response != token.Approved {
		t.Errorf("the repeat when the key is back: 39=%s", a.Outcome.Response)
	}
}

// TestTapsOfATokenKeepTheirOrder has one terminal send taps of one phone in one
// go: a later one that is looked at first would make the counters before it look
// repeated.
func TestTapsOfATokenKeepTheirOrder(t *testing.T) {
	w := newWorld(t)
	p := w.activated()
	const taps = 100
	var frames []byte
	for range taps {
		var err error
		frames, err = framing.Append(frames, specs.Header{Destination: gatewayNumber, Source: 100001}, wire(t, w.tapOf(p)))
		w.must(err)
	}
	terminal := w.dialRaw(merchants)
	_, err := terminal.Write(frames)
	w.must(err)
	for range taps {
		if m := terminal.read(); m.Text(specs.P(39)) != string(token.Approved) {
			t.Errorf("%s is answered with %s", m.Text(specs.P(11)), m.Text(specs.P(39)))
		}
	}
}
