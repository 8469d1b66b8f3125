package ranges

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/vault"
)

// Member is a member of a policy as people read it.
type Member struct{ Name, Value string }

// Members lists a policy's members under the names of the settings file.
func Members(p dcvv2.Policy) []Member {
	return []Member{
		{"windowHours", fmt.Sprint(p.WindowHours)},
		{"profile", p.Profile},
		{"keyVersion", fmt.Sprint(p.KeyVersion)},
		{"graceSeconds", fmt.Sprint(int(p.Grace / time.Second))},
		{"codesMax", fmt.Sprint(p.CodesMax)},
		{"oncePerWindow", fmt.Sprint(p.OncePerWindow)},
		{"enrolByDefault", fmt.Sprint(p.EnrolByDefault)},
		{"failuresPerDayMax", fmt.Sprint(p.FailuresPerDayMax)},
		{"failuresInRowMax", fmt.Sprint(p.FailuresInRowMax)},
		{"rangeFailuresPerHourMax", fmt.Sprint(p.RangeFailuresPerHourMax)},
		{"onNoMatch", string(p.OnNoMatch)},
		{"onMissing", string(p.OnMissing)},
		{"onNotParticipating", string(p.OnNotParticipating)},
		{"onNotProcessed", string(p.OnNotProcessed)},
	}
}

// describe tells the audit trail what changes: each member with its value
// before and after, and from when.
func describe(was, is vault.RangeRecord, done Applied, void bool) string {
	if done.New {
		return "issuer " + is.Registration.Issuer + ", " + listed(last(is.Registration.Schedule))
	}
	if !done.Changed {
		return "nothing: it is so already"
	}
	parts := Differences(was.Registration.Schedule.At(done.Effective), is.Registration.Schedule.At(done.Effective))
	if !done.Effective.IsZero() {
		parts = append(parts, "from "+moment(done.Effective))
	}
	for _, v := range was.Registration.Schedule.Versions() {
		kept := func(o dcvv2.Version) bool { return o.From.Equal(v.From) }
		if v.From.After(done.Effective) && !slices.ContainsFunc(is.Registration.Schedule.Versions(), kept) {
			parts = append(parts, "instead of what was planned from "+moment(v.From))
		}
	}
	if void {
		parts = append(parts, "codes that were given out may be void")
	}
	return strings.Join(parts, ", ")
}

func listed(p dcvv2.Policy) string {
	var parts []string
	for _, m := range Members(p) {
		parts = append(parts, m.Name+" "+m.Value)
	}
	return strings.Join(parts, ", ")
}

// Differences lists the members that differ, such as "windowHours 1 -> 5".
func Differences(old, wanted dcvv2.Policy) []string {
	var parts []string
	before := Members(old)
	for i, m := range Members(wanted) {
		if m != before[i] {
			parts = append(parts, fmt.Sprintf("%s %s -> %s", m.Name, before[i].Value, m.Value))
		}
	}
	return parts
}
