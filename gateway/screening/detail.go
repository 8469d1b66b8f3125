package screening

import (
	"fmt"
	"strings"
	"time"

	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/token"
	"github.com/firsttap/firsttap/vault"
)

// detailOf tells for the audit trail exactly what was screened, how and why:
// "label: text" pairs with "; " between them, which `firsttap explain` shows
// one a line. Codes and card data have no place in it. Counters are as they
// were read before the claim: requests at the same moment read the same.
func detailOf(found Screened, a token.Activation) string {
	d := make(detail, 0, 8)
	d.add("asked", "%s", askedBy(a))
	if r := found.Facts.Registration; !r.IsZero() {
		d.add("policy", "%s", policyAt(r, found.Claim.At))
		if found.Tried() {
			d.add("tried", "%s", triedWindows(found, a))
		}
	}
	d.add("found", "%s", finding(found.Screening))
	if found.Tried() || found.Reason == token.ReasonDayLimit || found.Reason == token.ReasonLocked {
		d.add("counted", "%s", counted(found))
	}
	if throttled := found.counters.throttled(); found.Tried() || throttled != "" && found.Reason == throttled {
		d.add("throttle", "%s", throttles(found))
	}
	d.add("then", "%s", next(found.Screening))
	return d.String()
}

type detail []string

func (d *detail) add(label, format string, args ...any) {
	*d = append(*d, label+": "+fmt.Sprintf(format, args...))
}

// String is cut to what an entry may have.
func (d detail) String() string {
	text := strings.Join(d, "; ")
	return text[:min(len(text), vault.DetailBytesMax)]
}

func askedBy(a token.Activation) string {
	sent := "no code"
	switch {
	case a.CVV2.HasCode() && a.CVV2.Presence == dcvv2.PresenceDynamic:
		sent = "a code, said to be dynamic"
	case a.CVV2.HasCode():
		sent = "a code"
	}
	return "by requestor " + requestorOf(a) + " with " + sent
}

// policyAt names the policy in force at a time.
func policyAt(r dcvv2.Registration, at time.Time) string {
	var since time.Time
	for _, v := range r.Schedule.Versions() {
		if !v.From.After(at) {
			since = v.From
		}
	}
	begun := "from the first"
	if !since.IsZero() {
		begun = "since " + since.Format(time.RFC3339)
	}
	p := r.Schedule.At(at)
	return fmt.Sprintf("range %s of %s, %s of %d h, key version %d, grace %v, %s", r.Range, r.Issuer, p.Profile, p.WindowHours, p.KeyVersion, p.Grace, begun)
}

// triedWindows lists the windows whose codes would have passed.
func triedWindows(found Screened, a token.Activation) string {
	schedule, at := found.Facts.Registration.Schedule, found.Claim.At
	var tried []string
	slots := schedule.Accepted(at)
	for i, slot := range slots {
		text := "window " + windowText(slot.Window)
		if i < len(slots)-1 {
			text += " in its grace"
		}
		if p := slot.Policy; p.KeyVersion != schedule.At(at).KeyVersion || p.Profile != schedule.At(at).Profile {
			text += fmt.Sprintf(" by %s and key version %d", p.Profile, p.KeyVersion)
		}
		tried = append(tried, text)
	}
	switch {
	case schedule.At(at).OnNoMatch != dcvv2.ActionStatic:
	case found.Facts.CVK.IsZero():
		tried = append(tried, "no static CVV2, which has no key")
	default:
		tried = append(tried, "the static CVV2")
	}
	return strings.Join(tried, ", ") + fmt.Sprintf(", generation %d, sequence number %s", found.Facts.Enrolment.Generation, a.Sequence.Digits())
}

func windowText(w dcvv2.Window) string { return fmt.Sprintf("%d (%s)", w.Index, w) }

func finding(found token.Screening) string {
	switch {
	case found.Static:
		return "M, the static CVV2"
	case found.CVV2 == dcvv2.Match:
		return "M, the code of window " + windowText(found.Window)
	case found.Belonged.IsZero():
		return found.CVV2.String() + ", " + string(found.Reason)
	default:
		return found.CVV2.String() + ", " + string(found.Reason) + ", of window " + windowText(found.Belonged)
	}
}

// counted tells the account's counters with this attempt in them.
func counted(found Screened) string {
	p, a, more := found.Facts.Registration.Schedule.At(found.Claim.At), found.Facts.Attempts, "unchanged"
	if found.Failed() {
		a.FailuresInDay++
		a.FailuresInRow++
		more = "this one with them"
	}
	return fmt.Sprintf("%d of %d failures in 24 h, %d of %d in a row, %s",
		a.FailuresInDay, p.FailuresPerDayMax, a.FailuresInRow, p.FailuresInRowMax, more)
}

// throttles tells the counters of the scopes with this attempt in them.
func throttles(found Screened) string {
	var list []string
	for _, c := range found.counters {
		if found.Failed() {
			c.failures++
		}
		list = append(list, fmt.Sprintf("%s %d of %d failures in an hour", c.Name, c.failures, c.FailuresMax))
	}
	if list == nil {
		return "none"
	}
	return strings.Join(list, ", ")
}

func next(found token.Screening) string {
	if found.Ask() {
		return "the issuer is asked, with 44.10 = " + found.CVV2.String()
	}
	return "declined at once with " + string(found.Decline)
}
