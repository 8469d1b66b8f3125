package ranges

import (
	"context"
	"errors"
	"fmt"
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
	var faults []error
	fresh := map[string]bool{}
	for _, s := range stated {
		if err := r.applyOne(ctx, s, fresh); err != nil {
			faults = append(faults, fmt.Errorf("range %s of the settings: %w", s.Range, err))
		}
	}
	return errors.Join(faults...)
}

func (r *Register) applyOne(ctx context.Context, s Stated, fresh map[string]bool) error {
	if record, ok := r.records[s.Range.String()]; ok && s.saysStill(record.Said) {
		return nil
	}
	said, err := vault.EncodeRegistration(s.registration())
	if err != nil {
		return err
	}
	done, err := r.put(ctx, request{said: string(said), fresh: fresh, Change: Change{
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
