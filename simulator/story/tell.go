package story

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/firsttap/firsttap/simulator/wiretap"
)

// column is where the times end and no line goes beyond.
const column = 104

// How far what is folded is moved in: below its text in a line about the wire.
const (
	wireIndent = 13
	wordIndent = 4
)

// Tell writes a report as a story to read: each step with what went over the
// wire, what was decided and why, and how long it took.
func Tell(r Report, c Case, seed uint64) string {
	var b strings.Builder
	title := "from application to first tap"
	if c.Name != "" {
		title = c.Name + ": " + c.About
	}
	timed(&b, wordIndent, "firsttap demo · "+title, fmt.Sprintf("seed %d", seed))
	for i, s := range r.Steps {
		tellStep(&b, i+1, s)
	}
	timed(&b, wordIndent, ending(r), "")
	return b.String()
}

func tellStep(b *strings.Builder, number int, s Step) {
	mark := ""
	if !s.OK {
		mark = "  ✗"
	}
	timed(b, wordIndent, fmt.Sprintf("%d %s%s", number, s.Step, mark), fmt.Sprintf("%.1f ms", s.TookMS))
	for _, line := range wireLines(s) {
		timed(b, wireIndent, line.text, line.took())
	}
	words := s.Decided
	if s.Error != "" {
		words = s.Error
	}
	if s.Why != "" {
		words += " (" + s.Why + ")"
	}
	if words != "" {
		timed(b, wordIndent, "  "+strings.ReplaceAll(words, "\n", "; "), "")
	}
}

// timed writes a line, folded where it is too wide, with a time in the right
// column of its last part.
func timed(b *strings.Builder, indent int, text, at string) {
	room := column
	if at != "" {
		room -= 1 + utf8.RuneCountInString(at)
	}
	parts := fold(text, room, indent)
	last := len(parts) - 1
	for _, part := range parts[:last] {
		b.WriteString(part + "\n")
	}
	b.WriteString(parts[last])
	if at != "" {
		b.WriteString(strings.Repeat(" ", 1+room-utf8.RuneCountInString(parts[last])) + at)
	}
	b.WriteByte('\n')
}

// fold cuts text at blanks into parts of at most width characters; all but the
// first are moved in. A word that is too wide is cut itself.
func fold(text string, width, indent int) []string {
	var parts []string
	rest := []rune(text)
	for len(rest) > width {
		cut, next := width, width
		for i := width; i > indent; i-- {
			if rest[i] == ' ' {
				cut, next = i, i+1
				break
			}
		}
		parts = append(parts, string(rest[:cut]))
		rest = append([]rune(strings.Repeat(" ", indent)), rest[next:]...)
	}
	return append(parts, string(rest))
}

func ending(r Report) string {
	switch {
	case r.Refusal != nil && r.Case == "":
		return fmt.Sprintf("Refused at %s with response %s.", r.Refusal.Step, r.Refusal.ResponseCode)
	case r.Refusal != nil && r.Refusal.Right:
		return fmt.Sprintf("Refused as it must be: %s.", r.Refusal.Expected)
	case r.Refusal != nil:
		return fmt.Sprintf("Refused wrongly: got response %s, 44.10 %q, cryptogram %q; must be %s.",
			r.Refusal.ResponseCode, r.Refusal.CVV2, r.Refusal.ARQC, r.Refusal.Expected)
	case r.OK() && r.Case == "":
		return fmt.Sprintf("Six steps, one tap: the phone has paid, %.0f ms after the application.", r.TookMS)
	case r.OK():
		return fmt.Sprintf("Went as it must, in %d steps and %.0f ms.", len(r.Steps), r.TookMS)
	case r.Case != "" && len(r.Steps) > 0 && r.Steps[len(r.Steps)-1].OK:
		return "Nothing was refused, and something must be."
	}
	return "The story broke off."
}

// wireLine is one line about the wire. lasted is how long the leg took that
// ends with it, 0 when none does.
type wireLine struct {
	text   string
	lasted time.Duration
}

func (l wireLine) took() string {
	if l.lasted == 0 {
		return ""
	}
	return fmt.Sprintf("%.1f ms", milliseconds(l.lasted))
}

// wireLines tells what a step sent and received. Each answer stands below its
// question. Network management is left out, and so is what a browser only
// looks at, but for the step that is about looking.
func wireLines(s Step) []wireLine {
	var lines []wireLine
	for i, seen := range s.Wire {
		switch {
		case seen.Way == wiretap.Asked:
			if s.Step == StepShow || !strings.HasPrefix(seen.What, "GET ") {
				lines = append(lines, wireLine{fmt.Sprintf("  %-8s → %s", seen.Actor, seen.What), seen.Took})
			}
		case seen.IsQuestion() && !strings.HasPrefix(seen.What, "08"):
			lines = append(lines, wireLine{text: fmt.Sprintf("  %-8s %s %s", seen.Actor, arrow(seen), seen.What)})
			if answer, ok := answerTo(seen, s.Wire[i+1:]); ok {
				text := fmt.Sprintf("  %-8s %s %s", "", arrow(answer), answer.What)
				lines = append(lines, wireLine{text, answer.At.Sub(seen.At)})
			}
		}
	}
	return lines
}

// answerTo finds the first answer of the same class that the same actor saw.
func answerTo(question wiretap.Sighting, later []wiretap.Sighting) (wiretap.Sighting, bool) {
	for _, s := range later {
		if s.Actor == question.Actor && s.Way != question.Way && !s.IsQuestion() && s.What[:2] == question.What[:2] {
			return s, true
		}
	}
	return wiretap.Sighting{}, false
}

func arrow(s wiretap.Sighting) string {
	if s.Way == wiretap.Sent {
		return "→"
	}
	return "←"
}
