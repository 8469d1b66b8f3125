package ranges

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/vault"
)

// Change is a new range, or another policy for one that is registered.
type Change struct {
	Range  card.Range
	Issuer string // "" is that of the range registered
	// Edit makes the policy wanted of the one it would replace: the one in
	// force at From, or the last one planned when From is zero; the default
	// policy for a new range. nil keeps it. It may be called more than once.
	Edit func(dcvv2.Policy) dcvv2.Policy
	// From is when the policy takes effect: at the first window's end at or
	// after it. Zero is as soon as no code is voided: for what no code hangs on
	// at the next window's end, and in all that is planned too; for all else
	// not before what is planned. A new range has none: it is in force at once.
	From time.Time
	Void bool   // codes that were given out may become void
	By   string // who changes it, for the audit trail
}

// Applied says what became of a change.
type Applied struct {
	Registered
	New       bool      // the range was not registered before
	Changed   bool      // something changed
	Effective time.Time // the policy is, or was, in force from then; zero from the beginning
	Soonest   time.Time // when it could have taken effect by voiding codes; zero for a new range
}

// tries is how often a change is carried out against those of other gateways.
const tries = 2

// Put registers a range or changes the policy of one, durably before it is in
// force. A change that changes nothing is not stored. It is refused with
// ErrOverlap, ErrIssuer, ErrOwner, ErrAtOnce, ErrKey or ErrTooMany, with
// dcvv2.ErrPolicy and all faults of the policy at once, with
// dcvv2.ErrEffective when From is not in the future, and with
// dcvv2.ErrOutstanding when it would void codes and Void does not say so: also
// for a new range inside another, whose accounts it takes over.
func (r *Register) Put(ctx context.Context, c Change) (Applied, error) {
	r.changing.Lock()
	defer r.changing.Unlock()
	done, err := r.put(ctx, request{Change: c})
	if err != nil {
		return Applied{}, err
	}
	if err := r.bringIn(ctx, c.Range, done.New); err != nil {
		return Applied{}, err
	}
	done.Registered, _ = r.Get(c.Range)
	return done, nil
}

// bringIn brings a stored change into force. A new range that another gateway
// registered one over at the same time is taken back.
func (r *Register) bringIn(ctx context.Context, accounts card.Range, isNew bool) error {
	if !isNew {
		return r.publish()
	}
	if err := r.read(ctx); err != nil {
		return err
	}
	because := r.publish()
	if because == nil {
		return nil
	}
	is := r.records[accounts.String()]
	is.Removed = true
	return errors.Join(because, r.write(ctx, is, "firsttap", "it overlaps one that was registered at the same time", r.now()))
}

// Remove takes a range back, at once. Codes may always have been given out
// under a range in force, so void must say that they become so; else it is
// refused with dcvv2.ErrOutstanding, naming the end of the last of them.
func (r *Register) Remove(ctx context.Context, accounts card.Range, void bool, by string) error {
	r.changing.Lock()
	defer r.changing.Unlock()
	for range tries {
		if err := r.read(ctx); err != nil {
			return err
		}
		was, ok := r.records[accounts.String()]
		if !ok || was.Removed {
			return fmt.Errorf("%w: %s", ErrUnknown, accounts)
		}
		at := r.now()
		if until := was.Registration.Schedule.Outstanding(at); !void {
			return outstanding(until, "those of %s are good until %s at the latest", accounts, moment(until))
		}
		is := was
		is.Removed = true
		err := r.write(ctx, is, by, "codes that were given out are void", at)
		switch {
		case errors.Is(err, vault.ErrTaken):
			continue
		case err != nil:
			return err
		}
		return r.publish()
	}
	return ErrContended
}

// request is a change with what the settings file says, when it is the one
// that asks.
type request struct {
	Change
	said  string          // "" keeps what it said last
	fresh map[string]bool // ranges that were registered just now, under which there are no codes
}

// put carries out a change in the store and in r.records.
func (r *Register) put(ctx context.Context, q request) (Applied, error) {
	for range tries {
		if err := r.read(ctx); err != nil {
			return Applied{}, err
		}
		at := r.now()
		is, done, err := r.plan(q, at)
		if err != nil || !done.Changed && q.said == "" {
			return done, err
		}
		if err := r.ensure(q.Range, last(is.Registration.Schedule)); err != nil {
			return Applied{}, err
		}
		was := r.records[q.Range.String()]
		err = r.write(ctx, is, q.By, describe(was, is, done, q.Void), at)
		if errors.Is(err, vault.ErrTaken) {
			continue
		}
		return done, err
	}
	return Applied{}, ErrContended
}

// plan finds what the record of the range must become.
func (r *Register) plan(q request, at time.Time) (vault.RangeRecord, Applied, error) {
	is, known := r.records[q.Range.String()]
	if q.said != "" {
		is.Said = q.said
	}
	if !known || is.Removed {
		return r.planNew(is, q, at)
	}
	registration := is.Registration
	if q.Issuer != "" && q.Issuer != registration.Issuer {
		return is, Applied{}, fmt.Errorf("%w: %s belongs to %q", ErrOwner, q.Range, registration.Issuer)
	}
	schedule, err := rescheduled(registration.Schedule, q, at)
	if err != nil {
		return is, Applied{}, err
	}
	is.Registration.Schedule = schedule
	versions := schedule.Versions()
	return is, Applied{
		Changed:   !slices.Equal(versions, registration.Schedule.Versions()),
		Effective: effective(registration.Schedule.Versions(), versions),
		Soonest:   registration.Schedule.SlotAt(at).End,
	}, nil
}

// rescheduled puts the policy wanted in its place. Without a time and without
// leave to void codes, what no code hangs on changes now and in all that is
// planned, and all else comes no earlier than what is planned last.
func rescheduled(s dcvv2.Schedule, q request, at time.Time) (dcvv2.Schedule, error) {
	wanted := q.edited(replaced(s, q.From))
	if q.From.IsZero() && !q.Void {
		if amended, err := s.Amend(q.edited, at); !errors.Is(err, dcvv2.ErrOutstanding) {
			return amended, err
		}
		versions := s.Versions()
		if planned := versions[len(versions)-1].From; planned.After(at) {
			if with, err := s.Change(wanted, at, planned, false); !errors.Is(err, dcvv2.ErrOutstanding) {
				return with, err
			}
		}
	}
	return s.Change(wanted, at, q.From, q.Void)
}

// effective is when a changed schedule first differs from what it was; when
// its last policy came into force if it does not.
func effective(was, is []dcvv2.Version) time.Time {
	for i, v := range is {
		if i >= len(was) || v != was[i] {
			return v.From
		}
	}
	return is[len(is)-1].From
}

// replaced is the policy that a change from a time on would replace.
func replaced(s dcvv2.Schedule, from time.Time) dcvv2.Policy {
	if from.IsZero() {
		return last(s)
	}
	return s.At(from)
}

// last is the policy that is planned last, or in force when none is planned.
func last(s dcvv2.Schedule) dcvv2.Policy {
	versions := s.Versions()
	return versions[len(versions)-1].Policy
}

func (c Change) edited(p dcvv2.Policy) dcvv2.Policy {
	if c.Edit == nil {
		return p
	}
	return c.Edit(p)
}

// planNew plans a range that is not registered, or not any more.
func (r *Register) planNew(is vault.RangeRecord, q request, at time.Time) (vault.RangeRecord, Applied, error) {
	policy := q.edited(dcvv2.DefaultPolicy())
	is.Removed = false
	is.Registration = dcvv2.Registration{Range: q.Range, Issuer: q.Issuer, Schedule: dcvv2.Always(policy)}
	if err := r.admissible(q, policy); err != nil {
		return is, Applied{}, err
	}
	for _, other := range r.standing() {
		if _, err := dcvv2.NewRegistry(other.Registration, is.Registration); err != nil {
			return is, Applied{}, fmt.Errorf("%w: %w", ErrOverlap, err)
		}
	}
	if err := r.takesOver(q, at); err != nil {
		return is, Applied{}, err
	}
	return is, Applied{New: true, Changed: true}, nil
}

// admissible holds a new range against all but the other ranges.
func (r *Register) admissible(q request, policy dcvv2.Policy) error {
	switch {
	case !slices.Contains(r.Issuers, q.Issuer):
		return fmt.Errorf("%w: range %s, issuer %q", ErrIssuer, q.Range, q.Issuer)
	case !q.From.IsZero():
		return ErrAtOnce
	case !r.TokenRange.IsZero() && q.Range.Overlaps(r.TokenRange):
		return fmt.Errorf("%w: %s shares numbers with %s, which tokens are drawn from", ErrOverlap, q.Range, r.TokenRange)
	case len(r.standing()) >= RegisteredMax:
		return ErrTooMany
	}
	return policy.Validate()
}

// takesOver refuses a new range inside another under which codes may have been
// given out: its accounts change their key at once.
func (r *Register) takesOver(q request, at time.Time) error {
	if q.Void {
		return nil
	}
	for _, wide := range r.standing() {
		accounts := wide.Registration.Range
		if accounts.Overlaps(q.Range) && q.Range.NarrowerThan(accounts) && !q.fresh[accounts.String()] {
			until := wide.Registration.Schedule.Outstanding(at)
			return outstanding(until, "%s takes accounts over from %s, whose codes are good until %s at the latest", q.Range, accounts, moment(until))
		}
	}
	return nil
}

// write stores a record and keeps it as the store has it then.
func (r *Register) write(ctx context.Context, is vault.RangeRecord, by, detail string, at time.Time) error {
	if err := r.store.PutRange(ctx, is, by, detail, at); err != nil {
		return err
	}
	is.Revision++
	r.records[is.Registration.Range.String()] = is
	r.Log.Info().Stringer("range", is.Registration.Range).Str("issuer", is.Registration.Issuer).
		Str("by", by).Str("change", detail).Msg("range changed")
	return nil
}

// outstanding is dcvv2.ErrOutstanding where waiting does not help.
func outstanding(until time.Time, format string, args ...any) error {
	return &voidError{until: until, what: fmt.Sprintf(format, args...)}
}

type voidError struct {
	until time.Time
	what  string
}

func (e *voidError) Error() string {
	return fmt.Sprintf("%v: %s; void them on purpose", dcvv2.ErrOutstanding, e.what)
}

func (e *voidError) Unwrap() error { return &dcvv2.OutstandingError{Until: e.until} }

func moment(t time.Time) string { return t.UTC().Format(time.RFC3339) }
