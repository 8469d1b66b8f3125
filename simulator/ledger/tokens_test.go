package ledger_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/simulator/ledger"
	"github.com/firsttap/firsttap/token"
)

const reference = "0123456789abcdef0123456789abcdef"

var (
	first  = card.MustPAN("4761739001010010")
	second = card.MustPAN("4761739001010119")
	noon   = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
)

func passcode(t *testing.T, digits string) token.ActivationCode {
	t.Helper()
	c, err := token.ParseActivationCode(digits)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// What is said of a token may come late, twice, and in any order.
func TestWhatIsSaidOfAToken(t *testing.T) {
	status := func(s token.Status) ledger.Token { return ledger.Token{Status: s} }
	tests := []struct {
		name string
		said []ledger.Token
		want token.Status
	}{
		{"active", []ledger.Token{status(token.Active)}, token.Active},
		{"nothing of its state", []ledger.Token{{}}, token.Inactive},
		{"inactive late", []ledger.Token{status(token.Active), status(token.Inactive)}, token.Active},
		{"suspended and back", []ledger.Token{status(token.Active), status(token.Suspended), status(token.Active)}, token.Active},
		{"suspended twice", []ledger.Token{status(token.Active), status(token.Suspended), status(token.Suspended)}, token.Suspended},
		{"nothing after deleted", []ledger.Token{status(token.Deactivated), status(token.Active), status(token.Suspended)}, token.Deactivated},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := ledger.NewRegister()
			for _, said := range test.said {
				said.Reference, said.PAN = reference, first
				r.Note(said)
			}
			got, ok := r.Find(reference)
			if !ok || got.Status != test.want || len(r.Of(first)) != 1 {
				t.Errorf("the token is %s, of %d", got.Status.Word(), len(r.Of(first)))
			}
		})
	}
}

func TestOnlyAReplacementMovesAToken(t *testing.T) {
	said := func(pan card.PAN, reason token.NoticeReason) ledger.Token {
		return ledger.Token{Reference: reference, PAN: pan, Notice: reason, Status: token.Active}
	}
	r := ledger.NewRegister()
	for i, step := range []struct {
		said ledger.Token
		want card.PAN
	}{
		{said(first, token.NoticeCreated), first},
		{said(second, token.NoticeReplaced), second},
		{said(first, token.NoticeSuspended), second}, // late
		{said(first, ""), first},                     // an answer is never late
	} {
		r.Note(step.said)
		if got, _ := r.Find(reference); got.PAN != step.want {
			t.Errorf("step %d: the token is of %s, want %s", i, got.PAN, step.want)
		}
	}
}

func TestPasscodesAreKeptWhileTheyAreOfUse(t *testing.T) {
	r := ledger.NewRegister()
	note := func(digits string, until time.Time, status token.Status) ledger.Token {
		t.Helper()
		said := ledger.Token{Reference: reference, PAN: first, Status: status, PasscodeExpires: until}
		if digits != "" {
			said.Passcode = passcode(t, digits)
		}
		r.Note(said)
		got, _ := r.Find(reference)
		return got
	}
	if got := note("111111", noon, token.Inactive); got.Passcode.Reveal() != "111111" || !got.PasscodeExpires.Equal(noon) {
		t.Errorf("the first passcode is kept as %+v", got)
	}
	if got := note("222222", noon.Add(time.Minute), token.Inactive); got.Passcode.Reveal() != "222222" {
		t.Error("a later passcode takes the place of an earlier one")
	}
	if got := note("111111", noon, token.Inactive); got.Passcode.Reveal() != "222222" || !got.PasscodeExpires.Equal(noon.Add(time.Minute)) {
		t.Error("an earlier passcode that comes late is left out")
	}
	if shown := fmt.Sprintf("%+v", r.Of(first)); strings.Contains(shown, "222222") {
		t.Error("a passcode must not print")
	}
	if got := note("", time.Time{}, token.Active); !got.Passcode.IsZero() || !got.PasscodeExpires.IsZero() {
		t.Error("an active token has no passcode")
	}
	if got := note("333333", noon.Add(time.Hour), token.Inactive); !got.Passcode.IsZero() {
		t.Error("a passcode that comes after the token is active is of no use")
	}
}

func TestForget(t *testing.T) {
	r := ledger.NewRegister()
	for i, id := range []string{"532612000123456", "532612000123457"} {
		r.Note(ledger.Token{Reference: fmt.Sprintf("%032d", i), PAN: first, TransactionID: id})
	}
	r.Forget("532612000123456")
	r.Forget("532612000123458")
	if left := r.Of(first); len(left) != 1 || left[0].TransactionID != "532612000123457" {
		t.Errorf("%d are left", len(left))
	}
	if _, ok := r.Find(fmt.Sprintf("%032d", 0)); ok {
		t.Error("what was forgotten is still found")
	}
}

func TestTheLastToken(t *testing.T) {
	r := ledger.NewRegister()
	for i := range ledger.TokensMax {
		r.Note(ledger.Token{Reference: fmt.Sprint(i), PAN: first})
	}
	if _, ok := r.Find("0"); !ok {
		t.Fatal("at the limit the first token gave way already")
	}
	r.Note(ledger.Token{Reference: "one more", PAN: first})
	if _, ok := r.Find("0"); ok || len(r.Of(first)) != ledger.TokensMax {
		t.Errorf("past the limit there are %d, and the first among them: %v", len(r.Of(first)), ok)
	}
}
