package ranges

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/vault"
)

// BySettings is who changed a range that the settings file stated, as the
// audit trail names it.
const BySettings = "the settings file"

// Stated is a range as the settings file says it. The store remembers what the
// file said last. What it says anew or otherwise is a change like an
// operator's; what it says still is not, so that an operator's later change
// outlives a start with the same file. A range that it says no more stays.
type Stated struct {
	Range  card.Range
	Issuer string
	Policy dcvv2.Policy
}

// registration is the range as if nothing had ever been changed.
func (s Stated) registration() dcvv2.Registration {
	return dcvv2.Registration{Range: s.Range, Issuer: s.Issuer, Schedule: dcvv2.Always(s.Policy)}
}

// saysStill reports whether the file said the same before. It compares the
// meaning, so that a member that policies get later makes no statement new.
func (s Stated) saysStill(said string) bool {
	before, err := vault.DecodeRegistration([]byte(said))
	if err != nil {
		return false
	}
	return before.Range == s.Range && before.Issuer == s.Issuer && before.Schedule.At(time.Time{}) == s.Policy
}

// applyStated applies what the settings file says, and gives all faults.
func (r *Register) applyStated(ctx context.Context, stated []Stated) error {
	return r.eachStated(stated, func(_ Stated, q request) (Applied, error) { return r.put(ctx, q) })
}

// eachStated makes a request of each statement that is new, and gives all
// faults.
func (r *Register) eachStated(stated []Stated, do func(Stated, request) (Applied, error)) error {
	var faults []error
	fresh := map[string]bool{}
	for _, s := range stated {
		if err := r.applyOne(s, fresh, do); err != nil {
			faults = append(faults, fmt.Errorf("range %s of the settings: %w", s.Range, err))
		}
	}
	return errors.Join(faults...)
}

func (r *Register) applyOne(s Stated, fresh map[string]bool, do func(Stated, request) (Applied, error)) error {
	if record, ok := r.records[s.Range.String()]; ok && s.saysStill(record.Said) {
		return nil
	}
	said, err := vault.EncodeRegistration(s.registration())
	if err != nil {
		return err
	}
	done, err := do(s, request{said: string(said), fresh: fresh, Change: Change{
		Range: s.Range, Issuer: s.Issuer, By: BySettings,
		Edit: func(dcvv2.Policy) dcvv2.Policy { return s.Policy },
	}})
	if done.New {
		fresh[s.Range.String()] = true
	}
	if errors.Is(err, dcvv2.ErrOutstanding) {
		return fmt.Errorf("%w, with `firsttap ranges set %s --issuer %s --void` while the gateway runs without it", err, s.Range, s.Issuer)
	}
	return err
}

// Check gives everything for which Restate would refuse what the settings file
// states now, with the issuers that have a station now. It changes nothing; keys
// that are missing may be made.
func (r *Register) Check(ctx context.Context, stated []Stated, issuers []string) error {
	r.changing.Lock()
	defer r.changing.Unlock()
	if err := r.read(ctx); err != nil {
		return err
	}
	kept, before := maps.Clone(r.records), r.Issuers
	r.Issuers = issuers
	defer func() { r.records, r.Issuers = kept, before }()
	return r.eachStated(stated, func(s Stated, q request) (Applied, error) {
		is, done, err := r.plan(q, r.now())
		if err != nil {
			return done, err
		}
		r.records[s.Range.String()] = is // so that what follows is held against it
		return done, r.ensure(s.Range, last(is.Registration.Schedule))
	})
}

// Restate applies what the settings file states now, as Open does, with the
// issuers that have a station now: ranges of others become dormant. All faults
// are given at once; what was stated without fault is in force all the same, so
// that Check comes first.
func (r *Register) Restate(ctx context.Context, stated []Stated, issuers []string) error {
	r.changing.Lock()
	defer r.changing.Unlock()
	if err := r.read(ctx); err != nil {
		return err
	}
	r.Issuers = issuers
	faults := r.applyStated(ctx, stated)
	return errors.Join(faults, r.publish(), r.ensureAll())
}
