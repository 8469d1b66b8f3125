package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"unicode/utf8"
)

// report is the whole of it, as the JSON file has it.
type report struct {
	Machine  machine    `json:"machine"`
	Seconds  float64    `json:"secondsPerLoad"`
	Measures []measured `json:"measures"`
}

// met reports whether every goal is.
func (r report) met() bool {
	for _, m := range r.Measures {
		if m.Goal != nil && (m.Met == nil || !*m.Met) {
			return false
		}
	}
	return true
}

// write prints the table and writes the file.
func (r report) write(out io.Writer, file string) error {
	if err := r.table(out); err != nil {
		return err
	}
	document, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(document, '\n'), 0o644)
}

// notThere stands for a value that was not measured.
const notThere = "-"

func (r report) table(out io.Writer) error {
	m := r.Machine
	fmt.Fprintf(out, "firsttap %s, %s, %s/%s, %d cores", orNone(m.Firsttap), m.Go, m.OS, m.Arch, m.Cores)
	if m.CPU != "" {
		fmt.Fprintf(out, " (%s)", m.CPU)
	}
	fmt.Fprint(out, "\n\n")
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "measure\tgoal\tours\tmoov\tratio\tmet?\tp50\tp99\tp99.9 ms")
	for _, m := range r.Measures {
		fmt.Fprintln(w, strings.Join(m.cells(), "\t"))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for line := range strings.Lines(text.String()) {
		if _, err := fmt.Fprintln(out, strings.TrimRight(line, " \n")); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintln(out, "\n"+r.verdict())
	return err
}

// verdict counts the goals in a sentence.
func (r report) verdict() string {
	goals, met, unknown := 0, 0, 0
	for _, m := range r.Measures {
		switch {
		case m.Goal == nil:
			continue
		case m.Met == nil:
			unknown++
		case *m.Met:
			met++
		}
		goals++
	}
	text := fmt.Sprintf("%d of %d goals met", met, goals)
	if unknown > 0 {
		text += fmt.Sprintf(", %d not measured", unknown)
	}
	return text
}

func (m measured) cells() []string {
	cells := []string{m.Name, "", m.Unit.text(m.Ours), "", "", "", "", "", ""}
	if m.Goal != nil {
		cells[1], cells[5] = m.Goal.text(m.Unit), m.verdict()
	}
	if m.Moov != nil {
		cells[3] = m.Unit.text(m.Moov)
	}
	if m.Ratio != nil {
		cells[4] = fmt.Sprintf("%.1fx", *m.Ratio)
	}
	if l := m.Latency; l != nil {
		cells[6], cells[7], cells[8] = fmt.Sprintf("%.3f", l.P50), fmt.Sprintf("%.3f", l.P99), fmt.Sprintf("%.3f", l.P999)
	}
	return cells
}

func (m measured) verdict() string {
	switch {
	case m.Met == nil:
		return "?"
	case *m.Met:
		return "yes"
	default:
		return "NO"
	}
}

func (g goal) text(u unit) string {
	switch {
	case g.TimesMoov > 0:
		return fmt.Sprintf("%gx moov", g.TimesMoov)
	case g.AtLeast > 0:
		return ">= " + u.text(&g.AtLeast)
	case g.None:
		return "0"
	default:
		return "<= " + u.text(&g.AtMost)
	}
}

// text is a value as people read it.
func (u unit) text(v *float64) string {
	switch {
	case v == nil:
		return notThere
	case u == perSecond:
		return thousands(*v) + "/s"
	case u == allocations:
		return fmt.Sprintf("%.0f", *v)
	case u == milliseconds:
		return fmt.Sprintf("%.4g ms", *v)
	case *v < 1000:
		return fmt.Sprintf("%.3g ns", *v)
	default:
		return fmt.Sprintf("%.3g us", *v/1000)
	}
}

// thousands writes a whole number with commas.
func thousands(v float64) string {
	text := fmt.Sprintf("%.0f", v)
	for i := utf8.RuneCountInString(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

func orNone(s string) string {
	if s == "" {
		return notThere
	}
	return s
}
