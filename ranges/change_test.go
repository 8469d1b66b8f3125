package ranges_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/ranges"
	"github.com/firsttap/firsttap/vault"
)

func TestWhenAPolicyTakesEffect(t *testing.T) {
	tomorrow := noon.Add(25 * time.Hour) // the end of the last window that could have been given out
	at := func(c ranges.Change, from time.Time) ranges.Change { c.From = from; return c }
	voiding := func(c ranges.Change) ranges.Change { c.Void = true; return c }
	for _, c := range []struct {
		name   string
		change ranges.Change
		from   time.Time
		err    error
	}{
		{"another key, as soon as it voids nothing", keyTo(2), tomorrow, nil},
		{"another key, at once", voiding(keyTo(2)), noon.Add(time.Hour), nil},
		{"another key, too early", at(keyTo(2), noon.Add(2*time.Hour)), time.Time{}, dcvv2.ErrOutstanding},
		{"another key, too early on purpose", voiding(at(keyTo(2), noon.Add(2*time.Hour))), noon.Add(2 * time.Hour), nil},
		{"another key, inside a window", at(keyTo(2), tomorrow.Add(time.Minute)), tomorrow.Add(time.Hour), nil},
		{"another key, in the past", voiding(at(keyTo(2), noon)), time.Time{}, dcvv2.ErrEffective},
		{"a grace, which no code hangs on", to(func(p *dcvv2.Policy) { p.Grace = 0 }), noon.Add(time.Hour), nil},
		{"nothing", to(func(*dcvv2.Policy) {}), time.Time{}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t)
			r := b.open(harbour(hours(1)))
			done, err := r.Put(ctx, c.change)
			if !errors.Is(err, c.err) || err == nil && !done.Effective.Equal(c.from) {
				t.Fatalf("got %v, %v; want %v, %v", done.Effective, err, c.from, c.err)
			}
			if changed := err == nil && !c.from.IsZero(); done.Changed != changed || len(b.trail()) != map[bool]int{false: 1, true: 2}[changed] {
				t.Errorf("changed is %t: %q", done.Changed, b.trail())
			}
			if err == nil && !done.Soonest.Equal(noon.Add(time.Hour)) {
				t.Errorf("it could have been %v", done.Soonest)
			}
		})
	}
}

// TestAPlanIsNotForgotten holds that a change on top of a planned one keeps
// the plan: the keys of codes that were given out stay as they were planned.
func TestAPlanIsNotForgotten(t *testing.T) {
	b := newBench(t)
	r := b.open(harbour(hours(1)))
	b.put(r, keyTo(2))
	b.pass(3 * time.Hour)
	b.put(r, to(func(p *dcvv2.Policy) { p.Grace = 0 }))
	s := scheduleOf(t, r, cards)
	if got := s.At(b.now()); got.KeyVersion != 1 || got.Grace == 0 {
		t.Errorf("nothing comes before the window's end: %+v", got)
	}
	if got := s.At(noon.Add(25*time.Hour - 1)); got.KeyVersion != 1 || got.Grace != 0 {
		t.Errorf("the limit does not wait for the plan: %+v", got)
	}
	if got := s.At(noon.Add(25 * time.Hour)); got.KeyVersion != 2 || got.Grace != 0 {
		t.Errorf("the key comes as planned: %+v", got)
	}
	before := ranges.Change{Range: cards, By: "ada", From: noon.Add(5 * time.Hour), Edit: editing(func(p *dcvv2.Policy) { p.Grace = 1 })}
	if _, err := r.Put(ctx, before); !errors.Is(err, dcvv2.ErrOutstanding) {
		t.Errorf("what would drop the plan voids codes: %v", err)
	}
}

// TestAStartWantsTheKeysOfLivingCodes holds that the key of a version is wanted
// until the grace of its last window is over, and no longer.
func TestAStartWantsTheKeysOfLivingCodes(t *testing.T) {
	b := newBench(t)
	b.put(b.open(harbour(hours(1))), keyTo(2))
	b.pass(noon.Add(25*time.Hour + dcvv2.GraceMax - time.Second).Sub(b.now()))
	for _, want := range []string{"4761739/1/16 4761739/2/16", "4761739/2/16"} {
		b.keys = nil
		b.open(harbour(hours(1)))
		if got := strings.Join(b.keys, " "); got != want {
			t.Errorf("it wants %s, not %s", got, want)
		}
		b.pass(time.Second)
	}
}

// TestAPlanIsNotBroughtForward holds that a limit changed meanwhile leaves a
// rotation on its day, and that one on top of it waits for its codes.
func TestAPlanIsNotBroughtForward(t *testing.T) {
	b := newBench(t)
	r := b.open(harbour(hours(1)))
	planned := noon.Add(240 * time.Hour)
	far := keyTo(2)
	far.From = planned
	b.put(r, far)
	b.put(r, to(func(p *dcvv2.Policy) { p.Grace = 0 }))
	s := scheduleOf(t, r, cards)
	if before, then := s.At(planned.Add(-1)), s.At(planned); before.KeyVersion != 1 || then.KeyVersion != 2 || then.Grace != 0 {
		t.Errorf("before %+v, then %+v", before, then)
	}
	b.pass(239 * time.Hour)
	b.put(r, keyTo(3))
	s = scheduleOf(t, r, cards)
	if then, later := s.At(planned), s.At(planned.Add(24*time.Hour)); then.KeyVersion != 2 || later.KeyVersion != 3 {
		t.Errorf("then %+v, later %+v", then, later)
	}
}

func TestRefusals(t *testing.T) {
	as := func(digits, issuer string) ranges.Change {
		return ranges.Change{Range: card.MustRange(digits), Issuer: issuer, By: "ada", Void: true}
	}
	late := as("400000", "haven")
	late.From = noon.Add(24 * time.Hour)
	inside := as("47617391", "harbour")
	inside.Void = false
	for _, c := range []struct {
		name   string
		change ranges.Change
		want   error
	}{
		{"an issuer without a station", as("400000", "nobody"), ranges.ErrIssuer},
		{"no issuer", as("400000", ""), ranges.ErrIssuer},
		{"another issuer's range", as("4761739", "haven"), ranges.ErrOwner},
		{"over another issuer's range", as("476173", "haven"), ranges.ErrOverlap},
		{"inside another issuer's range", as("47617391", "haven"), ranges.ErrOverlap},
		{"as wide and overlapping", as("4761738-4761739", "haven"), ranges.ErrOverlap},
		{"numbers of tokens", as("489537", "haven"), ranges.ErrOverlap},
		{"a new range later", late, ranges.ErrAtOnce},
		{"a new range inside another, whose codes are out", inside, dcvv2.ErrOutstanding},
		{"a policy that is none", hoursTo(19), dcvv2.ErrPolicy},
		{"a new range's policy that is none", func() ranges.Change {
			c := as("400000", "haven")
			c.Edit = editing(func(p *dcvv2.Policy) { p.WindowHours = 0 })
			return c
		}(), dcvv2.ErrPolicy},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t)
			r := b.open(harbour(hours(1)))
			if _, err := r.Put(ctx, c.change); !errors.Is(err, c.want) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			if len(b.trail()) != 1 || len(r.All()) != 1 {
				t.Errorf("nothing changes: %q", b.trail())
			}
		})
	}
}

func TestTheNarrowestRangeWins(t *testing.T) {
	b := newBench(t)
	narrow := card.MustRange("47617391")
	r := b.open(harbour(hours(1)), ranges.Stated{Range: narrow, Issuer: "harbour", Policy: hours(2)})
	at := func(pan string) int {
		one, ok := r.Find(card.MustPAN(pan))
		if !ok {
			t.Fatal("no range")
		}
		return one.Schedule.At(b.now()).WindowHours
	}
	if at("4761739101010019") != 2 || at("4761739001010010") != 1 {
		t.Error("both stand in one settings file")
	}
	b.must(r.Remove(ctx, narrow, true, "ada"))
	if at("4761739101010019") != 1 {
		t.Error("without the narrow one its accounts are the wide one's")
	}
	b.put(r, ranges.Change{Range: narrow, Issuer: "harbour", By: "ada", Void: true, Edit: editing(func(p *dcvv2.Policy) { p.WindowHours = 3 })})
	if at("4761739101010019") != 3 {
		t.Error("a new narrow one is in force at once")
	}
}

func TestTheTrailTellsWhatChanged(t *testing.T) {
	b := newBench(t)
	r := b.open(harbour(hours(1)))
	b.put(r, to(func(p *dcvv2.Policy) { p.WindowHours, p.KeyVersion = 5, 2 }))
	voiding := keyTo(3)
	voiding.Void = true
	b.put(r, voiding)
	b.must(r.Remove(ctx, cards, true, "eve"))
	want := []string{
		"range registered 4761739 revision 1, by the settings file: issuer harbour, windowHours 1, profile cvv-hour, keyVersion 1," +
			" graceSeconds 900, codesMax 24, oncePerWindow true, enrolByDefault false, failuresPerDayMax 5, failuresInRowMax 10," +
			" rangeFailuresPerHourMax 100, onNoMatch decline, onMissing ask, onNotParticipating ask, onNotProcessed decline",
		"range changed 4761739 revision 2, by ada: windowHours 1 -> 5, keyVersion 1 -> 2, from 2026-11-23T13:00:00Z",
		"range changed 4761739 revision 3, by ada: windowHours 1 -> 5, keyVersion 1 -> 3, from 2026-11-22T13:00:00Z," +
			" instead of what was planned from 2026-11-23T13:00:00Z, codes that were given out may be void",
		"range removed 4761739 revision 4, by eve: codes that were given out are void",
	}
	if got := b.trail(); !slices.Equal(got, want) {
		t.Errorf("got\n%s", strings.Join(got, "\n"))
	}
}

// TestTwoGateways holds that a change in one register is seen by another on
// the same store, and that neither undoes the other's.
func TestTwoGateways(t *testing.T) {
	b := newBench(t)
	one, two := b.open(harbour(hours(1))), b.open(harbour(hours(1)))
	b.put(one, keyTo(2))
	b.must(two.Refresh(ctx))
	if got := scheduleOf(t, two, cards).Versions(); len(got) != 2 {
		t.Errorf("the second sees the change: %+v", got)
	}
	b.put(two, hoursTo(5))
	b.put(one, to(func(p *dcvv2.Policy) { p.CodesMax = 3 }))
	b.must(two.Refresh(ctx))
	for _, r := range []*ranges.Register{one, two} {
		if got := scheduleOf(t, r, cards).At(noon.AddDate(0, 1, 0)); got.KeyVersion != 2 || got.WindowHours != 5 || got.CodesMax != 3 {
			t.Errorf("a change was lost: %+v", got)
		}
	}
	b.must(one.Remove(ctx, cards, true, "ada"))
	b.must(two.Refresh(ctx))
	if len(two.All()) != 0 {
		t.Error("the second sees that the range was taken back")
	}
}

// slow is a store on which others do something between the reading and the
// writing of a change.
type slow struct {
	vault.Store
	between func()
}

func (s *slow) PutRange(ctx context.Context, r vault.RangeRecord, by, detail string, at time.Time) error {
	s.between()
	return s.Store.PutRange(ctx, r, by, detail, at)
}

func TestChangesAtTheSameTime(t *testing.T) {
	b := newBench(t)
	other := b.open(harbour(hours(1)))
	late := &slow{Store: b.store, between: func() {}}
	mine, err := ranges.Open(ctx, late, b.now, nil, b.options("harbour", "haven"))
	b.must(err)

	late.between = func() { late.between = func() {}; b.put(other, keyTo(2)) }
	b.put(mine, hoursTo(5))
	if got := scheduleOf(t, mine, cards).At(noon.AddDate(0, 1, 0)); got.KeyVersion != 2 || got.WindowHours != 5 {
		t.Errorf("one of two changes was lost: %+v", got)
	}
	n := 2
	late.between = func() { n++; b.put(other, keyTo(n)) }
	if _, err := mine.Put(ctx, hoursTo(6)); !errors.Is(err, ranges.ErrContended) {
		t.Errorf("it gives up at last: %v", err)
	}
	if err := mine.Remove(ctx, cards, true, "ada"); !errors.Is(err, ranges.ErrContended) {
		t.Errorf("it gives up at last: %v", err)
	}
	late.between = func() {
		late.between = func() {}
		b.put(other, ranges.Change{Range: card.MustRange("400000"), Issuer: "harbour", By: "eve"})
	}
	if _, err := mine.Put(ctx, ranges.Change{Range: card.MustRange("4000001"), Issuer: "haven", By: "ada"}); !errors.Is(err, dcvv2.ErrRegistry) {
		t.Errorf("ranges of two issuers overlap: %v", err)
	}
	b.must(mine.Refresh(ctx))
	b.must(other.Refresh(ctx))
	for _, r := range []*ranges.Register{mine, other} {
		if len(r.All()) != 2 {
			t.Errorf("the later one is taken back: %+v", r.List())
		}
	}
}

// TestManyLookWhileOneChanges is for the race detector; each finds a whole
// registration.
func TestManyLookWhileOneChanges(t *testing.T) {
	b := newBench(t)
	r := b.open(harbour(hours(1)))
	pan := card.MustPAN("4761739001010010")
	done := make(chan struct{})
	var looking sync.WaitGroup
	for range 2 {
		looking.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				one, ok := r.Find(pan)
				if !ok || one.Schedule.Validate() != nil || len(r.All()) == 0 || len(r.List()) == 0 {
					t.Error("a range was gone, or in part")
					return
				}
			}
		})
	}
	for n := range 10 {
		b.put(r, hoursTo(n%18+1))
		b.put(r, ranges.Change{Range: card.MustRange(fmt.Sprint(400000 + n)), Issuer: "haven", By: "ada"})
		b.must(r.Refresh(ctx))
	}
	close(done)
	looking.Wait()
	if len(r.All()) != 11 {
		t.Errorf("%d ranges", len(r.All()))
	}
}

// broken is a store that cannot store.
type broken struct {
	vault.Store
	err error
}

func (s *broken) PutRange(ctx context.Context, r vault.RangeRecord, by, detail string, at time.Time) error {
	if s.err != nil {
		return s.err
	}
	return s.Store.PutRange(ctx, r, by, detail, at)
}

func (s *broken) Ranges(ctx context.Context) ([]vault.RangeRecord, error) {
	if s.err != nil {
		return nil, s.err
	}
	return s.Store.Ranges(ctx)
}

func TestWhatIsNotDurableIsNotInForce(t *testing.T) {
	b := newBench(t)
	store := &broken{Store: b.store}
	r, err := ranges.Open(ctx, store, b.now, []ranges.Stated{harbour(hours(1))}, b.options("harbour"))
	b.must(err)
	store.err = errors.New("disk full")
	if _, err := r.Put(ctx, hoursTo(5)); !errors.Is(err, store.err) {
		t.Errorf("got %v", err)
	}
	if err := errors.Join(r.Refresh(ctx), r.Remove(ctx, cards, true, "ada")); !errors.Is(err, store.err) {
		t.Errorf("got %v", err)
	}
	if got := scheduleOf(t, r, cards).Versions(); len(got) != 1 {
		t.Errorf("got %+v", got)
	}
	if _, err := ranges.Open(ctx, store, b.now, nil, b.options("harbour")); !errors.Is(err, store.err) {
		t.Errorf("got %v", err)
	}
}

// TestRunSeesWhatOthersChange waits on no clock but the test's own.
func TestRunSeesWhatOthersChange(t *testing.T) {
	b := newBench(t)
	one := b.open(harbour(hours(1)))
	records, err := b.store.Ranges(ctx)
	b.must(err)
	synctest.Test(t, func(t *testing.T) {
		shown := &fixed{list: records}
		two, err := ranges.Open(ctx, shown, b.now, nil, b.options("harbour"))
		if err != nil {
			t.Fatal(err)
		}
		running, stop := context.WithCancel(ctx)
		go two.Run(running)
		shown.set(nil, errors.New("disk gone"))
		time.Sleep(2*ranges.RefreshEvery + time.Second)
		synctest.Wait()
		if len(two.All()) != 1 || strings.Count(b.log.String(), "disk gone") != 1 {
			t.Errorf("what cannot be read stays and is logged once: %s", b.log.String())
		}
		records[0].Revision, records[0].Removed = 2, true
		shown.set(records, nil)
		time.Sleep(ranges.RefreshEvery)
		synctest.Wait()
		if len(two.All()) != 0 {
			t.Error("the change is not in force")
		}
		stop()
	})
	if len(one.All()) != 1 {
		t.Error("the other one was never told")
	}
}

// fixed is a store of ranges without a file, so that a test can own its time.
type fixed struct {
	vault.Store
	mu   sync.Mutex
	list []vault.RangeRecord
	err  error
}

func (s *fixed) set(list []vault.RangeRecord, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list, s.err = slices.Clone(list), err
}

func (s *fixed) Ranges(context.Context) ([]vault.RangeRecord, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.list, s.err
}

// PutRange keeps a record, as many as there may be.
func (s *fixed) PutRange(_ context.Context, r vault.RangeRecord, _, _ string, _ time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r.Revision++
	s.list = append(s.list, r)
	return nil
}

func TestThereMayBeSoManyRanges(t *testing.T) {
	b, store := newBench(t), &fixed{}
	for n := range ranges.RegisteredMax - 1 {
		store.list = append(store.list, vault.RangeRecord{Revision: 1, Registration: dcvv2.Registration{
			Range: card.MustRange(fmt.Sprint(400000 + n)), Issuer: "haven", Schedule: dcvv2.Always(hours(1)),
		}})
	}
	r, err := ranges.Open(ctx, store, b.now, nil, b.options("haven"))
	b.must(err)
	b.put(r, ranges.Change{Range: card.MustRange("500000"), Issuer: "haven", By: "ada"})
	if _, err := r.Put(ctx, ranges.Change{Range: card.MustRange("500001"), Issuer: "haven", By: "ada"}); !errors.Is(err, ranges.ErrTooMany) {
		t.Errorf("got %v", err)
	}
	if n := len(r.All()); n != ranges.RegisteredMax {
		t.Errorf("%d ranges are in force", n)
	}
}
