package api

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/firsttap/firsttap/api/wire"
	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/ranges"
)

// Ranges shows and changes the account ranges in force. *ranges.Register is
// one; its methods are documented there.
type Ranges interface {
	// List lists all ranges in the order of their digits.
	List() []ranges.Registered
	// Get gives one of them.
	Get(accounts card.Range) (ranges.Registered, bool)
	// Put registers a range or changes its policy.
	Put(ctx context.Context, c ranges.Change) (ranges.Applied, error)
	// Remove takes a range back.
	Remove(ctx context.Context, accounts card.Range, void bool, by string) error
}

// anOperator is who changes a range where callers have no names.
const anOperator = "operator"

func (v *visit) by() string {
	if v.caller == nil {
		return anOperator
	}
	return v.caller.Name
}

// routeRanges serves the addresses of account ranges, when they can be changed.
func (a *API) routeRanges(mux *http.ServeMux) {
	if a.ranges == nil {
		return
	}
	route(mux, http.MethodGet, wire.RangesPath, a.listRanges)
	routes(mux, wire.RangePath, map[string]act{
		http.MethodGet: a.showRange, http.MethodPut: a.putRange, http.MethodDelete: a.removeRange,
	})
}

func (a *API) listRanges(*http.Request, *visit) (reply, error) {
	at := a.now()
	items := make([]wire.Object, 0)
	for _, one := range a.ranges.List() {
		items = append(items, rangeAnswer(one, at, false).Members())
	}
	return reply{status: http.StatusOK, body: wire.Object{wire.List(wire.RangeList, items)}}, nil
}

func (a *API) showRange(r *http.Request, v *visit) (reply, error) {
	accounts, err := readRange(r, v)
	if err != nil {
		return reply{}, err
	}
	one, ok := a.ranges.Get(accounts)
	if !ok {
		return reply{}, rangeProblem(ranges.ErrUnknown)
	}
	return reply{status: http.StatusOK, body: rangeAnswer(one, a.now(), true).Members()}, nil
}

// putRange registers a range, or changes what the body names of one that is
// registered: 201 or 200.
func (a *API) putRange(r *http.Request, v *visit) (reply, error) {
	accounts, err := readRange(r, v)
	if err != nil {
		return reply{}, err
	}
	doc, err := readDocument(r, append(wire.PolicyMembers(), wire.RangeIssuer, wire.RangeVersionFrom, wire.RangeVoid)...)
	if err != nil {
		return reply{}, err
	}
	f := &fields{doc: doc}
	c := ranges.Change{
		Range: accounts, Issuer: f.optionalWord(wire.RangeIssuer), By: v.by(),
		From: f.optionalTime(wire.RangeVersionFrom), Void: f.flag(wire.RangeVoid),
	}
	if f.fault != nil {
		return reply{}, f.fault
	}
	policy, err := wire.ReadPolicyChange(doc)
	if err != nil {
		return reply{}, err
	}
	c.Edit = policy.Of
	done, err := a.ranges.Put(r.Context(), c)
	if err != nil {
		return reply{}, rangeProblem(err)
	}
	status := http.StatusOK
	if done.New {
		status = http.StatusCreated
	}
	answer := wire.RangeApplied{
		Range: rangeAnswer(done.Registered, a.now(), true),
		New:   done.New, Changed: done.Changed, Effective: done.Effective, Soonest: done.Soonest,
	}
	return reply{status: status, body: answer.Members()}, nil
}

func (a *API) removeRange(r *http.Request, v *visit) (reply, error) {
	if err := noBody(r); err != nil {
		return reply{}, err
	}
	accounts, err := readRange(r, v)
	if err != nil {
		return reply{}, err
	}
	void, err := readVoid(r.URL.RawQuery)
	if err != nil {
		return reply{}, err
	}
	if err := a.ranges.Remove(r.Context(), accounts, void, v.by()); err != nil {
		return reply{}, rangeProblem(err)
	}
	return reply{status: http.StatusNoContent}, nil
}

// readRange reads the range of an address. The log names it.
func readRange(r *http.Request, v *visit) (card.Range, error) {
	accounts, err := card.ParseRange(r.PathValue("range"))
	if err != nil {
		return card.Range{}, wire.Fault(wire.CodeFieldValue, wire.RangeDigits, "name a range in the address: "+err.Error())
	}
	v.accounts = accounts
	return accounts, nil
}

// readVoid reads a query, which may say void=true or void=false.
func readVoid(query string) (bool, error) {
	values, err := url.ParseQuery(query)
	for name := range values {
		if name != wire.RangeVoid {
			return false, wire.Fault(wire.CodeFieldUnknown, "", "remove what follows the address but for "+wire.RangeVoid)
		}
	}
	sent := values[wire.RangeVoid]
	if err != nil || len(sent) > 1 || len(sent) == 1 && sent[0] != "true" && sent[0] != "false" {
		return false, wire.Fault(wire.CodeFieldValue, wire.RangeVoid, "send true or false, once")
	}
	return len(sent) == 1 && sent[0] == "true", nil
}

// rangeAnswer shows a range with its versions, those that are past too when
// whole.
func rangeAnswer(one ranges.Registered, at time.Time, whole bool) wire.Range {
	answer := wire.Range{Range: one.Range, Issuer: one.Issuer, Dormant: one.Dormant, Revision: one.Revision}
	versions := one.Schedule.Versions()
	for i, v := range versions {
		state := wire.RangeStateInForce
		switch {
		case v.From.After(at):
			state = wire.RangeStatePlanned
		case i+1 < len(versions) && !versions[i+1].From.After(at):
			state = wire.RangeStatePast
		}
		if whole || state != wire.RangeStatePast {
			answer.Versions = append(answer.Versions, wire.RangeVersion{State: state, From: v.From, Policy: v.Policy})
		}
	}
	return answer
}

// refusals are what the ranges refuse a change for. The texts of these errors
// say what to do.
var refusals = []struct {
	err    error
	status int
	code   string
	field  string
}{
	{ranges.ErrUnknown, http.StatusNotFound, wire.CodeRangeNotFound, wire.RangeDigits},
	{ranges.ErrOverlap, http.StatusConflict, wire.CodeRangeOverlaps, wire.RangeDigits},
	{ranges.ErrOwner, http.StatusConflict, wire.CodeRangeTaken, wire.RangeIssuer},
	{ranges.ErrIssuer, http.StatusBadRequest, wire.CodeIssuerUnknown, wire.RangeIssuer},
	{ranges.ErrAtOnce, http.StatusBadRequest, wire.CodeFieldValue, wire.RangeVersionFrom},
	{dcvv2.ErrEffective, http.StatusBadRequest, wire.CodeFieldValue, wire.RangeVersionFrom},
	{dcvv2.ErrOutstanding, http.StatusConflict, wire.CodeCodesOut, ""},
	{dcvv2.ErrPolicy, http.StatusBadRequest, wire.CodePolicyInvalid, ""},
	{ranges.ErrKey, http.StatusConflict, wire.CodeKeyMissing, wire.PolicyKeyVersion},
	{ranges.ErrTooMany, http.StatusConflict, wire.CodeRangesFull, ""},
	{ranges.ErrContended, http.StatusConflict, wire.CodeRangeChanged, ""},
}

// rangeProblem tells a refusal apart from a store that cannot answer.
func rangeProblem(err error) error {
	for _, one := range refusals {
		if errors.Is(err, one.err) {
			detail := strings.ReplaceAll(err.Error(), "\n", "; ")
			return &wire.Problem{Status: one.status, Code: one.code, Field: one.field, Detail: detail}
		}
	}
	return outOfReach(err)
}
