package wire

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/firsttap/firsttap/dcvv2"
)

// Names of a policy's members at the operators' door, all ours and those of
// the settings file.
const (
	PolicyWindowHours    = "windowHours"             // integer 1 to 18
	PolicyProfile        = "profile"                 // "cvv-hour", "aes-cmac", "totp"
	PolicyKeyVersion     = "keyVersion"              // integer 1 to 99: version of the range's master key
	PolicyGraceSeconds   = "graceSeconds"            // integer 0 to 3600: how long a code outlives its window
	PolicyCodesMax       = "codesMax"                // integer 1 to 24: codes of one request
	PolicyOncePerWindow  = "oncePerWindow"           // true: a window's code provisions one token only
	PolicyEnrolByDefault = "enrolByDefault"          // true: accounts never seen count as enrolled
	PolicyFailuresInDay  = "failuresPerDayMax"       // integer 1 to 100
	PolicyFailuresInRow  = "failuresInRowMax"        // integer 1 to 100
	PolicyRangeFailures  = "rangeFailuresPerHourMax" // integer 0 to 100000; 0 is without end
	PolicyOnNoMatch      = "onNoMatch"               // N: "decline", "decline-82", "ask", "static"
	PolicyOnMissing      = "onMissing"               // S: "ask", "decline"
	PolicyOnAbsent       = "onNotParticipating"      // U: "ask", "decline"
	PolicyOnNotProcessed = "onNotProcessed"          // P: "decline", "ask"
)

// PolicyChange is the members of a policy that are to be changed; nil stays as
// it is. Units and limits are those of dcvv2.Policy.
type PolicyChange struct {
	WindowHours       *int
	Profile           *string
	KeyVersion        *int
	GraceSeconds      *int
	CodesMax          *int
	OncePerWindow     *bool
	EnrolByDefault    *bool
	FailuresPerDayMax *int
	FailuresInRowMax  *int

	RangeFailuresPerHourMax *int

	OnNoMatch          *string
	OnMissing          *string
	OnNotParticipating *string
	OnNotProcessed     *string
}

// integer is a member that is a whole number, with its limits.
type integer struct {
	path      string
	low, high int
	of        func(*PolicyChange) **int
}

var integers = []integer{
	{PolicyWindowHours, dcvv2.WindowHoursMin, dcvv2.WindowHoursMax, func(c *PolicyChange) **int { return &c.WindowHours }},
	{PolicyKeyVersion, 1, dcvv2.KeyVersionMax, func(c *PolicyChange) **int { return &c.KeyVersion }},
	{PolicyGraceSeconds, 0, int(dcvv2.GraceMax / time.Second), func(c *PolicyChange) **int { return &c.GraceSeconds }},
	{PolicyCodesMax, 1, dcvv2.CodesMax, func(c *PolicyChange) **int { return &c.CodesMax }},
	{PolicyFailuresInDay, 1, dcvv2.FailuresMax, func(c *PolicyChange) **int { return &c.FailuresPerDayMax }},
	{PolicyFailuresInRow, 1, dcvv2.FailuresMax, func(c *PolicyChange) **int { return &c.FailuresInRowMax }},
	{PolicyRangeFailures, 0, dcvv2.RangeFailuresPerHourMax, func(c *PolicyChange) **int { return &c.RangeFailuresPerHourMax }},
}

// switches are the members that are true or false.
var switches = []struct {
	path string
	of   func(*PolicyChange) **bool
}{
	{PolicyOncePerWindow, func(c *PolicyChange) **bool { return &c.OncePerWindow }},
	{PolicyEnrolByDefault, func(c *PolicyChange) **bool { return &c.EnrolByDefault }},
}

// word is a member that is one of some words.
type word struct {
	path  string
	known []string
	of    func(*PolicyChange) **string
}

var words = []word{
	{PolicyProfile, dcvv2.ProfileNames(), func(c *PolicyChange) **string { return &c.Profile }},
	{PolicyOnNoMatch, actions(dcvv2.NoMatch), func(c *PolicyChange) **string { return &c.OnNoMatch }},
	{PolicyOnMissing, actions(dcvv2.ShouldBePresent), func(c *PolicyChange) **string { return &c.OnMissing }},
	{PolicyOnAbsent, actions(dcvv2.NotParticipating), func(c *PolicyChange) **string { return &c.OnNotParticipating }},
	{PolicyOnNotProcessed, actions(dcvv2.NotProcessed), func(c *PolicyChange) **string { return &c.OnNotProcessed }},
}

func actions(r dcvv2.Result) []string {
	var known []string
	for _, a := range dcvv2.ActionsFor(r) {
		known = append(known, string(a))
	}
	return known
}

// PolicyMembers lists the paths of a policy.
func PolicyMembers() []string {
	var paths []string
	for _, m := range integers {
		paths = append(paths, m.path)
	}
	for _, m := range switches {
		paths = append(paths, m.path)
	}
	for _, m := range words {
		paths = append(paths, m.path)
	}
	return paths
}

// ReadPolicyChange reads the members of a policy that a document has. Faults
// of all of them are one *Problem (CodePolicyInvalid) that names the first
// one's field and says all.
func ReadPolicyChange(d Document) (PolicyChange, error) {
	var c PolicyChange
	var faults policyFaults
	for _, m := range integers {
		m.read(d, &c, &faults)
	}
	for _, m := range switches {
		value, ok := d.Bool(m.path)
		if ok {
			*m.of(&c) = &value
		} else if d.Has(m.path) {
			faults.add(m.path, "must be true or false")
		}
	}
	for _, m := range words {
		m.read(d, &c, &faults)
	}
	return c, faults.problem()
}

func (m integer) read(d Document, c *PolicyChange, faults *policyFaults) {
	if !d.Has(m.path) {
		return
	}
	sent, ok := d.Number(m.path)
	n, err := strconv.Atoi(sent.Reveal())
	if !ok || err != nil || n < m.low || n > m.high {
		faults.add(m.path, fmt.Sprintf("must be an integer from %d to %d", m.low, m.high))
		return
	}
	*m.of(c) = &n
}

func (m word) read(d Document, c *PolicyChange, faults *policyFaults) {
	if !d.Has(m.path) {
		return
	}
	sent, ok := d.Text(m.path)
	value := sent.Reveal()
	if !ok || !slices.Contains(m.known, value) {
		faults.add(m.path, "must be one of "+strings.Join(m.known, ", "))
		return
	}
	*m.of(c) = &value
}

type policyFaults struct {
	first   string
	details []string
}

func (f *policyFaults) add(path, what string) {
	if f.first == "" {
		f.first = path
	}
	f.details = append(f.details, path+" "+what)
}

func (f *policyFaults) problem() error {
	if f.first == "" {
		return nil
	}
	return &Problem{Status: http.StatusBadRequest, Code: CodePolicyInvalid, Field: f.first, Detail: strings.Join(f.details, "; ")}
}

// WholePolicy is a change to exactly p.
func WholePolicy(p dcvv2.Policy) PolicyChange {
	grace := int(p.Grace / time.Second)
	return PolicyChange{
		WindowHours: &p.WindowHours, Profile: &p.Profile, KeyVersion: &p.KeyVersion, GraceSeconds: &grace,
		CodesMax: &p.CodesMax, OncePerWindow: &p.OncePerWindow, EnrolByDefault: &p.EnrolByDefault,
		FailuresPerDayMax: &p.FailuresPerDayMax, FailuresInRowMax: &p.FailuresInRowMax,
		RangeFailuresPerHourMax: &p.RangeFailuresPerHourMax,
		OnNoMatch:               (*string)(&p.OnNoMatch), OnMissing: (*string)(&p.OnMissing),
		OnNotParticipating: (*string)(&p.OnNotParticipating), OnNotProcessed: (*string)(&p.OnNotProcessed),
	}
}

// Of is p with the change.
func (c PolicyChange) Of(p dcvv2.Policy) dcvv2.Policy {
	change(&p.WindowHours, c.WindowHours)
	change(&p.Profile, c.Profile)
	change(&p.KeyVersion, c.KeyVersion)
	if c.GraceSeconds != nil {
		p.Grace = time.Duration(*c.GraceSeconds) * time.Second
	}
	change(&p.CodesMax, c.CodesMax)
	change(&p.OncePerWindow, c.OncePerWindow)
	change(&p.EnrolByDefault, c.EnrolByDefault)
	change(&p.FailuresPerDayMax, c.FailuresPerDayMax)
	change(&p.FailuresInRowMax, c.FailuresInRowMax)
	change(&p.RangeFailuresPerHourMax, c.RangeFailuresPerHourMax)
	change(&p.OnNoMatch, (*dcvv2.Action)(c.OnNoMatch))
	change(&p.OnMissing, (*dcvv2.Action)(c.OnMissing))
	change(&p.OnNotParticipating, (*dcvv2.Action)(c.OnNotParticipating))
	change(&p.OnNotProcessed, (*dcvv2.Action)(c.OnNotProcessed))
	return p
}

func change[T any](at, to *T) {
	if to != nil {
		*at = *to
	}
}

// IsWhole reports whether every member is there.
func (c PolicyChange) IsWhole() bool { return len(c.Members()) == len(PolicyMembers()) }

// Members are the members of a document that says the change.
func (c PolicyChange) Members() Object {
	var o Object
	for _, m := range integers {
		if n := *m.of(&c); n != nil {
			o = append(o, Integer(m.path, *n))
		}
	}
	for _, m := range switches {
		if b := *m.of(&c); b != nil {
			o = append(o, Bool(m.path, *b))
		}
	}
	for _, m := range words {
		if s := *m.of(&c); s != nil {
			o = append(o, Text(m.path, *s))
		}
	}
	return o
}
