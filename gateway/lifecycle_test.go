package gateway_test

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/specs"
	"github.com/firsttap/firsttap/token"
	"github.com/firsttap/firsttap/vault"
)

// in makes a fresh token in a state. A suspended one was suspended by its
// requestor.
func (w *world) in(status token.Status) *phone {
	w.Helper()
	if status == token.Inactive {
		return w.waiting(token.ByPasscode)
	}
	p := w.activated()
	switch status {
	case token.Suspended:
		w.updated(w.wallet, w.wish(p.Reference, token.NoticeSuspended), token.Approved)
	case token.Deactivated:
		w.updated(w.wallet, w.wish(p.Reference, token.NoticeDeactivated), token.Approved)
	}
	return p
}

// wishes are all reasons of a 0302 and, for each state of a token, what they
// come to when the party that may wish it does: the state after it, or the
// response.
var wishes = []struct {
	reason token.NoticeReason
	by     string // initials of requestor, issuer and operator: who may
	after  map[token.Status]string
}{
	{token.NoticeDeactivated, "RIO", map[token.Status]string{"I": "D", "A": "D", "S": "D", "D": "46"}},
	{token.NoticeSuspended, "RIO", map[token.Status]string{"I": "12", "A": "S", "S": "12", "D": "46"}},
	{token.NoticeResumed, "RIO", map[token.Status]string{"I": "12", "A": "12", "S": "A", "D": "46"}},
	{token.NoticeTried, "R", map[token.Status]string{"I": "A", "A": "12", "S": "12", "D": "46"}},
	{token.NoticePasscode, "R", map[token.Status]string{"I": "I", "A": "12", "S": "12", "D": "46"}},
	{token.NoticeCallCentre, "I", map[token.Status]string{"I": "A", "A": "12", "S": "12", "D": "46"}},
	{token.NoticeIssuerApp, "I", map[token.Status]string{"I": "A", "A": "12", "S": "12", "D": "46"}},
	{token.NoticeExpiry, "I", map[token.Status]string{"I": "I", "A": "A", "S": "S", "D": "46"}},
	{token.NoticeReplaced, "I", map[token.Status]string{"I": "I", "A": "A", "S": "S", "D": "46"}},
}

// full is a wish with all that its reason needs.
func (w *world) full(p *phone, reason token.NoticeReason) *messages.FileUpdate {
	r := w.wish(p.Reference, reason)
	switch reason {
	case token.NoticeTried:
		r.Code = w.passcodes.Passcode(p.Reference, 1)
	case token.NoticeExpiry:
		r.PANExpiry = card.MustExpiry("3301")
	case token.NoticeReplaced:
		r.PAN, r.PANExpiry, r.Sequence = w.account(cardRange), card.MustExpiry("3301"), 1
	}
	return r
}

// TestWhoMayDoWhat is the core's table over the wire: every party, every
// reason, every state.
func TestWhoMayDoWhat(t *testing.T) {
	inBothProfiles(t, func(t *testing.T, profile func(*settings)) {
		w := newWorld(t, whole, profile)
		parties := []struct {
			initial string
			asker
		}{{"R", w.wallet}, {"I", w.issuer}, {"O", w.operator}}
		for _, wish := range wishes {
			for _, status := range token.Statuses {
				for _, by := range parties {
					t.Run(fmt.Sprintf("%s by %s, %s", wish.reason, by.initial, status), func(t *testing.T) {
						p := w.in(status)
						w.wantAllSent()
						told := len(w.issuer.notices(wish.reason))
						after := wish.after[status]
						if !bytes.Contains([]byte(wish.by), []byte(by.initial)) {
							after = string(token.InvalidTransaction)
						}
						w.wantWish(p, by.asker, w.full(p, wish.reason), status, after, by.initial != "R")
						w.wantAllSent()
						if n := len(w.issuer.notices(wish.reason)) - told; (n == 1) != (len(after) == 1) || n > 1 {
							t.Errorf("the issuer is told %d times", n)
						}
					})
				}
			}
		}
	})
}

// wantWish wants what comes of a wish: a state, or a response with which
// nothing changes.
func (w *world) wantWish(p *phone, by asker, r *messages.FileUpdate, before token.Status, after string, withPAN bool) {
	w.Helper()
	if len(after) == 2 {
		if a := w.updated(by, r, token.Response(after)); a.Token != nil || !a.PAN.IsZero() || a.Additional.AnsweredBy != token.ByNetwork {
			w.Errorf("a refusal tells %+v", a)
		}
		if is := w.tokenOf(p.Reference); is.Status != before || is.PAN != p.pan || is.PANExpiry != expiry {
			w.Errorf("what was refused made the token %+v", is)
		}
		return
	}
	a := w.updated(by, r, token.Approved)
	is := w.tokenOf(p.Reference)
	if a.Token == nil || *a.Token != messages.TokenDataOf(is) || string(is.Status) != after || a.TransactionID != is.TransactionID {
		w.Errorf("answered with %+v of a token that is %+v", a, is)
	}
	if a.PAN.IsZero() == withPAN || withPAN && (a.PAN != is.PAN || a.PANExpiry != is.PANExpiry) {
		w.Errorf("the PAN that is told is %v", a.PAN)
	}
}

func TestInquiries(t *testing.T) {
	inBothProfiles(t, func(t *testing.T, profile func(*settings)) {
		w := newWorld(t, whole, profile)
		for _, status := range token.Statuses {
			p := w.in(status)
			for name, by := range map[string]asker{"R": w.wallet, "I": w.issuer, "O": w.operator} {
				w.wantWish(p, by, w.inquiry(p.Reference), status, string(status), name != "R")
				numbered := w.inquiry("")
				numbered.Number = p.Number
				w.wantWish(p, by, numbered, status, string(status), name != "R")
			}
		}
	})
}

// TestTokensOfOthers holds that nobody learns of a token that is not his.
func TestTokensOfOthers(t *testing.T) {
	w := newWorld(t, whole)
	p, other := w.activated(), w.activated()
	foreign := func(r *messages.FileUpdate) *messages.FileUpdate {
		r.Requestor = "40010099999"
		return r
	}
	both := func(r *messages.FileUpdate, number card.PAN) *messages.FileUpdate {
		r.Number = number
		return r
	}
	for name, test := range map[string]struct {
		by asker
		r  func(reason token.NoticeReason) *messages.FileUpdate
	}{
		"another requestor": {w.wallet, func(n token.NoticeReason) *messages.FileUpdate { return foreign(w.wish(p.Reference, n)) }},
		"a requestor that names none": {w.wallet, func(n token.NoticeReason) *messages.FileUpdate {
			r := w.wish(p.Reference, n)
			r.Requestor = ""
			return r
		}},
		"a provider, who is asked for no name": {w.provider, func(n token.NoticeReason) *messages.FileUpdate {
			return w.wish(p.Reference, n)
		}},
		"another issuer":                 {w.other, func(n token.NoticeReason) *messages.FileUpdate { return w.wish(p.Reference, n) }},
		"no such reference":              {w.operator, func(n token.NoticeReason) *messages.FileUpdate { return w.wish(broughtReference, n) }},
		"no such number":                 {w.issuer, func(n token.NoticeReason) *messages.FileUpdate { return both(w.wish("", n), w.account(tokenRange)) }},
		"number and reference disagree":  {w.operator, func(n token.NoticeReason) *messages.FileUpdate { return both(w.wish(p.Reference, n), other.Number) }},
		"the issuer's own, and disagree": {w.issuer, func(n token.NoticeReason) *messages.FileUpdate { return both(w.wish(p.Reference, n), other.Number) }},
	} {
		t.Run(name, func(t *testing.T) {
			w.wantWish(p, test.by, test.r(token.NoticeSuspended), token.Active, "25", false)
			inquiry := test.r("")
			inquiry.Action = messages.FileInquiry
			w.wantWish(p, test.by, inquiry, token.Active, "25", false)
		})
	}
	agreed := both(w.wish(p.Reference, token.NoticeSuspended), p.Number)
	w.wantWish(p, w.wallet, agreed, token.Active, "S", false)
}

// TestResumeNeedsAsMuchSay holds that only who has as much say as who
// suspended a token may resume it.
func TestResumeNeedsAsMuchSay(t *testing.T) {
	w := newWorld(t, whole)
	say := []struct {
		name string
		by   asker
	}{{"requestor", w.wallet}, {"issuer", w.issuer}, {"operator", w.operator}}
	for above, suspended := range say {
		for below, resumed := range say {
			t.Run(suspended.name+" suspends, "+resumed.name+" resumes", func(t *testing.T) {
				p := w.activated()
				w.updated(suspended.by, w.wish(p.Reference, token.NoticeSuspended), token.Approved)
				w.wantTap(p, token.RestrictedCard)
				if below < above {
					a := w.updated(resumed.by, w.wish(p.Reference, token.NoticeResumed), token.InvalidTransaction)
					w.wantReason(a.TransactionID, token.ReasonSuspendedAbove)
					w.wantTap(p, token.RestrictedCard)
					return
				}
				w.updated(resumed.by, w.wish(p.Reference, token.NoticeResumed), token.Approved)
				w.wantTap(p, token.Approved)
			})
		}
	}
}

// TestTheCardBehindAToken changes, and the issuer sees the new one with the
// next tap.
func TestTheCardBehindAToken(t *testing.T) {
	w := newWorld(t, whole)
	p := w.activated()
	w.wantTap(p, token.Approved)
	for n, reason := range []token.NoticeReason{token.NoticeExpiry, token.NoticeReplaced} {
		r := w.full(p, reason)
		a := w.updated(w.issuer, r, token.Approved)
		want := p.pan
		if reason == token.NoticeReplaced {
			want = r.PAN
		}
		if a.PAN != want || a.PANExpiry != r.PANExpiry || *a.Token != p.TokenData {
			t.Errorf("%s is answered with %+v", reason, a)
		}
		w.wantTap(p, token.Approved)
		taps := saw[*messages.TapRequest](w.issuer)
		if q := taps[len(taps)-1]; len(taps) != n+2 || q.Tap.Number != want || q.Tap.Expiry != r.PANExpiry || q.Tap.Sequence != r.Sequence {
			t.Errorf("after %s the issuer sees %+v", reason, q.Tap)
		}
		if told := w.untilTold(reason, 1); told.PAN != want || told.PANExpiry != r.PANExpiry || told.PANSequence != r.Sequence {
			t.Errorf("%s tells the issuer %+v", reason, told)
		}
	}
	foreign := w.full(p, token.NoticeReplaced)
	foreign.PAN = w.account(otherRange)
	w.updated(w.issuer, foreign, token.BadNumber)
	foreign.Trace, foreign.PAN = w.newTrace(), w.account("48953770")
	w.updated(w.issuer, foreign, token.BadNumber)
}

// TestRepeatedUpdates holds that the same 0302 again does nothing and hears the
// same, whatever became of the token since.
func TestRepeatedUpdates(t *testing.T) {
	inBothProfiles(t, func(t *testing.T, profile func(*settings)) {
		w := newWorld(t, whole, profile)
		for name, test := range map[string]struct {
			status token.Status
			reason token.NoticeReason
			by     interface {
				asker
				askRaw(m *specs.Message) *specs.Message
			}
			then token.NoticeReason
		}{
			"suspended, then resumed":          {token.Active, token.NoticeSuspended, w.wallet, token.NoticeResumed},
			"suspended, then deactivated":      {token.Active, token.NoticeSuspended, w.operator, token.NoticeDeactivated},
			"resumed, then suspended":          {token.Suspended, token.NoticeResumed, w.operator, token.NoticeSuspended},
			"activated, then deactivated":      {token.Inactive, token.NoticeTried, w.wallet, token.NoticeDeactivated},
			"a new passcode, then deactivated": {token.Inactive, token.NoticePasscode, w.wallet, token.NoticeDeactivated},
			"its expiry, then deactivated":     {token.Suspended, token.NoticeExpiry, w.issuer, token.NoticeDeactivated},
			"its PAN, then deactivated":        {token.Active, token.NoticeReplaced, w.issuer, token.NoticeDeactivated},
			"its PAN, then its PAN":            {token.Active, token.NoticeReplaced, w.issuer, token.NoticeReplaced},
			"refused, then suspended":          {token.Active, token.NoticeResumed, w.wallet, token.NoticeSuspended},
		} {
			t.Run(name, func(t *testing.T) {
				p := w.in(test.status)
				r := w.full(p, test.reason)
				first := test.by.askRaw(encode(t, r))
				by := asker(w.operator)
				if test.then == token.NoticeReplaced {
					by = w.issuer
				}
				w.updated(by, w.full(p, test.then), token.Approved)
				w.wantAllSent()
				told := len(w.issuer.notices(test.reason))
				is := w.tokenOf(p.Reference)
				again := *r
				again.Trace = later(r.Trace)
				repeated := test.by.askRaw(encode(t, &again))
				if got, want := withoutTimes(t, repeated), withoutTimes(t, first); !bytes.Equal(got, want) {
					t.Errorf("the repeat is answered differently:\n%s", cmp.Diff(want, got))
				}
				if now := w.tokenOf(p.Reference); now != is {
					t.Errorf("the repeat made the token %+v", now)
				}
				again.Number = p.Number
				if a := as[*messages.FileUpdateAnswer](t, test.by.ask(&again)); a.Response != token.DuplicateTrace {
					t.Errorf("the same trace with other content gets %s", a.Response)
				}
				w.wantAllSent()
				if n := len(w.issuer.notices(test.reason)); n != told {
					t.Errorf("the issuer is told again")
				}
			})
		}
	})
}

// TestNoticesAreRetriedForEveryReason loses every first 0630: each notice comes
// twice, with the same 62.2 and reason, and then no more.
func TestNoticesAreRetriedForEveryReason(t *testing.T) {
	w := newWorld(t, whole)
	for _, wish := range wishes {
		status := token.Active
		for _, s := range token.Statuses {
			if len(wish.after[s]) == 1 {
				status = s
			}
		}
		t.Run(string(wish.reason), func(t *testing.T) {
			p := w.in(status)
			w.wantAllSent()
			before := len(w.issuer.notices(wish.reason))
			w.issuer.follow(losing(wish.reason))
			by := asker(w.issuer)
			if wish.by != "I" {
				by = w.wallet
			}
			w.updated(by, w.full(p, wish.reason), token.Approved)
			first := w.untilTold(wish.reason, before+1)
			w.until("it is postponed", func() bool {
				due := w.due(w.clock.Now().Add(never))
				return len(due) == 1 && due[0].Tries == 1
			})
			w.issuer.follow(responding(token.Approved))
			w.clock.forward(time.Minute)
			w.gateway.WakeNotices()
			second := w.untilTold(wish.reason, before+2)
			if second.TransactionID != first.TransactionID || second.Token != first.Token || second.Reason != first.Reason {
				t.Errorf("the second try says %+v", second)
			}
			w.wantAllSent()
			w.clock.forward(never)
			w.gateway.WakeNotices()
			w.untilTold(wish.reason, before+2)
			if acknowledged := w.trail(vault.EventNoticeAcknowledged); len(acknowledged) == 0 {
				t.Error("the trail knows of no acknowledgement")
			}
		})
	}
}

// TestProvisioningResult is the notice that the door of phones queues.
func TestProvisioningResult(t *testing.T) {
	inBothProfiles(t, func(t *testing.T, profile func(*settings)) {
		w := newWorld(t, profile)
		p := w.activated()
		id := w.tokenOf(p.Reference).TransactionID
		for range 2 { // the same again is one
			w.must(w.store.Notify(t.Context(), token.Notice{
				Reason: token.NoticeProvisioned, TransactionID: id, Reference: p.Reference, Result: "00",
			}, w.clock.Now()))
			w.gateway.WakeNotices()
			w.wantAllSent()
		}
		if n := w.untilTold(token.NoticeProvisioned, 1); n.Result != "00" || n.TransactionID != id || n.Token != p.TokenData || n.PAN != p.pan {
			t.Errorf("the issuer is told %+v", n)
		}
	})
}

// losing answers a notice for a reason with a malfunction.
func losing(reason token.NoticeReason) script {
	return func(ctx context.Context, question messages.Message, raw *specs.Message) *specs.Message {
		if n, ok := question.(*messages.Notification); ok && n.Reason == reason {
			return messages.Refusal(raw, string(token.Malfunction))
		}
		return responding(token.Approved)(ctx, question, raw)
	}
}
