package ranges_test

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/ranges"
	"github.com/firsttap/firsttap/vault"
	"github.com/firsttap/firsttap/vault/sqlite"
)

var (
	noon  = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	cards = card.MustRange("4761739")
	ctx   = context.Background()
)

// bench is a store, a clock and what the registers on them say.
type bench struct {
	*testing.T
	store  vault.Store
	mu     sync.Mutex
	at     time.Time
	keys   []string // ensured
	noKeys error
	log    bytes.Buffer
}

func newBench(t *testing.T) *bench {
	t.Helper()
	cipher, err := vault.NewCipher([]byte("sealing key of the test, 32 byte"), []byte("reference key of the test, 32 by"))
	if err != nil {
		t.Fatal(err)
	}
	store, err := sqlite.Open(filepath.Join(t.TempDir(), "store.db"), cipher)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return &bench{T: t, store: store, at: noon.Add(30 * time.Minute)}
}

func (b *bench) now() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.at
}

func (b *bench) pass(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.at = b.at.Add(d)
}

func (b *bench) options(issuers ...string) ranges.Options {
	return ranges.Options{
		Issuers: issuers, TokenRange: card.MustRange("489537001"), Log: zerolog.New(&b.log),
		Ensure: func(accountRange string, version, length int) error {
			b.keys = append(b.keys, strings.Join([]string{accountRange, string(rune('0' + version)), map[int]string{16: "16", 32: "32"}[length]}, "/"))
			return b.noKeys
		},
	}
}

// open opens a register for the issuers harbour and haven.
func (b *bench) open(stated ...ranges.Stated) *ranges.Register {
	b.Helper()
	r, err := ranges.Open(ctx, b.store, b.now, stated, b.options("harbour", "haven"))
	if err != nil {
		b.Fatal(err)
	}
	return r
}

func (b *bench) put(r *ranges.Register, c ranges.Change) ranges.Applied {
	b.Helper()
	done, err := r.Put(ctx, c)
	if err != nil {
		b.Fatal(err)
	}
	return done
}

func (b *bench) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// trail lists what the audit trail says of ranges.
func (b *bench) trail() []string {
	b.Helper()
	entries, err := b.store.Audit(ctx, 0, vault.ListMax)
	b.must(err)
	var lines []string
	for _, e := range entries {
		lines = append(lines, e.Event+" "+e.Subject+" "+e.Detail)
	}
	return lines
}

func harbour(p dcvv2.Policy) ranges.Stated {
	return ranges.Stated{Range: cards, Issuer: "harbour", Policy: p}
}

func hours(n int) dcvv2.Policy {
	p := dcvv2.DefaultPolicy()
	p.WindowHours = n
	return p
}

// to is a change of the range cards by an operator.
func to(edit func(*dcvv2.Policy)) ranges.Change {
	return ranges.Change{Range: cards, By: "ada", Edit: editing(edit)}
}

func editing(edit func(*dcvv2.Policy)) func(dcvv2.Policy) dcvv2.Policy {
	return func(p dcvv2.Policy) dcvv2.Policy {
		edit(&p)
		return p
	}
}

func hoursTo(n int) ranges.Change { return to(func(p *dcvv2.Policy) { p.WindowHours = n }) }
func keyTo(n int) ranges.Change   { return to(func(p *dcvv2.Policy) { p.KeyVersion = n }) }

func scheduleOf(t testing.TB, r *ranges.Register, accounts card.Range) dcvv2.Schedule {
	t.Helper()
	one, ok := r.Get(accounts)
	if !ok {
		t.Fatalf("%s is not registered", accounts)
	}
	return one.Schedule
}

func TestSettingsAreAppliedOnce(t *testing.T) {
	b := newBench(t)
	r := b.open(harbour(hours(1)))
	if got := scheduleOf(t, r, cards).At(b.now()); got != hours(1) {
		t.Errorf("a new range is in force at once, not %+v", got)
	}
	b.put(r, hoursTo(5))
	b.pass(48 * time.Hour)

	r = b.open(harbour(hours(1)))
	if got := scheduleOf(t, r, cards).At(b.now()).WindowHours; got != 5 {
		t.Errorf("an operator's change outlives a start with the same file: %d h", got)
	}
	r = b.open()
	if _, ok := r.Get(cards); !ok {
		t.Error("a range that the file names no more stays")
	}
	r = b.open(harbour(hours(2)))
	s := scheduleOf(t, r, cards)
	if until := dcvv2.Always(hours(5)).Outstanding(b.now()); s.At(until.Add(-1)).WindowHours != 5 || s.At(until).WindowHours != 2 {
		t.Errorf("another statement takes effect at %v, where it voids no code: %+v", until, s.Versions())
	}
	b.open(harbour(hours(2)))
	if n := len(b.trail()); n != 3 {
		t.Errorf("%d changes, not 3: %q", n, b.trail())
	}
}

func TestARangeTakenBackStaysSo(t *testing.T) {
	b := newBench(t)
	r := b.open(harbour(hours(1)))
	err := r.Remove(ctx, cards, false, "ada")
	var until *dcvv2.OutstandingError
	if !errors.As(err, &until) || !until.Until.Equal(noon.Add(25*time.Hour)) {
		t.Fatalf("codes are outstanding until 13:00 tomorrow: %v", err)
	}
	b.must(r.Remove(ctx, cards, true, "ada"))
	if _, ok := r.Find(card.MustPAN("4761739001010010")); ok {
		t.Error("it is in force still")
	}
	if err := r.Remove(ctx, cards, true, "ada"); !errors.Is(err, ranges.ErrUnknown) {
		t.Errorf("taken back twice: %v", err)
	}
	if _, ok := b.open(harbour(hours(1))).Get(cards); ok {
		t.Error("the file says what it said before: the range stays away")
	}
	r = b.open(harbour(hours(3)))
	if got := scheduleOf(t, r, cards).Versions(); len(got) != 1 || got[0].Policy != hours(3) {
		t.Errorf("the file says something else, so it is new: %+v", got)
	}
}

func TestWhatAnOperatorPutFirst(t *testing.T) {
	b := newBench(t)
	r := b.open()
	b.put(r, ranges.Change{Range: cards, Issuer: "harbour", By: "ada"})
	b.open(harbour(hours(1)))
	b.open(harbour(hours(1)))
	want := []string{"range registered 4761739 revision 1, by ada", "range changed 4761739 revision 2, by the settings file: nothing: it is so already"}
	got := b.trail()
	if len(got) != 2 || !strings.HasPrefix(got[0], want[0]) || got[1] != want[1] {
		t.Errorf("got %q", got)
	}
}

func TestFaultsOfSettingsAreAllSaid(t *testing.T) {
	b := newBench(t)
	r := b.open()
	b.put(r, ranges.Change{Range: cards, Issuer: "haven", By: "ada"})
	bad := hours(19)
	bad.CodesMax = 0
	_, err := ranges.Open(ctx, b.store, b.now, []ranges.Stated{
		harbour(hours(1)),
		{Range: card.MustRange("400000"), Issuer: "harbour", Policy: bad},
		{Range: card.MustRange("400001"), Issuer: "nobody", Policy: hours(1)},
	}, b.options("harbour", "haven"))
	for _, want := range []error{ranges.ErrOwner, dcvv2.ErrPolicy, ranges.ErrIssuer} {
		if !errors.Is(err, want) {
			t.Errorf("%q is missing of %v", want, err)
		}
	}
	for _, want := range []string{"window hours", "codes of one request"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing of %v", want, err)
		}
	}
}

// TestSettingsMoveNoRange holds that a file that gives a range to another
// issuer is heard, although its policy is the same.
func TestSettingsMoveNoRange(t *testing.T) {
	b := newBench(t)
	b.open(harbour(hours(1)))
	moved := harbour(hours(1))
	moved.Issuer = "haven"
	if _, err := ranges.Open(ctx, b.store, b.now, []ranges.Stated{moved}, b.options("harbour", "haven")); !errors.Is(err, ranges.ErrOwner) {
		t.Errorf("got %v", err)
	}
}

// TestSettingsTakeNoAccountsOver holds that a file cannot void codes by the
// way, as a narrow range inside one that is in use would.
func TestSettingsTakeNoAccountsOver(t *testing.T) {
	b := newBench(t)
	b.open(harbour(hours(1)))
	narrow := ranges.Stated{Range: card.MustRange("47617391"), Issuer: "harbour", Policy: hours(1)}
	_, err := ranges.Open(ctx, b.store, b.now, []ranges.Stated{harbour(hours(1)), narrow}, b.options("harbour"))
	if !errors.Is(err, dcvv2.ErrOutstanding) || !strings.Contains(err.Error(), "firsttap ranges set 47617391 --issuer harbour --void") {
		t.Fatalf("got %v", err)
	}
	b.put(b.open(harbour(hours(1))), ranges.Change{Range: narrow.Range, Issuer: "harbour", By: "ada", Void: true})
	b.open(harbour(hours(1)), narrow)
}

// TestAllMembersAreTold holds that the trail forgets none when policies get one
// more.
func TestAllMembersAreTold(t *testing.T) {
	if have, want := len(ranges.Members(hours(1))), reflect.TypeFor[dcvv2.Policy]().NumField(); have != want {
		t.Errorf("a policy has %d members and %d are told", want, have)
	}
}

func TestRangesOfIssuersWithoutAStationAreDormant(t *testing.T) {
	b := newBench(t)
	b.open(harbour(hours(1)))
	b.log.Reset()
	r, err := ranges.Open(ctx, b.store, b.now, nil, b.options("haven"))
	b.must(err)
	if _, ok := r.Find(card.MustPAN("4761739001010010")); ok || len(r.All()) != 0 {
		t.Error("it is in force")
	}
	if list := r.List(); len(list) != 1 || !list[0].Dormant || !strings.Contains(b.log.String(), "dormant") {
		t.Errorf("it is listed and logged: %+v %s", list, b.log.String())
	}
	if _, err := r.Put(ctx, ranges.Change{Range: card.MustRange("47617391"), Issuer: "haven", Void: true}); !errors.Is(err, ranges.ErrOverlap) {
		t.Errorf("its numbers are still its issuer's: %v", err)
	}
	if r = b.open(); len(r.All()) != 1 {
		t.Error("it comes back with its issuer")
	}
}

func TestKeysAreThereFirst(t *testing.T) {
	b := newBench(t)
	r := b.open(harbour(hours(1)))
	b.put(r, to(func(p *dcvv2.Policy) { p.KeyVersion, p.Profile = 2, dcvv2.ProfileAESCMAC }))
	if got := b.keys[len(b.keys)-1]; got != "4761739/2/32" {
		t.Errorf("a change wants the key of its version: %s", got)
	}
	b.keys = nil
	r = b.open(harbour(hours(1)))
	if got := strings.Join(b.keys, " "); got != "4761739/1/16 4761739/2/32" {
		t.Errorf("at the start there must be the keys of all versions: %s", got)
	}
	b.noKeys = errors.New("no such key")
	if _, err := r.Put(ctx, keyTo(3)); !errors.Is(err, ranges.ErrKey) || !errors.Is(err, b.noKeys) {
		t.Errorf("got %v", err)
	}
	if n := len(b.trail()); n != 2 {
		t.Errorf("a change without its key is not stored: %q", b.trail())
	}
	if _, err := ranges.Open(ctx, b.store, b.now, nil, b.options("harbour")); !errors.Is(err, ranges.ErrKey) {
		t.Errorf("nothing opens without its keys: %v", err)
	}
}
