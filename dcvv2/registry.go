package dcvv2

import (
	"errors"
	"fmt"
	"slices"

	"github.com/firsttap/firsttap/card"
)

// ErrRegistry is what NewRegistry wraps.
var ErrRegistry = errors.New("the ranges cannot be registered")

// Registration is a range that an issuer registered, with its policies. The
// zero value is none.
type Registration struct {
	Range    card.Range
	Issuer   string
	Schedule Schedule
}

// IsZero reports whether r is none.
func (r Registration) IsZero() bool { return r.Range.IsZero() && r.Issuer == "" }

// Ranges knows the registrations in force: a Registry, or whatever holds the
// Registry of now. It may be used by many goroutines.
type Ranges interface {
	// Find gives the registration of the narrowest range that contains pan.
	Find(pan card.PAN) (Registration, bool)
	// All lists the registrations, narrow ranges first.
	All() []Registration
}

// Registry finds the registration that applies to a PAN. It does not change
// once made and may be used by many goroutines.
type Registry struct {
	narrowFirst []Registration
}

// NewRegistry takes registrations in any order. It refuses a registration
// without range or issuer or with a policy that is not valid, ranges of two
// issuers that overlap, and ranges of one issuer that overlap without one
// being narrower. All faults are reported at once.
func NewRegistry(registrations ...Registration) (*Registry, error) {
	var faults []error
	for i, r := range registrations {
		if err := r.validate(); err != nil {
			faults = append(faults, fmt.Errorf("%w: range %s of issuer %q: %w", ErrRegistry, r.Range, r.Issuer, err))
		}
		for _, other := range registrations[:i] {
			faults = append(faults, conflict(other, r))
		}
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	sorted := slices.Clone(registrations)
	slices.SortStableFunc(sorted, byWidth)
	return &Registry{narrowFirst: sorted}, nil
}

func (r Registration) validate() error {
	switch {
	case r.Range.IsZero():
		return errors.New("the range is missing")
	case r.Issuer == "":
		return errors.New("the issuer is missing")
	}
	return r.Schedule.Validate()
}

func conflict(a, b Registration) error {
	switch {
	case a.Range.IsZero() || b.Range.IsZero() || !a.Range.Overlaps(b.Range):
		return nil
	case a.Issuer != b.Issuer:
		return fmt.Errorf("%w: %s of issuer %q overlaps %s of issuer %q", ErrRegistry, a.Range, a.Issuer, b.Range, b.Issuer)
	case byWidth(a, b) == 0:
		return fmt.Errorf("%w: %s and %s overlap and neither is narrower", ErrRegistry, a.Range, b.Range)
	}
	return nil
}

func byWidth(a, b Registration) int {
	switch {
	case a.Range.NarrowerThan(b.Range):
		return -1
	case b.Range.NarrowerThan(a.Range):
		return 1
	}
	return 0
}

// Find gives the registration of the narrowest range that contains pan.
func (r *Registry) Find(pan card.PAN) (Registration, bool) {
	for i := range r.narrowFirst {
		if r.narrowFirst[i].Range.Contains(pan) {
			return r.narrowFirst[i], true
		}
	}
	return Registration{}, false
}

// All lists the registrations, narrow ranges first.
func (r *Registry) All() []Registration { return slices.Clone(r.narrowFirst) }
