package gateway_test

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/emv"
	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/specs"
	"github.com/firsttap/firsttap/token"
	"github.com/firsttap/firsttap/vault"
)

// waiting is a phone whose token waits for its step-up.
func (w *world) waiting(method token.Method) *phone {
	w.Helper()
	w.issuer.follow(steppingUp(method))
	defer w.issuer.follow(responding(token.Approved))
	a := w.wallet.activate(goodActivation(w))
	if a.Outcome.Response != token.StepUp || a.Token == nil || a.Token.Status != token.Inactive || a.Method != method {
		w.Fatalf("39=%s, token %+v, method %q", a.Outcome.Response, a.Token, a.Method)
	}
	return &phone{TokenData: *a.Token, pan: w.tokenOf(a.Token.Reference).PAN, cardKey: emv.CardKey(w.keys.token, a.Token.Number, card.Sequence(1))}
}

// try types a passcode.
func (w *world) try(p *phone, code token.ActivationCode) *messages.FileUpdate {
	r := w.wish(p.Reference, token.NoticeTried)
	r.Code = code
	return r
}

// wrong is a passcode that is not right.
func (w *world) wrong(right token.ActivationCode) token.ActivationCode {
	w.Helper()
	digits := []byte(right.Reveal())
	digits[0] = '0' + (digits[0]-'0'+1)%10
	code, err := token.ParseActivationCode(string(digits))
	w.must(err)
	return code
}

// wantTap wants the next tap of a phone to be answered so.
func (w *world) wantTap(p *phone, want token.Response) {
	w.Helper()
	if a := w.merchant.tap(w.tapOf(p)); a.Outcome.Response != want {
		w.Errorf("a tap gets 39=%s, not %s", a.Outcome.Response, want)
	}
}

// TestStepUps goes each way by which a token that waits becomes active.
func TestStepUps(t *testing.T) {
	inBothProfiles(t, func(t *testing.T, profile func(*settings)) {
		w := newWorld(t, profile)
		for name, test := range map[string]struct {
			method token.Method
			reason token.NoticeReason
			by     asker
		}{
			"passcode":              {token.ByPasscode, token.NoticeTried, w.wallet},
			"passcode, by default":  {"", token.NoticeTried, w.wallet},
			"the issuer's callers":  {token.ByCallCentre, token.NoticeCallCentre, w.issuer},
			"the issuer's app":      {token.ByIssuerApp, token.NoticeIssuerApp, w.issuer},
			"the app, for passcode": {token.ByPasscode, token.NoticeIssuerApp, w.issuer},
		} {
			t.Run(name, func(t *testing.T) {
				brought := len(w.issuer.notices(token.NoticePasscode))
				told := len(w.issuer.notices(test.reason))
				p := w.waiting(test.method)
				w.wantTap(p, token.NotYetActive)
				r := w.wish(p.Reference, test.reason)
				if test.method == token.ByPasscode || test.method == "" {
					n := w.untilTold(token.NoticePasscode, brought+1)
					if n.Token.Reference != p.Reference || n.PAN != p.pan || n.Method != token.ByPasscode ||
						!n.CodeExpires.Equal(w.clock.Now().Add(token.PasscodeFor)) {
						t.Errorf("the issuer got %+v", n)
					}
					r.Code = n.Code
				} else if w.wantAllSent(); len(w.issuer.notices(token.NoticePasscode)) != brought {
					t.Error("the issuer got a passcode that nobody asked for")
				}
				if test.reason != token.NoticeTried {
					r.Code = token.ActivationCode{}
				}
				a := w.updated(test.by, r, token.Approved)
				if a.Token == nil || a.Token.Status != token.Active || a.TransactionID != w.tokenOf(p.Reference).TransactionID {
					t.Errorf("answered with %+v", a)
				}
				w.wantTap(p, token.Approved)
				n := w.untilTold(test.reason, told+1)
				if result := n.Result; (result == token.PasscodeRight) != (test.reason == token.NoticeTried) || n.Token.Status != token.Active {
					t.Errorf("the issuer is told result %q, status %s", result, n.Token.Status)
				}
				w.updated(test.by, w.again(r), token.InvalidTransaction) // it waits no more
			})
		}
	})
}

// again is a file update asked anew.
func (w *world) again(r *messages.FileUpdate) *messages.FileUpdate {
	other := *r
	other.Trace = w.newTrace()
	return &other
}

func TestWrongPasscodes(t *testing.T) {
	w := newWorld(t)
	p := w.waiting(token.ByPasscode)
	right := w.untilTold(token.NoticePasscode, 1).Code
	var first *messages.FileUpdate
	for n := range token.PasscodeTriesMax {
		r := w.try(p, w.wrong(right))
		if n == 0 {
			first = r
		}
		if a := w.updated(w.wallet, r, token.VerificationFailed); a.Token != nil {
			t.Errorf("a wrong passcode tells of %+v", a.Token)
		}
		want := token.PasscodeWrong
		if n == token.PasscodeTriesMax-1 {
			want = token.PasscodesTried
		}
		if told := w.untilTold(token.NoticeTried, n+1); told.Result != want || told.Token.Status != token.Inactive {
			t.Errorf("try %d: the issuer is told %q", n+1, told.Result)
		}
	}
	w.updated(w.wallet, w.try(p, right), token.TriesExceeded)
	w.updated(w.wallet, first, token.VerificationFailed) // the repeat of the first hears the same
	w.wantTap(p, token.NotYetActive)

	another := w.updated(w.wallet, w.wish(p.Reference, token.NoticePasscode), token.Approved)
	if another.Token == nil || another.Token.Status != token.Inactive {
		t.Errorf("another passcode: %+v", another)
	}
	second := w.untilTold(token.NoticePasscode, 2).Code
	if second == right {
		t.Error("the second passcode is the first")
	}
	w.updated(w.wallet, w.try(p, right), token.VerificationFailed)
	w.untilTold(token.NoticeTried, token.PasscodeTriesMax+1) // one that still waits is overtaken by the next
	w.updated(w.wallet, w.try(p, second), token.Approved)
	w.wantTap(p, token.Approved)
	w.wantAllSent()
	if told := w.issuer.notices(token.NoticeTried); len(told) != token.PasscodeTriesMax+2 {
		t.Errorf("the issuer was told of %d tries", len(told))
	}
	for _, code := range []token.ActivationCode{right, second, w.wrong(right)} {
		if text := w.log.text(); strings.Contains(text, `"`+code.Reveal()+`"`) || strings.Contains(text, "="+code.Reveal()) {
			t.Error("the log shows a passcode")
		}
	}
}

// TestOneTryFewerThanTooMany is the right passcode in the last try.
func TestOneTryFewerThanTooMany(t *testing.T) {
	w := newWorld(t)
	p := w.waiting(token.ByPasscode)
	right := w.untilTold(token.NoticePasscode, 1).Code
	for range token.PasscodeTriesMax - 1 {
		w.updated(w.wallet, w.try(p, w.wrong(right)), token.VerificationFailed)
	}
	w.updated(w.wallet, w.try(p, right), token.Approved)
}

func TestPasscodesExpire(t *testing.T) {
	for name, test := range map[string]struct {
		after time.Duration
		want  token.Response
	}{
		"in its last moment": {token.PasscodeFor - 1, token.Approved},
		"too old":            {token.PasscodeFor, token.VerificationFailed},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			p := w.waiting(token.ByPasscode)
			right := w.untilTold(token.NoticePasscode, 1).Code
			w.clock.forward(test.after)
			a := w.updated(w.wallet, w.try(p, right), test.want)
			if test.want == token.Approved {
				return
			}
			w.wantReason(a.TransactionID, token.ReasonPasscodeExpired)
			w.updated(w.wallet, w.wish(p.Reference, token.NoticePasscode), token.Approved)
			w.updated(w.wallet, w.try(p, w.untilTold(token.NoticePasscode, 2).Code), token.Approved)
		})
	}
}

func TestPasscodesAreDrawnSoOften(t *testing.T) {
	w := newWorld(t)
	p := w.waiting(token.ByPasscode)
	for range token.PasscodesMax - 1 {
		w.updated(w.wallet, w.wish(p.Reference, token.NoticePasscode), token.Approved)
	}
	w.updated(w.wallet, w.wish(p.Reference, token.NoticePasscode), token.TriesExceeded)
	w.wantAllSent() // those that were overtaken are not brought
	if drawn := w.tokenOf(p.Reference).Passcode.Number; drawn != token.PasscodesMax {
		t.Errorf("%d passcodes were drawn", drawn)
	}
	p = w.waiting(token.ByCallCentre)
	w.updated(w.wallet, w.try(p, w.passcodes.Passcode(p.Reference, 1)), token.InvalidTransaction)
}

// TestPasscodesThatAreOvertaken are not brought to an issuer that was away, when
// the token is active or has another one.
func TestPasscodesThatAreOvertaken(t *testing.T) {
	for name, test := range map[string]struct {
		overtake func(w *world, p *phone)
		brought  int
	}{
		"activated": {func(w *world, p *phone) {
			w.updated(w.issuer, w.wish(p.Reference, token.NoticeIssuerApp), token.Approved)
		}, 0},
		"another drawn": {func(w *world, p *phone) {
			w.updated(w.wallet, w.wish(p.Reference, token.NoticePasscode), token.Approved)
		}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.issuer.follow(func(ctx context.Context, question messages.Message, raw *specs.Message) *specs.Message {
				if _, ok := question.(*messages.Notification); ok {
					return losing(token.NoticePasscode)(ctx, question, raw)
				}
				return steppingUp(token.ByPasscode)(ctx, question, raw)
			})
			a := w.wallet.activate(goodActivation(w))
			w.untilTold(token.NoticePasscode, 1)
			w.until("it is postponed", func() bool { return len(w.due(w.clock.Now())) == 0 })
			test.overtake(w, &phone{TokenData: *a.Token})
			before := len(w.issuer.notices(token.NoticePasscode))
			w.issuer.follow(responding(token.Approved))
			w.untilAllSent()
			brought := w.issuer.notices(token.NoticePasscode)
			if len(brought)-before > test.brought {
				t.Errorf("%d passcodes are brought at last", len(brought)-before)
			}
			if last := brought[len(brought)-1]; test.brought == 1 && last.Code != w.passcodes.Passcode(a.Token.Reference, 2) {
				t.Error("the last one is not that which was drawn last")
			}
		})
	}
}

// TestAnotherTokensPasscode and a code without a key are no step-up.
func TestAnotherTokensPasscode(t *testing.T) {
	w := newWorld(t)
	one, other := w.waiting(token.ByPasscode), w.waiting(token.ByPasscode)
	w.updated(w.wallet, w.try(one, w.passcodes.Passcode(other.Reference, 1)), token.VerificationFailed)
	w.updated(w.wallet, w.try(one, w.passcodes.Passcode(one.Reference, 2)), token.VerificationFailed)
	w.updated(w.wallet, w.try(one, w.passcodes.Passcode(one.Reference, 1)), token.Approved)
}

// TestRepeatsOfAWaitingActivation hear what was said, whatever became of the
// token since.
func TestRepeatsOfAWaitingActivation(t *testing.T) {
	inBothProfiles(t, func(t *testing.T, profile func(*settings)) {
		w := newWorld(t, profile)
		for name, then := range map[string]func(p messages.TokenData){
			"nothing": func(messages.TokenData) {},
			"activated": func(p messages.TokenData) {
				w.updated(w.issuer, w.wish(p.Reference, token.NoticeIssuerApp), token.Approved)
			},
			"deactivated": func(p messages.TokenData) {
				w.updated(w.wallet, w.wish(p.Reference, token.NoticeDeactivated), token.Approved)
			},
			"its card replaced": func(p messages.TokenData) {
				r := w.wish(p.Reference, token.NoticeReplaced)
				r.PAN, r.PANExpiry = w.account(cardRange), card.MustExpiry("3301")
				w.updated(w.issuer, r, token.Approved)
			},
		} {
			t.Run(name, func(t *testing.T) {
				w.issuer.follow(steppingUp(token.ByPasscode))
				r := goodActivation(w)
				first := w.wallet.askRaw(encode(t, r))
				answer, err := messages.Decode(first)
				w.must(err)
				then(*as[*messages.ActivationAnswer](t, answer).Token)
				again := w.wallet.askRaw(encode(t, repeatOf(r)))
				if got, want := withoutTimes(t, again), withoutTimes(t, first); !bytes.Equal(got, want) {
					t.Errorf("the repeat is answered differently:\n%s", cmp.Diff(want, got))
				}
				other := repeatOf(r).(*messages.ActivationRequest)
				other.Activation.Device.Name = "another phone"
				if a := w.wallet.askRaw(encode(t, other)); a.Text(specs.P(39)) != "94" {
					t.Errorf("the same key with other content gets %s", a.Text(specs.P(39)))
				}
			})
		}
		if asked := len(saw[*messages.ActivationRequest](w.issuer)); asked != 4 {
			t.Errorf("the issuer was asked %d times", asked)
		}
	})
}

// TestRed is the issuer's no: there is no token, whichever it says.
func TestRed(t *testing.T) {
	w := newWorld(t)
	for _, word := range []token.Response{token.DoNotHonour, token.ClosedAccount} {
		w.issuer.follow(responding(word))
		a := w.wallet.activate(goodActivation(w))
		if a.Outcome.Response != word || a.Outcome.Additional.AnsweredBy != token.ByIssuer || a.Token != nil || a.Method != "" {
			t.Errorf("39=%s, token %v", a.Outcome.Response, a.Token)
		}
	}
	w.wantTokens(0)
	w.wantAllSent()
	if told := len(saw[*messages.Advice](w.issuer)) + len(saw[*messages.Reversal](w.issuer)) + len(saw[*messages.Notification](w.issuer)); told != 0 {
		t.Errorf("the issuer was told %d times", told)
	}
	if drawn := w.trail(vault.EventTokenChanged); len(drawn) != 0 {
		t.Errorf("the trail says %+v", drawn)
	}
}
