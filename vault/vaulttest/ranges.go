package vaulttest

import (
	"errors"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/vault"
)

var rangeTests = []test{
	{"ranges are stored with all versions", rangesStored},
	{"a range is changed by whoever saw it last", rangeRevisions},
	{"a range that is not valid is refused", rangeIllFormed},
	{"the trail tells of ranges", rangeTrail},
}

// rangeRecord is the n-th range, not stored yet.
func rangeRecord(n int) vault.RangeRecord {
	digits := "4761739" + string(rune('0'+n))
	return vault.RangeRecord{Registration: dcvv2.Registration{
		Range: card.MustRange(digits), Issuer: "greenbank", Schedule: dcvv2.Always(dcvv2.DefaultPolicy()),
	}}
}

func (b *bench) put(r vault.RangeRecord) vault.RangeRecord {
	b.Helper()
	b.must(b.store.PutRange(b.ctx, r, "operator", "", noon))
	r.Revision++
	return r
}

func (b *bench) ranges(want ...vault.RangeRecord) {
	b.Helper()
	got, err := b.store.Ranges(b.ctx)
	b.must(err)
	// A schedule shows its versions only.
	schedules := cmp.Comparer(func(x, y dcvv2.Schedule) bool { return cmp.Equal(x.Versions(), y.Versions()) })
	digits := cmp.Comparer(func(x, y card.Range) bool { return x == y })
	if diff := cmp.Diff(want, got, schedules, digits); diff != "" {
		b.Errorf("ranges (-want +got):\n%s", diff)
	}
}

func rangesStored(b *bench) {
	b.ranges()
	second, first := rangeRecord(2), rangeRecord(1)
	other := dcvv2.DefaultPolicy()
	other.WindowHours, other.EnrolByDefault, other.OnNoMatch = 6, true, dcvv2.ActionStatic
	next := noon.Truncate(time.Hour).Add(time.Hour)
	var err error
	first.Registration.Schedule, err = dcvv2.NewSchedule(dcvv2.Version{Policy: dcvv2.DefaultPolicy()}, dcvv2.Version{From: next, Policy: other})
	b.must(err)
	first.Said = "sha256:0011"
	second.Removed = true
	second, first = b.put(second), b.put(first)
	b.ranges(first, second)
	b.reopen()
	b.ranges(first, second)
}

func rangeRevisions(b *bench) {
	r := rangeRecord(1)
	first := b.put(r)
	if err := b.store.PutRange(b.ctx, r, "operator", "", noon); !errors.Is(err, vault.ErrTaken) {
		b.Errorf("for the second time: %v", err)
	}
	changed := first
	changed.Said = "changed"
	changed = b.put(changed)
	before := b.trail()
	for _, revision := range []int64{-1, 0, 1, 3} {
		late := first
		late.Revision, late.Said = revision, "late"
		if err := b.store.PutRange(b.ctx, late, "operator", "", noon); !errors.Is(err, vault.ErrTaken) {
			b.Errorf("over revision %d: %v", revision, err)
		}
	}
	unknown := rangeRecord(2)
	unknown.Revision = 1
	if err := b.store.PutRange(b.ctx, unknown, "operator", "", noon); !errors.Is(err, vault.ErrTaken) {
		b.Errorf("over a range never stored: %v", err)
	}
	b.ranges(changed)
	if len(b.trail()) != len(before) {
		b.Error("a change that was refused is in the trail")
	}
}

func rangesParallel(b *bench) {
	r := b.put(rangeRecord(1))
	done := make([]bool, callers)
	b.atOnce(func(n int) error {
		err := b.store.PutRange(b.ctx, r, "operator", "", noon)
		done[n] = err == nil
		if errors.Is(err, vault.ErrTaken) {
			return nil
		}
		return err
	})
	b.only(done)
	r.Revision++
	b.ranges(r)
}

func rangeIllFormed(b *bench) {
	bad := rangeRecord(1)
	bad.Registration.Issuer = ""
	if err := b.store.PutRange(b.ctx, bad, "operator", "", noon); !errors.Is(err, dcvv2.ErrRegistry) {
		b.Errorf("without an issuer: %v", err)
	}
	bad = rangeRecord(1)
	bad.Registration.Schedule = dcvv2.Schedule{}
	if err := b.store.PutRange(b.ctx, bad, "operator", "", noon); !errors.Is(err, dcvv2.ErrRegistry) {
		b.Errorf("without a policy: %v", err)
	}
	b.ranges()
}

func rangeTrail(b *bench) {
	r := b.put(rangeRecord(1))
	b.must(b.store.PutRange(b.ctx, r, "console", "grace 15m0s to 5m0s", noon))
	r.Revision++
	for _, removed := range []bool{true, true, false} {
		r.Removed = removed
		r = b.put(r)
	}
	want := []string{
		"range registered|revision 1, by operator",
		"range changed|revision 2, by console: grace 15m0s to 5m0s",
		"range removed|revision 3, by operator",
		"range changed|revision 4, by operator",
		"range registered|revision 5, by operator",
	}
	var got []string
	for _, e := range b.trail() {
		got = append(got, e.Event+"|"+e.Detail)
		if !strings.HasPrefix(e.Subject, "47617391") || !e.At.Equal(noon) {
			b.Errorf("entry %d is about %q at %s", e.Number, e.Subject, e.At)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		b.Errorf("(-want +got):\n%s", diff)
	}
	b.must(vault.VerifyChain(b.trail(), [32]byte{}))
}
