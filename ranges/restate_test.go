package ranges_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/ranges"
)

func stating(digits, issuer string, windowHours int) ranges.Stated {
	p := dcvv2.DefaultPolicy()
	p.WindowHours = windowHours
	return ranges.Stated{Range: card.MustRange(digits), Issuer: issuer, Policy: p}
}

// What is said anew while the gateway runs is applied as at a start, and an
// issuer that gets a station wakes its ranges.
func TestRestate(t *testing.T) {
	b := newBench(t)
	first := stating("4761739", "harbour", 1)
	r := b.open(first)
	both := []ranges.Stated{first, stating("400000", "newbank", 2)}
	issuers := []string{"harbour", "newbank"}
	if err := r.Check(ctx, both, issuers); err != nil {
		t.Fatal(err)
	}
	if len(r.List()) != 1 || r.Issuers[1] != "haven" {
		t.Error("a check changes something")
	}
	if err := r.Restate(ctx, both, issuers); err != nil {
		t.Fatal(err)
	}
	if one, ok := r.Get(card.MustRange("400000")); !ok || one.Dormant || one.Schedule.At(b.now()).WindowHours != 2 {
		t.Errorf("the new range is %+v", one)
	}
	revision := func() int64 { one, _ := r.Get(cards); return one.Revision }
	before := revision()
	if err := r.Restate(ctx, both[:1], []string{"harbour"}); err != nil || revision() != before {
		t.Errorf("what is said still is a change: %v", err)
	}
	if one, _ := r.Get(card.MustRange("400000")); !one.Dormant || len(r.All()) != 1 {
		t.Error("a range of an issuer without a station is in force")
	}
}

// Everything that Restate would refuse is said by Check, which changes nothing.
func TestCheckSaysAllFaults(t *testing.T) {
	b := newBench(t)
	r := b.open(stating("4761739", "harbour", 1))
	faulty := []ranges.Stated{
		stating("4761739", "haven", 1),    // harbour's
		stating("400000", "nobody", 1),    // no station
		stating("40000100", "harbour", 1), // good
		stating("47617390", "harbour", 1), // takes accounts over
	}
	err := r.Check(ctx, faulty, []string{"harbour", "haven"})
	for _, want := range []error{ranges.ErrOwner, ranges.ErrIssuer, dcvv2.ErrOutstanding} {
		if !errors.Is(err, want) {
			t.Errorf("%v is not said in %v", want, err)
		}
	}
	if n := strings.Count(err.Error(), "\n") + 1; n != 3 {
		t.Errorf("%d faults: %v", n, err)
	}
	b.noKeys = errors.New("no key")
	if err := r.Check(ctx, faulty[2:3], []string{"harbour"}); !errors.Is(err, ranges.ErrKey) {
		t.Errorf("a key that cannot be had: %v", err)
	}
	if len(r.List()) != 1 {
		t.Errorf("there are %d ranges", len(r.List()))
	}
	if _, err := r.Put(ctx, ranges.Change{Range: card.MustRange("40000100"), Issuer: "haven", By: "ada"}); err == nil {
		t.Error("the key is there after all") // noKeys holds for Put too
	}
	b.noKeys = nil
	if _, err := r.Put(ctx, ranges.Change{Range: card.MustRange("40000100"), Issuer: "haven", By: "ada"}); err != nil {
		t.Errorf("after a check, the issuers are not as before: %v", err)
	}
}
