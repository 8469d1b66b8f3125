package token_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/token"
)

var secrets = cmpopts.EquateComparable(card.PAN{}, card.Expiry{})

func passcodeKey(t failer) token.PasscodeKey {
	t.Helper()
	key, err := token.NewPasscodeKey([]byte("the key of the passcodes, 32 by."))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func waiting() token.Token {
	t := active()
	t.Status, t.Passcode = token.Inactive, token.Passcode{Number: 1, Expires: now.Add(token.PasscodeFor)}
	return t
}

func inThe(s token.Status) token.Token {
	t := active()
	t.Status = s
	if s == token.Inactive {
		return waiting()
	}
	return t
}

// by is a wish of a party whose token it is.
func by(party token.Party, reason token.NoticeReason) token.Wish {
	return token.Wish{
		By: party, Requestor: active().Requestor, Issuer: active().Issuer, Reason: reason,
		PAN: card.MustPAN("4761739001010028"), PANExpiry: card.MustExpiry("3304"), PANIssuer: active().Issuer,
	}
}

// What each party may wish of a token in each state: the response, in the
// order inactive, active, suspended, deactivated.
func TestGrant(t *testing.T) {
	reasons := []token.NoticeReason{"3700", "3701", "3702", "3703", "3711", "3712", "3713", "3714", "3715", "3720", "3721", ""}
	never := []token.Response{"12", "12", "12", "12"}
	end := []token.Response{"00", "00", "00", "46"}
	stop := []token.Response{"12", "00", "12", "46"}
	goOn := []token.Response{"12", "12", "00", "46"}
	wake := []token.Response{"00", "12", "12", "46"}
	change := []token.Response{"00", "00", "00", "46"}
	table := map[token.Party]map[token.NoticeReason][]token.Response{
		token.Requestor: {"3701": end, "3702": stop, "3703": goOn, "3712": {"6P", "12", "12", "46"}, "3715": wake},
		token.Issuer:    {"3701": end, "3702": stop, "3703": goOn, "3713": wake, "3714": wake, "3720": change, "3721": change},
		token.Operator:  {"3701": end, "3702": stop, "3703": goOn},
		token.Network:   {},
	}
	if len(table) != len(token.Parties) {
		t.Fatal("the table does not hold every party")
	}
	for _, party := range token.Parties {
		for _, reason := range reasons {
			want := table[party][reason]
			if want == nil {
				want = never
			}
			for i, status := range token.Statuses {
				got := token.Grant(by(party, reason), inThe(status), passcodeKey(t), now)
				if response := got.Outcome(inThe(status)).Response; response != want[i] {
					t.Errorf("%s wishes %s of a token that is %s: %s (%s), want %s", party, reason, status.Word(), response, got.Reason, want[i])
				}
				if changes := got.Change != nil; changes != (want[i] == "00" || want[i] == "6P") {
					t.Errorf("%s wishes %s of a token that is %s: changes %t", party, reason, status.Word(), changes)
				}
			}
		}
	}
}

// Whose token it is comes first: others learn nothing but that it is not found.
func TestGrantToOthers(t *testing.T) {
	for _, c := range []struct {
		change func(*token.Wish)
		want   token.Response
	}{
		{func(w *token.Wish) { w.By, w.Requestor = token.Requestor, "40010030274" }, "25"},
		{func(w *token.Wish) { w.By, w.Issuer = token.Issuer, "second" }, "25"},
		{func(w *token.Wish) { w.By, w.Requestor = token.Requestor, "" }, "25"},
		{func(w *token.Wish) { w.By, w.Issuer, w.Requestor = token.Operator, "", "" }, "00"},
		{func(w *token.Wish) { w.By, w.Requestor = token.Issuer, "40010030274" }, "00"},
	} {
		for _, inquiry := range []bool{false, true} {
			w := by("", token.NoticeSuspended)
			w.Inquiry = inquiry
			c.change(&w)
			if got := token.Grant(w, active(), passcodeKey(t), now).Outcome(active()).Response; got != c.want {
				t.Errorf("%s, inquiry %t: %s, want %s", w.By, inquiry, got, c.want)
			}
		}
	}
	unknown := token.Grant(by(token.Operator, token.NoticeSuspended), token.Token{}, passcodeKey(t), now)
	if unknown.Decline != "25" || unknown.Reason != token.ReasonUnknownToken {
		t.Errorf("%+v", unknown)
	}
}

// An inquiry changes nothing, whatever the state.
func TestInquiry(t *testing.T) {
	for _, status := range token.Statuses {
		w := by(token.Issuer, "")
		w.Inquiry = true
		if got := token.Grant(w, inThe(status), passcodeKey(t), now); got != (token.Granting{Reason: token.ReasonDone}) {
			t.Errorf("%s: %+v", status.Word(), got)
		}
	}
}

// TestOutcomeTellsTheStateAfterIt, which a repeat hears again.
func TestOutcomeTellsTheStateAfterIt(t *testing.T) {
	for _, c := range []struct {
		in   token.Status
		wish token.NoticeReason
		want token.Status
	}{
		{token.Active, token.NoticeSuspended, token.Suspended},
		{token.Suspended, token.NoticeResumed, token.Active},
		{token.Suspended, token.NoticeDeactivated, token.Deactivated},
		{token.Active, token.NoticeResumed, ""}, // refused
	} {
		is := inThe(c.in)
		if o := token.Grant(by(token.Operator, c.wish), is, passcodeKey(t), now).Outcome(is); o.Status != c.want {
			t.Errorf("%s of a token that is %s: %q, not %q", c.wish, c.in.Word(), o.Status, c.want)
		}
	}
	inquiry := by(token.Operator, "")
	inquiry.Inquiry = true
	if o := token.Grant(inquiry, active(), passcodeKey(t), now).Outcome(active()); o.Status != "" || !o.Approved() {
		t.Errorf("an inquiry: %+v", o)
	}
}

// Who suspended a token, and who may resume it.
func TestResume(t *testing.T) {
	may := map[token.Party][]token.Party{
		token.Requestor: {token.Requestor},
		token.Issuer:    {token.Requestor, token.Issuer},
		token.Operator:  {token.Requestor, token.Issuer, token.Operator},
		token.Network:   token.Parties,
	}
	for _, who := range token.Parties {
		for _, suspender := range token.Parties {
			suspended, err := active().Apply(token.Change{Event: token.Suspend, By: suspender})
			if err != nil || suspended.SuspendedBy != suspender {
				t.Fatalf("%s suspends: %+v, %v", suspender, suspended, err)
			}
			resumed, err := suspended.Apply(token.Change{Event: token.Resume, By: who})
			if want := slices.Contains(may[who], suspender); (err == nil) != want || want && resumed != active() {
				t.Errorf("%s resumes what %s suspended: %v", who, suspender, err)
			}
		}
	}
	suspended, _ := active().Apply(token.Change{Event: token.Suspend, By: token.Issuer})
	got := token.Grant(by(token.Requestor, token.NoticeResumed), suspended, passcodeKey(t), now)
	if got.Decline != "12" || got.Reason != token.ReasonSuspendedAbove {
		t.Errorf("%+v", got)
	}
}

// try is a passcode that a requestor sends; wrong is off by one.
func try(t failer, of token.Token, wrong bool) token.Wish {
	t.Helper()
	w := by(token.Requestor, token.NoticeTried)
	digits := []byte(passcodeKey(t).Passcode(of.Reference, of.Passcode.Number).Reveal())
	if wrong {
		digits[5] = '0' + (digits[5]-'0'+1)%10
	}
	code, err := token.ParseActivationCode(string(digits))
	if err != nil {
		t.Fatal(err)
	}
	w.Code = code
	return w
}

func TestPasscodes(t *testing.T) {
	spent := waiting()
	spent.Passcode.Tries = token.PasscodeTriesMax
	last := waiting()
	last.Passcode.Tries = token.PasscodeTriesMax - 1
	none := waiting()
	none.Passcode = token.Passcode{}
	fail := func(of token.Token) *token.Change {
		return &token.Change{Reference: of.Reference, Event: token.FailPasscode, By: token.Requestor, Reason: "3712", PasscodeNumber: 1}
	}
	right := &token.Change{Reference: waiting().Reference, Event: token.Activate, By: token.Requestor, Reason: "3712", PasscodeNumber: 1}
	for _, c := range []struct {
		what  string
		of    token.Token
		wrong bool
		at    time.Time
		want  token.Granting
	}{
		{"right", waiting(), false, now, token.Granting{Reason: token.ReasonDone, Change: right}},
		{"right at the last moment", waiting(), false, now.Add(token.PasscodeFor - 1), token.Granting{Reason: token.ReasonDone, Change: right}},
		{"right at the last try", last, false, now, token.Granting{Reason: token.ReasonDone, Change: right}},
		{"wrong", waiting(), true, now, token.Granting{Decline: "6P", Reason: token.ReasonPasscodeWrong, Change: fail(waiting())}},
		{"wrong at the last try", last, true, now, token.Granting{Decline: "6P", Reason: token.ReasonPasscodeWrong, Change: fail(last)}},
		{"right after too many", spent, false, now, token.Granting{Decline: "75", Reason: token.ReasonPasscodesTried}},
		{"right and expired", waiting(), false, now.Add(token.PasscodeFor), token.Granting{Decline: "6P", Reason: token.ReasonPasscodeExpired}},
		{"wrong and expired", waiting(), true, now.Add(token.PasscodeFor), token.Granting{Decline: "6P", Reason: token.ReasonPasscodeExpired}},
		{"of a token that waits for the call centre", none, false, now, token.Granting{Decline: "12", Reason: token.ReasonNoPasscode}},
	} {
		w := by(token.Requestor, token.NoticeTried)
		if c.of.Passcode.Number > 0 {
			w = try(t, c.of, c.wrong)
		}
		if d := cmp.Diff(c.want, token.Grant(w, c.of, passcodeKey(t), c.at), secrets); d != "" {
			t.Errorf("%s: %s", c.what, d)
		}
	}
	if got := token.Grant(try(t, waiting(), false), waiting(), token.PasscodeKey{}, now); got.Decline != "96" {
		t.Errorf("without a key: %+v", got)
	}
}

// Three passcodes may be drawn, each with three tries of its own; the digits of
// each are others.
func TestDrawnPasscodes(t *testing.T) {
	of, seen := waiting(), map[string]bool{}
	for number := 1; number <= token.PasscodesMax; number++ {
		if of.Passcode.Number != number || of.Passcode.Tries != 0 {
			t.Fatalf("%+v", of.Passcode)
		}
		seen[passcodeKey(t).Passcode(of.Reference, number).Reveal()] = true
		for range token.PasscodeTriesMax {
			got := token.Grant(try(t, of, true), of, passcodeKey(t), now)
			after, err := of.Apply(*got.Change)
			if err != nil {
				t.Fatal(err)
			}
			of = after
		}
		if _, err := of.Apply(token.Change{Event: token.FailPasscode, PasscodeNumber: number}); err == nil {
			t.Error("a fourth try is counted")
		}
		got := token.Grant(by(token.Requestor, token.NoticePasscode), of, passcodeKey(t), now)
		if number == token.PasscodesMax {
			if got.Decline != "75" || got.Reason != token.ReasonPasscodesDrawn || got.Change != nil {
				t.Errorf("a fourth passcode: %+v", got)
			}
			break
		}
		after, err := of.Apply(*got.Change)
		if err != nil || !after.Passcode.Expires.Equal(now.Add(token.PasscodeFor)) {
			t.Fatalf("%+v, %v", after.Passcode, err)
		}
		of = after
	}
	if len(seen) != token.PasscodesMax {
		t.Errorf("%d different passcodes", len(seen))
	}
}

// A passcode that was judged counts for itself only: another one drawn
// meanwhile is not touched.
func TestPasscodeOvertaken(t *testing.T) {
	of := waiting()
	of.Passcode.Number = 2
	for _, event := range []token.Event{token.Activate, token.FailPasscode} {
		if got, err := of.Apply(token.Change{Event: event, PasscodeNumber: 1}); err == nil || got != of {
			t.Errorf("%s by the first passcode: %+v", event, got)
		}
	}
	if _, err := of.Apply(token.Change{Event: token.FailPasscode}); err == nil {
		t.Error("a failure of no passcode is counted")
	}
}

// What Apply changes, and nothing else.
func TestApply(t *testing.T) {
	newPAN, newExpiry := card.MustPAN("4761739001010028"), card.MustExpiry("3304")
	for _, c := range []struct {
		from   token.Token
		change token.Change
		want   func(*token.Token)
	}{
		{waiting(), token.Change{Event: token.Activate}, func(t *token.Token) { t.Status, t.Passcode = token.Active, token.Passcode{} }},
		{waiting(), token.Change{Event: token.Deactivate}, func(t *token.Token) { t.Status, t.Passcode = token.Deactivated, token.Passcode{} }},
		{waiting(), token.Change{Event: token.FailPasscode, PasscodeNumber: 1}, func(t *token.Token) { t.Passcode.Tries = 1 }},
		{active(), token.Change{Event: token.UpdateExpiry, PANExpiry: newExpiry}, func(t *token.Token) { t.PANExpiry = newExpiry }},
		{
			active(),
			token.Change{Event: token.ReplacePAN, PAN: newPAN, PANSequence: 2, PANExpiry: newExpiry},
			func(t *token.Token) { t.PAN, t.PANSequence, t.PANExpiry = newPAN, 2, newExpiry },
		},
	} {
		want := c.from
		c.want(&want)
		got, err := c.from.Apply(c.change)
		if d := cmp.Diff(want, got, secrets); d != "" || err != nil {
			t.Errorf("%s: %v %s", c.change.Event, err, d)
		}
	}
}

func TestNoticesOfChanges(t *testing.T) {
	spent := waiting()
	spent.Passcode.Tries = token.PasscodeTriesMax
	for _, c := range []struct {
		change token.Change
		after  token.Token
		want   token.Notice
	}{
		{token.Change{Event: token.Suspend}, active(), token.Notice{Reason: "3702"}},
		{token.Change{Event: token.Activate, Reason: "3713"}, active(), token.Notice{Reason: "3713"}},
		{token.Change{Event: token.Activate, Reason: "3712", PasscodeNumber: 1}, active(), token.Notice{Reason: "3712", Result: token.PasscodeRight}},
		{token.Change{Event: token.FailPasscode, PasscodeNumber: 1}, waiting(), token.Notice{Reason: "3712", Result: token.PasscodeWrong}},
		{token.Change{Event: token.FailPasscode, PasscodeNumber: 1}, spent, token.Notice{Reason: "3712", Result: token.PasscodesTried}},
		{token.Change{Event: token.DrawPasscode}, waiting(), token.Notice{Reason: "3715", Passcode: 1}},
		{token.Change{Event: token.ReplacePAN}, active(), token.Notice{Reason: "3721"}},
	} {
		c.after.TransactionID, c.want.TransactionID, c.want.Reference = "532699887766554", "532699887766554", c.after.Reference
		if d := cmp.Diff(c.want, c.change.Notice(c.after)); d != "" {
			t.Errorf("%s: %s", c.change.Event, d)
		}
	}
}

func TestReplacePANOfAnotherIssuer(t *testing.T) {
	for _, issuer := range []string{"", "second"} {
		w := by(token.Issuer, token.NoticeReplaced)
		w.PANIssuer = issuer
		if got := token.Grant(w, active(), passcodeKey(t), now); got.Decline != "14" || got.Change != nil {
			t.Errorf("a PAN of %q: %+v", issuer, got)
		}
	}
}

func TestActivationCodes(t *testing.T) {
	for _, s := range []string{"", "123", "123456789", "12345a", "+12345", "12 345"} {
		if _, err := token.ParseActivationCode(s); err == nil {
			t.Errorf("%q is a passcode", s)
		}
	}
	for _, s := range []string{"0000", "12345678"} {
		code, err := token.ParseActivationCode(s)
		if err != nil || code.Reveal() != s || fmt.Sprintf("%v %+v %q %x %d", code, code, code, code, code) != "****** ****** ****** ****** ******" {
			t.Errorf("%q: %v %v", s, code, err)
		}
		if text, _ := code.MarshalText(); string(text) != "******" {
			t.Errorf("marshals as %s", text)
		}
	}
	for _, length := range []int{0, 31, 33} {
		if _, err := token.NewPasscodeKey(make([]byte, length)); err == nil {
			t.Errorf("%d bytes are a key", length)
		}
	}
	if !(token.PasscodeKey{}).Passcode("x", 1).IsZero() || !passcodeKey(t).Passcode("x", 0).IsZero() {
		t.Error("no key or no number gives a passcode")
	}
	// HMAC-SHA256 of "passcode 0f1e... 1", cut as RFC 4226 does; computed with another program.
	if got := passcodeKey(t).Passcode(active().Reference, 1).Reveal(); got != "140103" {
		t.Errorf("the worked passcode is %s", got)
	}
}
