package wire

import (
	"encoding/json"
	"time"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/dcvv2"
)

// Range is an account range as operators see it. It marshals as it stands in
// answers.
type Range struct {
	Range    card.Range
	Issuer   string
	Dormant  bool           // its issuer has no station, and nothing is checked under it
	Revision int64          // counts its changes from 1
	Versions []RangeVersion // oldest first
}

// RangeVersion is a policy of a range and its time.
type RangeVersion struct {
	State  string    // RangeStatePast, RangeStateInForce or RangeStatePlanned
	From   time.Time // zero for the first
	Policy dcvv2.Policy
}

// RangeApplied says what became of a change. It marshals as its answer.
type RangeApplied struct {
	Range
	New       bool
	Changed   bool
	Effective time.Time // the policy is in force from then; zero from the beginning
	Soonest   time.Time // when it could take effect by voiding codes; zero for a new range
}

// Members are the members of an answer that shows the range.
func (r Range) Members() Object {
	items := make([]Object, 0, len(r.Versions))
	for _, v := range r.Versions {
		item := append(Object{Text(RangeState, v.State)}, moment(RangeVersionFrom, v.From)...)
		items = append(items, append(item, WholePolicy(v.Policy).Members()...))
	}
	return Object{
		Text(RangeDigits, r.Range.String()), Text(RangeIssuer, r.Issuer), Bool(RangeDormant, r.Dormant),
		Integer(RangeRevision, r.Revision), List(RangeVersions, items),
	}
}

// Members are the members of the answer to a change.
func (a RangeApplied) Members() Object {
	o := append(a.Range.Members(), Bool(RangeChanged, a.Changed), Bool(RangeNew, a.New))
	o = append(o, moment(RangeEffective, a.Effective)...)
	return append(o, moment(RangeSoonest, a.Soonest)...)
}

// moment is a member that is a time, or none for no time.
func moment(path string, t time.Time) Object {
	if t.IsZero() {
		return nil
	}
	return Object{Text(path, t.UTC().Format(time.RFC3339))}
}

// MarshalJSON is the answer that shows the range.
func (r Range) MarshalJSON() ([]byte, error) { return json.Marshal(r.Members()) }

// MarshalJSON is the answer to a change.
func (a RangeApplied) MarshalJSON() ([]byte, error) { return json.Marshal(a.Members()) }
