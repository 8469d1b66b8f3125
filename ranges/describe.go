package ranges

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/vault"
)

// spoken is a member of a policy as people read it.
type spoken struct{ name, value string }

// members lists a policy's members under the names of the settings file.
func members(p dcvv2.Policy) []spoken {
	return []spoken{
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
	parts := compared(was.Registration.Schedule.At(done.Effective), last(is.Registration.Schedule))
	if !done.Effective.IsZero() {
		parts = append(parts, "from "+moment(done.Effective))
	}
	kept := is.Registration.Schedule.Versions()
	for _, v := range was.Registration.Schedule.Versions() {
		if v.From.After(done.Effective) || !done.Effective.IsZero() && v.From.Equal(done.Effective) && !slices.Contains(kept, v) {
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
	for _, m := range members(p) {
		parts = append(parts, m.name+" "+m.value)
	}
	return strings.Join(parts, ", ")
}

func compared(old, wanted dcvv2.Policy) []string {
	var parts []string
	before := members(old)
	for i, m := range members(wanted) {
		if m != before[i] {
			parts = append(parts, fmt.Sprintf("%s %s -> %s", m.name, before[i].value, m.value))
		}
	}
	return parts
}
