package client

import (
	"context"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/firsttap/firsttap/api/wire"
	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/dcvv2"
)

// Codes of problems with account ranges.
const (
	CodeRangeNotFound = wire.CodeRangeNotFound // 404: no such range is registered
	CodeRangeOverlaps = wire.CodeRangeOverlaps // 409: it overlaps another, or the tokens' range
	CodeRangeTaken    = wire.CodeRangeTaken    // 409: it is another issuer's
	CodeRangeChanged  = wire.CodeRangeChanged  // 409: another gateway changes it: look and try again
	CodeRangesFull    = wire.CodeRangesFull    // 409: there are too many
	CodeIssuerUnknown = wire.CodeIssuerUnknown // 400: the issuer has no station
	CodePolicyInvalid = wire.CodePolicyInvalid // 400: the detail names all faults
	CodeCodesOut      = wire.CodeCodesOut      // 409: codes would be void; the detail says until when they are good
	CodeKeyMissing    = wire.CodeKeyMissing    // 409: no key of that version can be had
)

// PolicyChange is the members of a policy that are to be changed; nil stays.
type PolicyChange = wire.PolicyChange

// States of a version of a range's policy.
const (
	StatePast    = wire.RangeStatePast
	StateInForce = wire.RangeStateInForce
	StatePlanned = wire.RangeStatePlanned
)

// Range is an account range as operators see it.
type Range = wire.Range

// RangeVersion is a policy of a range and its time.
type RangeVersion = wire.RangeVersion

// RangeApplied says what became of a change.
type RangeApplied = wire.RangeApplied

// RangeChange is a new range, or what is to change of one that is registered.
type RangeChange struct {
	Issuer string // optional for a range that is registered
	Policy PolicyChange
	From   time.Time // zero: as soon as no code is voided
	Void   bool      // codes that were given out may become void
}

// Ranges lists the account ranges, without versions that are past.
func (o Operator) Ranges(ctx context.Context) ([]Range, error) {
	doc, err := o.door().call(ctx, http.MethodGet, wire.RangesPath, nil)
	if err != nil {
		return nil, err
	}
	items, ok := doc.List(wire.RangeList)
	a := &answer{doc: doc}
	if !ok {
		a.wrong(wire.RangeList, "a list")
	}
	list := make([]Range, 0, len(items))
	for _, item := range items {
		one := &answer{doc: item}
		list = append(list, one.accountRange())
		if one.fault != nil {
			return nil, one.fault
		}
	}
	return list, a.fault
}

// Range shows an account range with all its versions.
func (o Operator) Range(ctx context.Context, accounts card.Range) (Range, error) {
	doc, err := o.door().call(ctx, http.MethodGet, rangeAddress(accounts), nil)
	if err != nil {
		return Range{}, err
	}
	a := &answer{doc: doc}
	one := a.accountRange()
	return one, a.fault
}

// PutRange registers a range, or changes its policy.
func (o Operator) PutRange(ctx context.Context, accounts card.Range, c RangeChange) (RangeApplied, error) {
	body := c.Policy.Members()
	if c.Issuer != "" {
		body = append(body, wire.Text(wire.RangeIssuer, c.Issuer))
	}
	if !c.From.IsZero() {
		body = append(body, wire.Text(wire.RangeVersionFrom, c.From.UTC().Format(time.RFC3339)))
	}
	body = append(body, wire.Bool(wire.RangeVoid, c.Void))
	doc, err := o.door().call(ctx, http.MethodPut, rangeAddress(accounts), body)
	if err != nil {
		return RangeApplied{}, err
	}
	a := &answer{doc: doc}
	done := RangeApplied{
		Range: a.accountRange(), New: a.bool(wire.RangeNew), Changed: a.bool(wire.RangeChanged),
		Effective: a.optionalTime(wire.RangeEffective), Soonest: a.optionalTime(wire.RangeSoonest),
	}
	return done, a.fault
}

// RemoveRange takes a range back, at once. Without void it is refused
// (CodeCodesOut), because codes may be good still.
func (o Operator) RemoveRange(ctx context.Context, accounts card.Range, void bool) error {
	address := rangeAddress(accounts)
	if void {
		address += "?" + wire.RangeVoid + "=true"
	}
	_, err := o.door().call(ctx, http.MethodDelete, address, nil)
	return err
}

func rangeAddress(accounts card.Range) string {
	return strings.Replace(wire.RangePath, "{range}", accounts.String(), 1)
}

func (a *answer) accountRange() Range {
	one := Range{
		Range:    parsed(a, wire.RangeDigits, card.ParseRange),
		Issuer:   a.text(wire.RangeIssuer),
		Dormant:  a.bool(wire.RangeDormant),
		Revision: a.number(wire.RangeRevision, 1, math.MaxInt64),
	}
	items, _ := a.doc.List(wire.RangeVersions)
	for _, item := range items {
		one.Versions = append(one.Versions, a.version(item))
	}
	if len(one.Versions) == 0 {
		a.wrong(wire.RangeVersions, "a list of policies")
	}
	return one
}

func (a *answer) version(doc wire.Document) RangeVersion {
	v := &answer{doc: doc}
	policy, err := wire.ReadPolicyChange(doc)
	if err != nil || !policy.IsWhole() {
		v.wrong(wire.RangeVersions, "a list of whole policies")
	}
	one := RangeVersion{State: v.text(wire.RangeState), From: v.optionalTime(wire.RangeVersionFrom), Policy: policy.Of(dcvv2.Policy{})}
	if !slices.Contains([]string{StatePast, StateInForce, StatePlanned}, one.State) {
		v.wrong(wire.RangeState, "a state")
	}
	if a.fault == nil {
		a.fault = v.fault
	}
	return one
}
