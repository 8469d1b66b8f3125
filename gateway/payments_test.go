package gateway_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/emv"
	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/token"
)

// iadOf is issuer application data of a version with a card verification result.
func iadOf(v emv.Version) []byte { return []byte{0x06, 0x01, byte(v), 0x03, 0xA0, 0x00, 0x00} }

// sign makes a tap anew after a change, with a key.
func (w *world) sign(r *messages.TapRequest, key emv.Key, change func(*emv.Input)) *messages.TapRequest {
	w.Helper()
	change(&r.Tap.Chip)
	var err error
	r.Tap.Cryptogram, err = emv.ApplicationCryptogram(key, r.Tap.Chip)
	w.must(err)
	return r
}

// tapBy is the phone's next tap by a version.
func (w *world) tapBy(p *phone, v emv.Version) *messages.TapRequest {
	return w.sign(w.tapOf(p), p.cardKey, func(in *emv.Input) { in.IAD = iadOf(v) })
}

func TestVersions(t *testing.T) {
	inBothProfiles(t, func(t *testing.T, profile func(*settings)) {
		for _, v := range token.Versions {
			t.Run(fmt.Sprint(v), func(t *testing.T) {
				w := newWorld(t, profile, func(s *settings) { s.version = v })
				p := w.activated()
				for _, word := range []token.Response{token.Approved, token.InsufficientFunds} {
					w.issuer.follow(responding(word))
					r := w.tapBy(p, v)
					a := w.merchant.tap(r)
					if a.Outcome.Response != word || a.Outcome.Additional.Authentication != token.ARQCVerified {
						t.Errorf("39=%s, 44.8=%s", a.Outcome.Response, a.Outcome.Additional.Authentication)
					}
					if v == emv.Version18 {
						w.wantARPC(p, r, a)
						continue
					}
					if arc := [2]byte([]byte(word)); a.ARC != arc || a.ARPC != emv.ARPC1(p.cardKey, r.Tap.Cryptogram, arc) || a.CSU != [4]byte{} {
						t.Errorf("the ARPC for %s does not verify", a.ARC)
					}
				}
				for _, other := range token.Versions {
					if other == v {
						continue
					}
					a := w.merchant.tap(w.tapBy(p, other))
					if a.Outcome.Response != token.CardAuthentication || !a.ARPC.IsZero() {
						t.Errorf("version %d gets 39=%s", other, a.Outcome.Response)
					}
					w.wantReason(a.TransactionID, token.ReasonWrongVersion)
				}
			})
		}
	})
}

// lentTap is a cloud phone's next tap with the key of an index.
func (w *world) lentTap(p *phone, index string) *messages.TapRequest {
	w.Helper()
	key, err := emv.LimitedUseKey(p.cardKey, index)
	w.must(err)
	iad := make([]byte, emv.IADBytesMax)
	copy(iad, []byte{0x1F, byte(emv.Version43), 0x01, 0x00, 0x00, 0xA0})
	for n, digits := 0, "0"+index; n < len(digits)/2; n++ {
		iad[13+n] = (digits[2*n]-'0')<<4 | (digits[2*n+1] - '0')
	}
	return w.sign(w.tapOf(p), key, func(in *emv.Input) { in.IAD = iad })
}

func (w *world) lent(p *phone) string {
	w.Helper()
	index, err := w.store.LendKey(w.Context(), p.Reference, w.clock.Now())
	w.must(err)
	return index
}

// wantTapped wants a tap to be answered so, for a reason.
func (w *world) wantTapped(r *messages.TapRequest, want token.Response, reason token.Reason) *messages.TapAnswer {
	w.Helper()
	a := w.merchant.tap(r)
	if a.Outcome.Response != want {
		w.Errorf("39=%s, not %s", a.Outcome.Response, want)
	}
	w.wantReason(a.TransactionID, reason)
	return a
}

func TestLentKeys(t *testing.T) {
	inBothProfiles(t, func(t *testing.T, profile func(*settings)) {
		w := newWorld(t, profile)
		p := w.activatedAs(token.Cloud)
		index := w.lent(p)
		for range token.LentUsesMax {
			if a := w.wantTapped(w.lentTap(p, index), token.Approved, token.ReasonIssuerApproved); !a.ARPC.IsZero() {
				t.Error("a phone without a secure element gets an ARPC")
			}
		}
		used := len(saw[*messages.TapRequest](w.issuer))
		w.wantTapped(w.lentTap(p, index), token.CardExpired, token.ReasonKeyUsedUp)
		next := w.lent(p)
		if next == index {
			t.Error("a key is lent twice")
		}
		w.wantTapped(w.lentTap(p, next), token.Approved, token.ReasonIssuerApproved)
		w.wantTapped(w.lentTap(p, emv.LimitedUseIndexAt(w.clock.Now(), 77)), token.SuspectedFraud, token.ReasonKeyUnknown)

		mixed := w.lentTap(p, next) // says one key and is signed with another
		mixed.Tap.Chip.IAD = w.lentTap(p, index).Tap.Chip.IAD
		w.wantTapped(mixed, token.CardAuthentication, token.ReasonBadCryptogram)
		w.wantTapped(w.tapBy(p, emv.Version18), token.CardAuthentication, token.ReasonWrongVersion)

		other := w.activatedAs(token.Cloud)
		w.wantTapped(w.lentTap(other, next), token.SuspectedFraud, token.ReasonKeyUnknown)
		if asked := len(saw[*messages.TapRequest](w.issuer)); asked != used+1 {
			t.Errorf("the issuer was asked %d times", asked)
		}
	})
}

// TestLentKeysExpire counts from the beginning of a key's hour.
func TestLentKeysExpire(t *testing.T) {
	for name, test := range map[string]struct {
		after  time.Duration
		want   token.Response
		reason token.Reason
	}{
		"in its last moment": {token.LentKeyFor - 1, token.Approved, token.ReasonIssuerApproved},
		"too old":            {token.LentKeyFor, token.CardExpired, token.ReasonKeyExpired},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			p := w.activatedAs(token.Cloud)
			r := w.lentTap(p, w.lent(p))
			w.clock.set(halfPast.Truncate(time.Hour).Add(test.after))
			w.wantTapped(r, test.want, test.reason)
		})
	}
}

// TestReplayOrClone tells what came before, byte for byte, from what another
// phone with the same key says with a counter that was used.
func TestReplayOrClone(t *testing.T) {
	w := newWorld(t)
	p := w.activated()
	first := w.tapWith(p, 5)
	w.wantTapped(first, token.Approved, token.ReasonIssuerApproved)
	replayed := *first
	replayed.Trace = w.newTrace()
	for range 2 { // one replay does not hide the next
		w.wantTapped(&replayed, token.SuspectedFraud, token.ReasonReplayed)
		replayed.Trace = w.newTrace()
	}
	cloned := w.sign(w.tapWith(p, 5), p.cardKey, func(in *emv.Input) { in.Unpredictable = [4]byte{4, 3, 2, 1} })
	w.wantTapped(cloned, token.SuspectedFraud, token.ReasonCounterRepeated)
	w.wantTapped(w.tapWith(p, 4), token.SuspectedFraud, token.ReasonCounterRepeated)
	w.wantTapped(w.tapWith(p, 65535), token.Approved, token.ReasonIssuerApproved) // gaps are no sign of anything
	again := *first
	again.Trace = w.newTrace()
	w.wantTapped(&again, token.SuspectedFraud, token.ReasonReplayed)
	w.wantTapped(w.tapWith(w.activated(), 0), token.SuspectedFraud, token.ReasonCounterRepeated)

	cloud := w.activatedAs(token.Cloud)
	lent := w.lentTap(cloud, w.lent(cloud))
	w.wantTapped(lent, token.Approved, token.ReasonIssuerApproved)
	lent.Trace = w.newTrace()
	w.wantTapped(lent, token.SuspectedFraud, token.ReasonReplayed)

	e := w.activatedAs(token.ECommerce)
	paid := w.signedRemote(e, 3)
	w.wantRemote(paid, token.Approved, token.ReasonIssuerApproved)
	paid.Trace = w.newTrace()
	w.wantRemote(paid, token.SuspectedFraud, token.ReasonReplayed)
	w.wantRemote(w.signedRemote(e, 2), token.SuspectedFraud, token.ReasonCounterRepeated)
	if asked := len(saw[*messages.TapRequest](w.issuer)) + len(saw[*messages.RemoteRequest](w.issuer)); asked != 4 {
		t.Errorf("the issuer was asked %d times", asked)
	}
}

// wantRemote is wantTapped without a terminal.
func (w *world) wantRemote(r *messages.RemoteRequest, want token.Response, reason token.Reason) *messages.RemoteAnswer {
	w.Helper()
	a := as[*messages.RemoteAnswer](w, w.merchant.ask(r))
	if a.Outcome.Response != want {
		w.Errorf("39=%s, not %s", a.Outcome.Response, want)
	}
	w.wantReason(a.TransactionID, reason)
	return a
}

// secondPhone is another token of the same account.
func (w *world) secondPhone(p *phone) *phone {
	w.Helper()
	w.clock.forward(time.Hour)
	a := w.wallet.activate(w.activation(p.pan, w.code(p.pan, 0)))
	if a.Token == nil {
		w.Fatalf("no token: %s", a.Outcome.Response)
	}
	return &phone{TokenData: *a.Token, pan: p.pan, cardKey: emv.CardKey(w.keys.token, a.Token.Number, card.Sequence(1))}
}

// TestTapsThatAreNotTheTokens lists genuine cryptograms that say something else,
// and good ones outside what their token is for.
func TestTapsThatAreNotTheTokens(t *testing.T) {
	w := newWorld(t)
	for name, test := range map[string]struct {
		tap    func() *messages.TapRequest
		want   token.Response
		reason token.Reason
	}{
		"another phone of the account": {func() *messages.TapRequest {
			p := w.activated()
			other := *w.secondPhone(p)
			other.TokenData = p.TokenData
			return w.tapOf(&other)
		}, "Q1", token.ReasonOtherPhone},
		"another currency": {func() *messages.TapRequest {
			r := w.tapOf(w.activated())
			r.Currency = "978"
			return r
		}, "Q1", token.ReasonAlteredAmount},
		"a currency that was altered everywhere": {func() *messages.TapRequest {
			r := w.tapOf(w.activated())
			r.Currency, r.Tap.Chip.Currency = "978", 978
			return r
		}, "Q1", token.ReasonBadCryptogram},
		"an e-commerce token at a terminal": {func() *messages.TapRequest {
			return w.tapOf(w.activatedAs(token.ECommerce))
		}, "58", token.ReasonOutsideDomain},
		"a token on file at a terminal": {func() *messages.TapRequest { return w.tapOf(w.onFile()) }, "58", token.ReasonOutsideDomain},
		"keyed": {func() *messages.TapRequest {
			r := w.tapOf(w.activated())
			r.EntryMode = "0100"
			return r
		}, "58", token.ReasonOutsideDomain},
		"another requestor": {func() *messages.TapRequest {
			r := w.tapOf(w.activated())
			r.Requestor = "40010099999"
			return r
		}, "58", token.ReasonWrongRequestor},
		"its requestor": {func() *messages.TapRequest {
			r := w.tapOf(w.activated())
			r.Requestor = walletRequestor
			return r
		}, "00", token.ReasonIssuerApproved},
		"another merchant, where any may": {func() *messages.TapRequest {
			r := w.tapOf(w.activated())
			r.Acceptor = "ANOTHERMERCHANT"
			return r
		}, "00", token.ReasonIssuerApproved},
	} {
		t.Run(name, func(t *testing.T) {
			asked := len(saw[*messages.TapRequest](w.issuer))
			w.wantTapped(test.tap(), test.want, test.reason)
			if approved := len(saw[*messages.TapRequest](w.issuer)) > asked; approved != (test.want == token.Approved) {
				t.Errorf("the issuer was asked: %t", approved)
			}
		})
	}
}

// TestPaymentsByTokenWithoutATerminal go by the cryptogram of 126.9.
func TestPaymentsByTokenWithoutATerminal(t *testing.T) {
	inBothProfiles(t, func(t *testing.T, profile func(*settings)) {
		w := newWorld(t, profile)
		for _, test := range remotePayments {
			t.Run(test.name, func(t *testing.T) {
				p := w.activatedAs(test.kind)
				r := w.signedRemote(p, 1)
				test.change(w, p, r)
				asked := len(saw[*messages.RemoteRequest](w.issuer))
				a := w.wantRemote(r, test.want, test.reason)
				if a.Outcome.Additional.Authentication != test.arqc {
					t.Errorf("44.8=%q, not %q", a.Outcome.Additional.Authentication, test.arqc)
				}
				questions := saw[*messages.RemoteRequest](w.issuer)[asked:]
				if (len(questions) == 1) != (test.want == token.Approved) || len(questions) > 1 {
					t.Fatalf("the issuer was asked %d times", len(questions))
				}
				for _, q := range questions {
					if q.Number != p.pan || q.Expiry != expiry || q.Token == nil || *q.Token != p.TokenData || !q.Cryptogram.IsZero() ||
						q.Checked.Authentication != test.arqc || q.Amount != r.Amount {
						t.Errorf("the issuer sees %+v with token %+v", q, q.Token)
					}
				}
			})
		}
	})
}

var remotePayments = []struct {
	name   string
	kind   token.Type
	change func(w *world, p *phone, r *messages.RemoteRequest)
	want   token.Response
	arqc   token.Authentication
	reason token.Reason
}{
	{"good", token.ECommerce, func(*world, *phone, *messages.RemoteRequest) {}, "00", token.ARQCVerified, token.ReasonIssuerApproved},
	{"a verification", token.ECommerce, func(w *world, p *phone, r *messages.RemoteRequest) {
		r.Condition, r.Amount = messages.AccountVerification, 0
		var err error
		r.Cryptogram.Cryptogram, err = emv.ApplicationCryptogram(p.cardKey, emv.RemoteInput(0, 840, 1, r.Cryptogram.Unpredictable))
		w.must(err)
	}, "00", token.ARQCVerified, token.ReasonIssuerApproved},
	{"another amount", token.ECommerce, func(_ *world, _ *phone, r *messages.RemoteRequest) { r.Amount++ }, "Q1", token.ARQCFailed, token.ReasonBadCryptogram},
	{"another currency", token.ECommerce, func(_ *world, _ *phone, r *messages.RemoteRequest) { r.Currency = "978" }, "Q1", token.ARQCFailed, token.ReasonBadCryptogram},
	{"another counter", token.ECommerce, func(_ *world, _ *phone, r *messages.RemoteRequest) { r.Cryptogram.ATC++ }, "Q1", token.ARQCFailed, token.ReasonBadCryptogram},
	{"another phone's", token.ECommerce, func(w *world, p *phone, r *messages.RemoteRequest) {
		r.Cryptogram = w.signedRemote(w.secondPhone(p), 1).Cryptogram
	}, "Q1", token.ARQCFailed, token.ReasonOtherPhone},
	{"none", token.ECommerce, func(_ *world, _ *phone, r *messages.RemoteRequest) { r.Cryptogram = emv.Remote{} }, "Q1", "", token.ReasonNoCryptogram},
	{"another expiry date", token.ECommerce, func(_ *world, _ *phone, r *messages.RemoteRequest) { r.Expiry = expiry }, "54", "", token.ReasonWrongExpiry},
	{"another requestor", token.ECommerce, func(_ *world, _ *phone, r *messages.RemoteRequest) { r.Requestor = "40010099999" }, "58", "", token.ReasonWrongRequestor},
	{"suspended", token.ECommerce, func(w *world, p *phone, _ *messages.RemoteRequest) { w.step(p, token.Suspend) }, "62", "", token.ReasonTokenSuspended},
	{"on file, none", token.CardOnFile, func(_ *world, _ *phone, r *messages.RemoteRequest) { r.Cryptogram = emv.Remote{} }, "00", "", token.ReasonIssuerApproved},
	{"on file, good", token.CardOnFile, func(*world, *phone, *messages.RemoteRequest) {}, "00", token.ARQCVerified, token.ReasonIssuerApproved},
	{"on file, another merchant", token.CardOnFile, func(_ *world, _ *phone, r *messages.RemoteRequest) {
		r.Acceptor, r.Cryptogram = "ANOTHERMERCHANT", emv.Remote{}
	}, "58", "", token.ReasonWrongMerchant},
	{"a phone's token", token.SecureElement, func(*world, *phone, *messages.RemoteRequest) {}, "58", "", token.ReasonOutsideDomain},
}
