package guess

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// Report is a whole run of the lab.
type Report struct {
	Seed         uint64        `json:"seed"`
	Policy       PolicyReport  `json:"policy"`
	Live         int           `json:"liveWindows"`
	Accepted     int           `json:"acceptedWindows"` // measured: see Lab.Accepted
	Days         int           `json:"days"`
	Measurements []Measurement `json:"measurements"`
	Points       []Point       `json:"points,omitempty"` // of the picture
	Interrupted  bool          `json:"interrupted"`
	OK           bool          `json:"ok"` // all that was measured agrees with theory
	TookMS       float64       `json:"tookMs"`
}

// PolicyReport is what guesses hang on of a policy, named as in settings files.
type PolicyReport struct {
	Profile                     string `json:"profile"`
	WindowHours                 int    `json:"windowHours"`
	GraceSeconds                int    `json:"graceSeconds"`
	FailuresPerDayMax           int    `json:"failuresPerDayMax"`
	FailuresInRowMax            int    `json:"failuresInRowMax"`
	RangeFailuresPerHourMax     int    `json:"rangeFailuresPerHourMax"`
	RequestorFailuresPerHourMax int    `json:"requestorFailuresPerHourMax"`
}

// NewReport is a report of nothing yet.
func NewReport(seed uint64, s Setup) Report {
	return Report{Seed: seed, Live: s.Live, Days: s.Days, Policy: PolicyReport{
		Profile: s.Policy.Profile, WindowHours: s.Policy.WindowHours, GraceSeconds: int(s.Policy.Grace / time.Second),
		FailuresPerDayMax: s.Policy.FailuresPerDayMax, FailuresInRowMax: s.Policy.FailuresInRowMax,
		RangeFailuresPerHourMax: s.Policy.RangeFailuresPerHourMax, RequestorFailuresPerHourMax: s.RequestorFailuresPerHourMax,
	}}
}

// String is the policy in one line.
func (p PolicyReport) String() string {
	return fmt.Sprintf("%s of %d h, grace %v, %d failures a day, %d in a row; %s by a requestor, %s in a range",
		p.Profile, p.WindowHours, time.Duration(p.GraceSeconds)*time.Second, p.FailuresPerDayMax, p.FailuresInRowMax,
		hourly(p.RequestorFailuresPerHourMax), hourly(p.RangeFailuresPerHourMax))
}

func hourly(most int) string {
	if most == 0 {
		return "no limit"
	}
	return fmt.Sprintf("%d an hour", most)
}

// Faults says in words all that is not as theory says.
func (r Report) Faults() []string {
	var faults []string
	if r.Accepted != r.Live {
		faults = append(faults, fmt.Sprintf("the codes of %s are accepted, where it must be %d", count(r.Accepted, "window"), r.Live))
	}
	for _, m := range r.Measurements {
		faults = append(faults, m.Faults()...)
	}
	for _, p := range r.Points {
		for _, fault := range p.Measurement.Faults() {
			faults = append(faults, fmt.Sprintf("with %s %d: %s", p.Over, p.At, fault))
		}
	}
	return faults
}

// Write prints the report for people.
func (r Report) Write(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "policy    %s\nattacked  where the codes of %s are live: of 49 windows around, %d passed; seed %d\n\n",
		r.Policy, count(r.Live, "window"), r.Accepted, r.Seed)
	table := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(table, "attack\tattacks\tguesses: mean\tmax\tallowed\twithin\thits\tmeasured\tis\tto\ttheory\tagrees\t\n")
	for _, m := range r.Measurements {
		m.rows(table)
	}
	_ = table.Flush() // a strings.Builder never fails
	fmt.Fprintf(&b, "\nguesses: those held against an account's codes; allowed: by the limits, when none hits\n")
	fmt.Fprintf(&b, "is, to: where the chance lies, by an interval that is wrong once in a million\n")
	for _, m := range r.Measurements {
		if m.HalfAfterTheory > 0 {
			fmt.Fprintf(&b, "%s: half of the attacks hit within %s; theory says %d\n", m.Kind, halfAfter(m.HalfAfter), m.HalfAfterTheory)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (m Measurement) rows(w io.Writer) {
	lead := fmt.Sprintf("%s\t%d\t%.2f\t%d\t%d", m.Kind, m.Attacks, m.GuessesMean, m.GuessesMax, m.GuessesAllowed)
	for _, s := range m.Successes {
		fmt.Fprintf(w, "%s\t%s\t%d\t%s\t%s\t%s\t%s\t%s\t\n", lead, s.Within, s.Hits,
			percent(s.Measured), percent(s.Interval.Low), percent(s.Interval.High), percent(s.Theory), yesNo(s.Agrees && m.Fault == ""))
		lead = "\t\t\t\t"
	}
}

func yesNo(yes bool) string {
	if yes {
		return "yes"
	}
	return "NO"
}

func halfAfter(n int) string {
	if n == 0 {
		return "more accounts than were tried"
	}
	return count(n, "account")
}
