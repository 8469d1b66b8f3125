package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/firsttap/firsttap/api/client"
	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/ranges"
)

// tellRanges prints a table, a line for each range.
func tellRanges(out io.Writer, list []client.Range) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(out, "no range is registered: see firsttap ranges set --help")
		return err
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "RANGE\tISSUER\tSTATE\tWINDOW\tPROFILE\tKEY\tENROLS\tSINCE\tNEXT")
	for _, one := range list {
		now, next := inForce(one)
		p := now.Policy
		fmt.Fprintf(table, "%s\t%s\t%s\t%d h\t%s\t%d\t%s\t%s\t%s\n", one.Range, one.Issuer, stateOf(one),
			p.WindowHours, p.Profile, p.KeyVersion, enrols(p), since(now.From), comes(p, next))
	}
	return table.Flush()
}

// inForce is the version in force and those that are planned.
func inForce(one client.Range) (client.RangeVersion, []client.RangeVersion) {
	for i, v := range one.Versions {
		if v.State == client.StateInForce {
			return v, one.Versions[i+1:]
		}
	}
	return client.RangeVersion{}, nil
}

func stateOf(one client.Range) string {
	if one.Dormant {
		return "dormant"
	}
	return "in force"
}

func enrols(p dcvv2.Policy) string {
	if p.EnrolByDefault {
		return "all"
	}
	return "asked"
}

func since(from time.Time) string {
	if from.IsZero() {
		return "the beginning"
	}
	return at(from)
}

func at(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// comes says what comes next, and that more follows.
func comes(now dcvv2.Policy, next []client.RangeVersion) string {
	if len(next) == 0 {
		return "-"
	}
	text := at(next[0].From) + ": " + strings.Join(ranges.Differences(now, next[0].Policy), ", ")
	if len(next) > 1 {
		text += fmt.Sprintf(", and %d more", len(next)-1)
	}
	return text
}

// tellRange prints the policy in force whole, and what differs in the others.
func tellRange(out io.Writer, one client.Range) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s of %s, %s, revision %d\n", one.Range, one.Issuer, stateOf(one), one.Revision)
	if one.Dormant {
		fmt.Fprintf(&b, "nothing is checked under it, because its issuer has no station in the gateway's settings\n")
	}
	before := one.Versions[0].Policy
	for i, v := range one.Versions {
		switch v.State {
		case client.StatePast:
			fmt.Fprintf(&b, "\npast, from %s to %s\n", since(v.From), at(one.Versions[i+1].From))
		case client.StateInForce:
			fmt.Fprintf(&b, "\nin force since %s\n", since(v.From))
		default:
			fmt.Fprintf(&b, "\nplanned from %s\n", at(v.From))
		}
		if i == 0 || v.State == client.StateInForce {
			for _, m := range ranges.Members(v.Policy) {
				fmt.Fprintf(&b, "  %-24s %s\n", m.Name, m.Value)
			}
		} else {
			for _, line := range ranges.Differences(before, v.Policy) {
				fmt.Fprintf(&b, "  %s\n", line)
			}
		}
		before = v.Policy
	}
	_, err := io.WriteString(out, b.String())
	return err
}

// tellApplied says what a change did, from when, and why not sooner.
func tellApplied(out io.Writer, done client.RangeApplied, asked client.RangeChange) error {
	var b strings.Builder
	last := len(done.Versions) - 1
	switch {
	case done.New:
		fmt.Fprintf(&b, "%s of %s is registered and in force\n", done.Range.Range, done.Issuer)
	case !done.Changed:
		fmt.Fprintf(&b, "%s is so already: nothing changed\n", done.Range.Range)
	default:
		fmt.Fprintf(&b, "%s of %s\n", done.Range.Range, done.Issuer)
		if last > 0 {
			for _, line := range ranges.Differences(done.Versions[last-1].Policy, done.Versions[last].Policy) {
				fmt.Fprintf(&b, "  %s\n", line)
			}
		}
		b.WriteString(takesEffect(done, asked) + "\n")
	}
	if done.Dormant {
		fmt.Fprintf(&b, "it is dormant: %s has no station in the gateway's settings\n", done.Issuer)
	}
	_, err := io.WriteString(out, b.String())
	return err
}

// takesEffect says from when a change is in force.
func takesEffect(done client.RangeApplied, asked client.RangeChange) string {
	text := "in force since the beginning: what was planned is dropped"
	if !done.Effective.IsZero() {
		text = "in force from " + at(done.Effective)
	}
	switch {
	case asked.Void:
		return text + "; codes that were given out may be void"
	case !asked.From.IsZero() && !done.Effective.Equal(asked.From):
		return text + ", the first end of a window after --from"
	case asked.From.IsZero() && done.Effective.After(done.Soonest):
		return text + ", because codes may have been given out until then; --void takes effect at " + at(done.Soonest) + " and voids them"
	}
	return text
}
