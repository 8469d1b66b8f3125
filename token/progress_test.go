package token_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/firsttap/firsttap/token"
)

// Every state of an activation by every turn. An empty cell is a turn that
// cannot come. A cell is the state after it; then +A or +I for a token that is
// made, -T for one that is deactivated, and undo for an issuer that is told.
func TestProgress(t *testing.T) {
	table := map[token.Progress][]string{
		//                  approved            steppedup           declined   unasked       timedout           late         restarted          reversed             step done  token gone
		token.Asked:      {"granted +A", "waiting +I", "refused", "unanswered", "unanswered undo", "", "unanswered undo", "undone undo", "", ""},
		token.Granted:    {"", "", "", "", "", "granted", "", "undone -T undo", "", "granted"},
		token.Waiting:    {"", "", "", "", "", "waiting", "", "undone -T undo", "granted", "waiting"},
		token.Refused:    {"", "", "", "", "", "", "", "undone", "", ""},
		token.Unanswered: {"", "", "", "", "", "unanswered", "", "undone", "", ""},
		token.Undone:     {"undone undo", "undone undo", "undone", "undone", "undone undo", "undone", "undone undo", "", "", "undone"},
	}
	if len(table) != len(token.Progresses) {
		t.Fatal("the table does not hold every state")
	}
	for _, from := range token.Progresses {
		if len(table[from]) != len(token.Turns) {
			t.Fatalf("the row of %s does not hold every turn", from)
		}
		for i, turn := range token.Turns {
			move, err := from.After(turn)
			if got := inWords(move, err); got != table[from][i] {
				t.Errorf("%s, %s: %q, want %q", from, turn, got, table[from][i])
			}
		}
		if _, err := from.After("nonsense"); err == nil {
			t.Errorf("%s sees nonsense", from)
		}
	}
	for _, turn := range token.Turns {
		move, err := token.Progress("nonsense").After(turn)
		var refused *token.TurnError
		if !errors.As(err, &refused) || move.To != "nonsense" {
			t.Errorf("nonsense, %s: %+v, %v", turn, move, err)
		}
	}
}

func inWords(m token.Move, err error) string {
	if err != nil {
		return ""
	}
	words := string(m.To)
	if m.Mint != "" {
		words += " +" + string(m.Mint)
	}
	if m.Deactivate {
		words += " -T"
	}
	if m.Undo {
		words += " undo"
	}
	return words
}

func TestTurnErrorInWords(t *testing.T) {
	_, err := token.Refused.After(token.TurnLate)
	if want := "an activation that is refused cannot see that the issuer answers too late"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

func TestProgressOf(t *testing.T) {
	for _, c := range []struct {
		outcome  *token.Outcome
		reversed bool
		want     token.Progress
	}{
		{nil, false, token.Asked},
		{nil, true, token.Undone},
		{&token.Outcome{Response: "00"}, false, token.Granted},
		{&token.Outcome{Response: "00"}, true, token.Undone},
		{&token.Outcome{Response: "85"}, false, token.Waiting},
		{&token.Outcome{Response: "91", Reason: token.ReasonIssuerUnavailable}, false, token.Unanswered},
		{&token.Outcome{Response: "91", Reason: token.ReasonRestarted}, false, token.Unanswered},
		{&token.Outcome{Response: "91", Reason: token.ReasonIssuerDeclined}, false, token.Refused}, // the issuer's own 91
		{&token.Outcome{Response: "05"}, false, token.Refused},
	} {
		if got := token.ProgressOf(c.outcome, c.reversed); got != c.want {
			t.Errorf("%+v, reversed %t: %s, want %s", c.outcome, c.reversed, got, c.want)
		}
	}
}

// Whatever the issuer says, what is concluded and what the table says to mint
// are the same.
func TestTurnOf(t *testing.T) {
	found := token.Screening{CVV2: 'M'}
	for _, c := range []struct {
		answer token.IssuerAnswer
		in     token.StandInAction
		want   token.Turn
	}{
		{token.IssuerAnswer{Response: "00"}, "", token.TurnApproved},
		{token.IssuerAnswer{Response: "85"}, "", token.TurnSteppedUp},
		{token.IssuerAnswer{Response: "05"}, "", token.TurnDeclined},
		{token.IssuerAnswer{Response: "91"}, "", token.TurnDeclined},
		{token.IssuerAnswer{Silence: token.StandInDown}, "", token.TurnUnasked},
		{token.IssuerAnswer{Silence: token.StandInTimeout}, "", token.TurnTimedOut},
		{token.IssuerAnswer{}, "", token.TurnTimedOut},
		{token.IssuerAnswer{Silence: token.StandInDown}, token.StandInApprove, token.TurnApproved},
		{token.IssuerAnswer{Silence: token.StandInTimeout}, token.StandInStepUp, token.TurnSteppedUp},
	} {
		o := token.Conclude(found, c.answer, token.StandIn{Activations: c.in})
		got := token.TurnOf(c.answer, o)
		move, err := token.Asked.After(got)
		if got != c.want || err != nil {
			t.Errorf("%+v: %s, %v, want %s", c.answer, got, err, c.want)
		}
		if d := cmp.Diff(o.Mints(), move.Mint); d != "" {
			t.Errorf("%+v: %s", c.answer, d)
		}
		if move.To != token.ProgressOf(&o, false) {
			t.Errorf("%+v: the record says %s, the table %s", c.answer, token.ProgressOf(&o, false), move.To)
		}
	}
}
