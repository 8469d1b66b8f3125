// Package ranges knows the account ranges in force and changes them while
// others look: which issuer registered which range, and its policies one after
// the other.
//
// The store is the truth. A change is durable before it is in force, stands in
// the audit trail with what changed and by whom, and takes effect at a window's
// end, so that it voids no code that may have been given out unless that is
// meant. What the settings file says is applied once, when it is said: see
// Stated. The package gives no codes and holds no keys. Start at Open.
package ranges

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/vault"
)

// Limits. Both are ours.
const (
	// RegisteredMax is the most ranges, dormant ones with them: a request looks
	// through all of them for its own.
	RegisteredMax = 1024
	// RefreshEvery is how often Run looks for changes that another gateway on
	// the same store made. Another key, profile or length of windows takes effect
	// so soon only where it voids codes on purpose.
	RefreshEvery = 2 * time.Second
)

// Errors of changes, beside dcvv2.ErrPolicy, dcvv2.ErrOutstanding and
// dcvv2.ErrEffective. None of them carries card data.
var (
	ErrOverlap   = errors.New("the range overlaps another")
	ErrIssuer    = errors.New("no issuer of that name has a station: name one of the settings, or add it there")
	ErrOwner     = errors.New("the range is registered to another issuer: take it back first")
	ErrUnknown   = errors.New("no such range is registered")
	ErrAtOnce    = errors.New("a new range is in force at once: leave the time out")
	ErrKey       = errors.New("the range's key cannot be had")
	ErrTooMany   = fmt.Errorf("there are %d ranges, and more cannot be registered", RegisteredMax)
	ErrContended = errors.New("another gateway changes the range at the same time: look what it is now, and try again")
)

// Options is what a Register works with.
type Options struct {
	Issuers    []string   // those that have a station; ranges of others are dormant
	TokenRange card.Range // that token numbers are drawn from: no account range may share numbers with it
	// Ensure sees to it that the code key of a range is there in a version,
	// with as many bytes as its profile takes. It may be nil.
	Ensure func(accountRange string, version, bytes int) error
	Log    zerolog.Logger
}

// Registered is a range as it stands.
type Registered struct {
	dcvv2.Registration
	Dormant  bool  // its issuer has no station: nothing is checked under it
	Revision int64 // counts its changes from 1
}

// Register holds the ranges in force. Many goroutines may look while one
// changes.
type Register struct {
	store vault.Store
	now   func() time.Time
	Options

	changing sync.Mutex
	records  map[string]vault.RangeRecord // by range, as the store has them
	view     atomic.Pointer[view]
}

// view is what those who look see; it does not change.
type view struct {
	registry  *dcvv2.Registry
	all       []Registered     // in the order of their digits
	revisions map[string]int64 // of all records, by range
}

var _ dcvv2.Ranges = (*Register)(nil)

// Open reads the ranges of a store and applies what the settings file states.
// All faults are reported at once, and then nothing is in force; what was
// stated without fault is stored.
func Open(ctx context.Context, store vault.Store, now func() time.Time, stated []Stated, o Options) (*Register, error) {
	r := &Register{store: store, now: now, Options: o, records: map[string]vault.RangeRecord{}}
	r.view.Store(&view{registry: &dcvv2.Registry{}})
	r.changing.Lock()
	defer r.changing.Unlock()
	if err := r.read(ctx); err != nil {
		return nil, err
	}
	if err := r.applyStated(ctx, stated); err != nil {
		return nil, err
	}
	if err := r.publish(); err != nil {
		return nil, err
	}
	return r, r.ensureAll()
}

// Find gives the registration in force of the narrowest range that contains
// pan.
func (r *Register) Find(pan card.PAN) (dcvv2.Registration, bool) {
	return r.view.Load().registry.Find(pan)
}

// All lists the registrations in force, narrow ranges first.
func (r *Register) All() []dcvv2.Registration { return r.view.Load().registry.All() }

// List lists all ranges, dormant ones with them, in the order of their digits.
func (r *Register) List() []Registered { return slices.Clone(r.view.Load().all) }

// Get gives one of List.
func (r *Register) Get(accounts card.Range) (Registered, bool) {
	for _, one := range r.view.Load().all {
		if one.Range == accounts {
			return one, true
		}
	}
	return Registered{}, false
}

// Refresh brings into force what another gateway changed in the same store.
// When that cannot be read or does not hold together, what was in force stays.
func (r *Register) Refresh(ctx context.Context) error {
	r.changing.Lock()
	defer r.changing.Unlock()
	if err := r.read(ctx); err != nil {
		return err
	}
	if maps.Equal(r.view.Load().revisions, r.revisions()) {
		return nil
	}
	return r.publish()
}

// Run refreshes every RefreshEvery until ctx ends. What goes wrong is logged,
// once until it goes right again.
func (r *Register) Run(ctx context.Context) {
	look := time.NewTicker(RefreshEvery)
	defer look.Stop()
	failing := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
		err := r.Refresh(ctx)
		if err != nil && !failing && ctx.Err() == nil {
			r.Log.Error().Err(err).Msg("ranges stay as they are: they cannot be read anew")
		}
		failing = err != nil
	}
}

// read reads the store's records.
func (r *Register) read(ctx context.Context) error {
	list, err := r.store.Ranges(ctx)
	if err != nil {
		return fmt.Errorf("reading the ranges: %w", err)
	}
	r.records = make(map[string]vault.RangeRecord, len(list))
	for _, one := range list {
		r.records[one.Registration.Range.String()] = one
	}
	return nil
}

func (r *Register) revisions() map[string]int64 {
	known := make(map[string]int64, len(r.records))
	for digits, one := range r.records {
		known[digits] = one.Revision
	}
	return known
}

// publish brings the records into force.
func (r *Register) publish() error {
	next := view{revisions: r.revisions()}
	var active []dcvv2.Registration
	for _, one := range r.standing() {
		dormant := !slices.Contains(r.Issuers, one.Registration.Issuer)
		if !dormant {
			active = append(active, one.Registration)
		} else if was, ok := r.Get(one.Registration.Range); !ok || !was.Dormant {
			r.Log.Warn().Stringer("range", one.Registration.Range).Str("issuer", one.Registration.Issuer).
				Msg("range is dormant: its issuer has no station in the settings")
		}
		next.all = append(next.all, Registered{one.Registration, dormant, one.Revision})
	}
	var err error
	if next.registry, err = dcvv2.NewRegistry(active...); err != nil {
		return fmt.Errorf("the ranges in the store do not hold together: %w", err)
	}
	r.view.Store(&next)
	return nil
}

// standing lists the records that were not removed, in the order of their
// digits.
func (r *Register) standing() []vault.RangeRecord {
	var list []vault.RangeRecord
	for _, one := range r.records {
		if !one.Removed {
			list = append(list, one)
		}
	}
	slices.SortFunc(list, func(a, b vault.RangeRecord) int {
		return cmp.Compare(a.Registration.Range.String(), b.Registration.Range.String())
	})
	return list
}

// ensureAll sees to the keys of all policies in force or planned, and of those
// whose last codes may be in their grace.
func (r *Register) ensureAll() error {
	var faults []error
	alive := r.now().Add(-dcvv2.GraceMax)
	for _, one := range r.All() {
		versions := one.Schedule.Versions()
		for i, v := range versions {
			if i+1 == len(versions) || versions[i+1].From.After(alive) {
				faults = append(faults, r.ensure(one.Range, v.Policy))
			}
		}
	}
	return errors.Join(faults...)
}

func (r *Register) ensure(accounts card.Range, p dcvv2.Policy) error {
	if r.Ensure == nil {
		return nil
	}
	profile, err := dcvv2.ProfileByName(p.Profile)
	if err != nil {
		return err
	}
	if err := r.Ensure(accounts.String(), p.KeyVersion, profile.KeyBytes()); err != nil {
		return fmt.Errorf("%w: range %s, version %d: %w", ErrKey, accounts, p.KeyVersion, err)
	}
	return nil
}
