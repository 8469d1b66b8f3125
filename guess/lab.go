package guess

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/emv"
	"github.com/firsttap/firsttap/gateway/screening"
	"github.com/firsttap/firsttap/internal/seed"
	"github.com/firsttap/firsttap/vault"
	"github.com/firsttap/firsttap/vault/sqlite"
)

const (
	// WorkersDefault is how many attacks are played at the same time: enough
	// for their claims to share commits.
	WorkersDefault = 128
	// WorkersMax bounds it.
	WorkersMax = 1024
	// guessesOfStore is after how many guesses a store has done its work, so
	// that a long measurement leaves no large file in the temporary folder.
	guessesOfStore = 100_000
	// storesMax is how many stores are worked on at the same time.
	storesMax = 8
	// patience is how long attacks under way may go on when the measurement
	// is interrupted. Cutting off those that last would leave the lucky ones.
	patience = 5 * time.Second
)

// Lab plays attacks.
type Lab struct {
	Seed    uint64 // all chance hangs on it, keys too
	Workers int    // attacks at the same time, 1 to WorkersMax
	// Progress, when set, is told how many attacks of a measurement have been
	// played. It is called by many goroutines.
	Progress func(done, attacks int)

	// behind changes the policy that is in force behind the theory's back.
	behind func(*dcvv2.Policy)
}

// measurement is attacks of one kind on one setup.
type measurement struct {
	Lab
	name  string // its chance hangs on
	kind  Kind
	setup Setup

	keys     softKeys
	outcomes []outcome
	played   []atomic.Bool
	done     atomic.Int64
}

// play plays attacks until all are played or ctx ends, and gives the outcomes
// of those that began. When some of them had to be cut off, it gives those of
// the first attacks without a gap: the ones left over would be the lucky ones.
func (m *measurement) play(ctx context.Context, attacks int) ([]outcome, error) {
	if err := m.prepare(); err != nil {
		return nil, err
	}
	m.outcomes, m.played = make([]outcome, attacks), make([]atomic.Bool, attacks)
	hard, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(patience, cancel) })()
	fault := m.playAll(ctx, hard, attacks)
	cut := ctx.Err() != nil && errors.Is(fault, context.Canceled)
	if fault != nil && !cut {
		return nil, fault
	}
	var played []outcome
	for n := range m.outcomes {
		if m.played[n].Load() {
			played = append(played, m.outcomes[n])
		} else if cut {
			break
		}
	}
	return played, nil
}

// playAll shares the attacks out to a few stores at a time, because each store
// has one writer.
func (m *measurement) playAll(ctx, hard context.Context, attacks int) error {
	stores := min(runtime.GOMAXPROCS(0), storesMax)
	most := max(1, guessesOfStore/m.setup.Expect(m.kind).Guesses)
	each := min(most, (attacks+stores-1)/stores)
	work, stop := context.WithCancel(ctx)
	defer stop()
	var next atomic.Int64
	faults := make([]error, stores)
	var all sync.WaitGroup
	for i := range stores {
		all.Go(func() {
			for work.Err() == nil {
				first := int(next.Add(int64(each))) - each
				if first >= attacks {
					return
				}
				if faults[i] = m.playOnStore(work, hard, first, min(first+each, attacks), stores); faults[i] != nil {
					stop()
				}
			}
		})
	}
	all.Wait()
	return errors.Join(faults...)
}

// playOnStore plays the attacks from first to before last on a store of their
// own. None begins after ctx ended, and none goes on after hard did.
func (m *measurement) playOnStore(ctx, hard context.Context, first, last, stores int) error {
	store, closeStore, err := m.openStore()
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var next atomic.Int64
	next.Store(int64(first))
	workers := min(max(1, m.atOnce()/stores), last-first)
	faults := make([]error, workers)
	var all sync.WaitGroup
	for i := range workers {
		all.Go(func() {
			for ctx.Err() == nil {
				n := int(next.Add(1)) - 1
				if n >= last {
					return
				}
				if err := m.playOne(hard, store, n); err != nil {
					faults[i] = fmt.Errorf("attack %d: %w", n, err)
					stop()
				}
			}
		})
	}
	all.Wait()
	return errors.Join(errors.Join(faults...), closeStore())
}

// atOnce is how many attacks are played at a time: fewer where each is many
// guesses at once.
func (m *measurement) atOnce() int {
	if m.kind == Parallel {
		return max(1, m.Workers/m.setup.Callers)
	}
	return m.Workers
}

func (m *measurement) playOne(ctx context.Context, store vault.Store, n int) error {
	screener, err := m.screener(store, n)
	if err != nil {
		return err
	}
	a := &attack{kind: m.kind, setup: m.setup, screener: screener, number: n, chance: m.chance(n)}
	if err := a.play(ctx); err != nil {
		return err
	}
	m.outcomes[n] = a.outcome
	m.played[n].Store(true)
	if done := m.done.Add(1); m.Progress != nil {
		m.Progress(int(done), len(m.outcomes))
	}
	return nil
}

// screener is the gateway's, for a range that the n-th attack has for itself.
// Its accounts count as enrolled, which is all that an attacker could wish for.
func (m *measurement) screener(store vault.Store, n int) (screening.Screener, error) {
	accountRange, err := card.ParseRange(rangeDigits(n))
	if err != nil {
		return screening.Screener{}, err
	}
	policy := m.setup.Policy
	policy.EnrolByDefault = true
	if m.behind != nil {
		m.behind(&policy)
	}
	registry, err := dcvv2.NewRegistry(dcvv2.Registration{Range: accountRange, Issuer: "lab", Schedule: dcvv2.Always(policy)})
	return screening.Screener{
		Store: store, Keys: m.keys, Ranges: registry, TransactionIDs: screening.NewTransactionIDs(m.stream(fmt.Sprintf("transactions of %d", n))),
		RequestorFailuresPerHourMax: m.setup.RequestorFailuresPerHourMax,
	}, err
}

func (m *measurement) stream(of string) io.Reader {
	return seed.Stream(m.Seed, "guess "+m.name+": "+of)
}

// chance is that of the n-th attacker.
func (m *measurement) chance(n int) *rand.Rand {
	var key [32]byte
	_, _ = io.ReadFull(m.stream(fmt.Sprintf("attack %d", n)), key[:]) // a stream never fails
	return rand.New(rand.NewChaCha8(key))
}

// prepare makes the code master key of the policy's profile.
func (m *measurement) prepare() error {
	profile, err := dcvv2.ProfileByName(m.setup.Policy.Profile)
	if err != nil {
		return err
	}
	key := make([]byte, profile.KeyBytes())
	_, _ = io.ReadFull(m.stream("code master key"), key) // a stream never fails
	m.keys.master, err = dcvv2.NewMasterKey(key)
	return err
}

// openStore opens a store in a temporary folder. Closing it removes both.
func (m *measurement) openStore() (_ vault.Store, closeStore func() error, err error) {
	var sealKey, referenceKey [vault.CipherKeyBytes]byte
	stream := m.stream("vault keys")
	_, _ = io.ReadFull(stream, sealKey[:]) // a stream never fails
	_, _ = io.ReadFull(stream, referenceKey[:])
	cipher, err := vault.NewCipher(sealKey[:], referenceKey[:])
	if err != nil {
		return nil, nil, err
	}
	dir, err := os.MkdirTemp("", "firsttap-guess-")
	if err != nil {
		return nil, nil, err
	}
	store, err := sqlite.Open(filepath.Join(dir, "vault.db"), cipher)
	if err != nil {
		return nil, nil, errors.Join(err, os.RemoveAll(dir))
	}
	return store, func() error { return errors.Join(store.Close(), os.RemoveAll(dir)) }, nil
}

// softKeys is one code master key for every range and version.
type softKeys struct{ master dcvv2.MasterKey }

var errNoSuchKey = errors.New("the lab has code master keys only")

func (k softKeys) CodeMaster(string, int) (dcvv2.Master, error) { return k.master, nil }
func (softKeys) CVK(string, int) (emv.Key, error)               { return emv.Key{}, errNoSuchKey }
func (softKeys) TokenMaster(int) (emv.Key, error)               { return emv.Key{}, errNoSuchKey }
