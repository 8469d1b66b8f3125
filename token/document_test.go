package token_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/firsttap/firsttap/internal/golden"
	"github.com/firsttap/firsttap/token"
)

// docs/states.md is written from the tables: `go test ./token -update` writes it
// anew.
func TestTheDocumentIsAsTheTables(t *testing.T) {
	var b strings.Builder
	b.WriteString(documentHead)
	writeActivation(&b)
	writeLifecycle(&b)
	writeWishes(t, &b)
	golden.CheckText(t, filepath.Join("..", "docs", "states.md"), b.String())
}

const documentHead = `# States
Every state of an activation and of a token by every event. Written by ` + "`go test ./token -update`" + ` from the
tables that decide; an empty cell cannot be, and whoever tries is refused. Nothing happens by default.

`

func writeActivation(b *strings.Builder) {
	b.WriteString(`## An activation
A cell is the state after it. **+A** makes an active token, **+I** one that waits for its step-up, **-T**
deactivates the token, **undo** tells the issuer by 0420, stored and sent until it acknowledges, that what it
was asked is undone.

| it | ` + strings.Join(fromProgress(), " | ") + " |\n|---|" + strings.Repeat("---|", len(token.Progresses)) + "\n")
	for _, turn := range token.Turns {
		fmt.Fprintf(b, "| %s |", turn)
		for _, from := range token.Progresses {
			move, err := from.After(turn)
			fmt.Fprintf(b, " %s |", inWords(move, err))
		}
		b.WriteString("\n")
	}
}

func fromProgress() (list []string) {
	for _, p := range token.Progresses {
		list = append(list, string(p))
	}
	return list
}

func writeLifecycle(b *strings.Builder) {
	b.WriteString("\n## A token\n| it is to |")
	for _, s := range token.Statuses {
		fmt.Fprintf(b, " %s (%s) |", s.Word(), s)
	}
	b.WriteString(" told by 0620, 63.3 |\n|---|" + strings.Repeat("---|", len(token.Statuses)+1) + "\n")
	for _, event := range token.Events {
		fmt.Fprintf(b, "| %s |", event)
		for _, s := range token.Statuses {
			word := ""
			if next, err := s.After(event); err == nil {
				word = next.Word()
			}
			fmt.Fprintf(b, " %s |", word)
		}
		fmt.Fprintf(b, " %s |\n", token.NoticeOf(event))
	}
	fmt.Fprintf(b, `
A token that waits is activated by a passcode (told as 3712), by the issuer's call centre (3713) or in its app
(3714). A passcode has %d digits, is good for %v, and may be tried %d times; %d may be drawn. An inactive token
cannot be suspended: resumed, it would be active without its step-up. Who suspended a token resumes it, or a
party with more say: requestor, issuer, operator, in this order.
`, token.PasscodeDigits, token.PasscodeFor, token.PasscodeTriesMax, token.PasscodesMax)
}

// writeWishes asks Grant itself what each party gets.
func writeWishes(t *testing.T, b *strings.Builder) {
	b.WriteString(`
## Who may wish what (0302)
What a party is answered (39) about a token of its own that is inactive, active, suspended, deactivated; - is
12, not for this party to do. A requestor's tokens are those of its id, an issuer's those of its accounts;
others' tokens are answered with 25, as if there were none. 3712 is with a wrong passcode.

| 63.3 | requestor | issuer | operator |
|---|---|---|---|
`)
	for _, reason := range []token.NoticeReason{"3701", "3702", "3703", "3712", "3713", "3714", "3715", "3720", "3721"} {
		fmt.Fprintf(b, "| %s |", reason)
		for _, party := range []token.Party{token.Requestor, token.Issuer, token.Operator} {
			var words []string
			for _, s := range token.Statuses {
				got := token.Grant(by(party, reason), inThe(s), passcodeKey(t), now)
				if got.Reason == token.ReasonMayNot {
					words = []string{"-"}
					break
				}
				words = append(words, string(got.Outcome(inThe(s)).Response))
			}
			fmt.Fprintf(b, " %s |", strings.Join(words, ", "))
		}
		b.WriteString("\n")
	}
}
