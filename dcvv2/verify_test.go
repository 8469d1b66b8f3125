package dcvv2_test

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/dcvv2"
)

// world is an account with its policy and key, and a moment.
type world struct {
	policy  dcvv2.Policy
	key     dcvv2.MasterKey
	account dcvv2.Account
	at      time.Time
}

// drawWorld draws a moment between 1971 and 2083, so that 24 windows lie on
// either side of it.
func drawWorld(t *rapid.T) world {
	pan, err := card.CompletePAN(rapid.StringMatching(`4761739[0-9]{5,11}`).Draw(t, "digits"))
	if err != nil {
		t.Fatal(err)
	}
	key, err := dcvv2.NewMasterKey(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "key"))
	if err != nil {
		t.Fatal(err)
	}
	p := dcvv2.DefaultPolicy()
	p.WindowHours = rapid.IntRange(dcvv2.WindowHoursMin, dcvv2.WindowHoursMax).Draw(t, "hours")
	p.Grace = time.Duration(rapid.Int64Range(0, int64(dcvv2.GraceMax)).Draw(t, "grace"))
	return world{
		policy: p, key: key,
		account: dcvv2.Account{PAN: pan, Sequence: card.Sequence(rapid.IntRange(0, 99).Draw(t, "psn")), Expiry: card.MustExpiry("3112")},
		at:      time.Unix(rapid.Int64Range(40_000_000, 3_560_000_000).Draw(t, "second"), rapid.Int64Range(0, 999_999_999).Draw(t, "nanosecond")),
	}
}

func (w world) code(t failer, window dcvv2.Window) dcvv2.Code {
	t.Helper()
	profile, err := dcvv2.ProfileByName(w.policy.Profile)
	if err != nil {
		t.Fatal(err)
	}
	c, err := dcvv2.CodeOf(profile, w.key, w.account, window)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (w world) verify(t failer, c dcvv2.Code, at time.Time) dcvv2.Finding {
	t.Helper()
	found, err := dcvv2.Verify(dcvv2.Always(w.policy), w.key.Masters, w.account, c, at)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// goodByChance reports whether c is also the code that is due at at.
func (w world) goodByChance(t failer, c dcvv2.Code, at time.Time) bool {
	t.Helper()
	now := dcvv2.WindowAt(at, w.policy.WindowHours)
	inGrace := at.Sub(now.Start()) < w.policy.Grace
	return c == w.code(t, now) || inGrace && c == w.code(t, now.Shift(-1))
}

func between(t *rapid.T, from, to time.Time) time.Time {
	return from.Add(time.Duration(rapid.Int64Range(0, int64(to.Sub(from))-1).Draw(t, "into it")))
}

func TestCodeVerifiesInItsWindow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		issued, err := dcvv2.Generate(dcvv2.Always(w.policy), w.key.Masters, w.account, w.at, rapid.IntRange(1, dcvv2.CodesMax).Draw(t, "count"), 0)
		if err != nil {
			t.Fatal(err)
		}
		one := rapid.SampledFrom(issued).Draw(t, "one")
		for _, at := range []time.Time{one.Window.Start(), between(t, one.Window.Start(), one.Window.End()), one.Window.End().Add(-1)} {
			if found := w.verify(t, one.Code, at); found.Verdict != dcvv2.Matched || found.Window != one.Window {
				t.Fatalf("at %v: %v of %v", at, found.Verdict, found.Window)
			}
		}
	})
}

func TestCodeOutlivesItsWindowByTheGrace(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		window := dcvv2.WindowAt(w.at, w.policy.WindowHours)
		c := w.code(t, window)
		if w.policy.Grace > 0 {
			for _, at := range []time.Time{window.End(), between(t, window.End(), window.End().Add(w.policy.Grace)), window.End().Add(w.policy.Grace - 1)} {
				found := w.verify(t, c, at)
				if found.Verdict != dcvv2.Matched || found.Window != window && w.code(t, found.Window) != c {
					t.Fatalf("%v into the next window: %v of %v", at.Sub(window.End()), found.Verdict, found.Window)
				}
			}
		}
		// Without grace, or with a whole window of it, this is the next
		// window's start or end.
		if at := window.End().Add(w.policy.Grace); !w.goodByChance(t, c, at) {
			if found := w.verify(t, c, at); found.Verdict == dcvv2.Matched || found.Window.IsZero() {
				t.Fatalf("after the grace: %v of %v", found.Verdict, found.Window)
			}
		}
	})
}

func TestCodeNeverVerifiesBeforeItsWindow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		early := rapid.Int64Range(1, dcvv2.CodesMax-1).Draw(t, "windows early")
		window := dcvv2.WindowAt(w.at, w.policy.WindowHours)
		c := w.code(t, window)
		for _, at := range []time.Time{window.Start().Add(-1), window.Shift(-early).Start(), between(t, window.Shift(-early).Start(), window.Start())} {
			if w.goodByChance(t, c, at) {
				continue
			}
			found := w.verify(t, c, at)
			if found.Verdict == dcvv2.Matched || found.Verdict == dcvv2.Wrong {
				t.Fatalf("%v before its window: %v", window.Start().Sub(at), found.Verdict)
			}
		}
	})
}

// TestFindingNamesAWindowOfTheCode: whatever Verify says, the window it names
// has the code, and lies where the verdict says.
func TestFindingNamesAWindowOfTheCode(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		c := code(t, rapid.StringMatching(`[0-9]{3}`).Draw(t, "code"))
		found, now := w.verify(t, c, w.at), dcvv2.WindowAt(w.at, w.policy.WindowHours)
		if found.Verdict == dcvv2.Wrong {
			if !found.Window.IsZero() {
				t.Fatalf("a wrong code has window %v", found.Window)
			}
			return
		}
		away := found.Window.Index - now.Index
		near := map[dcvv2.Verdict]bool{
			dcvv2.Matched:  away == 0 || away == -1 && w.at.Sub(now.Start()) < w.policy.Grace,
			dcvv2.TooEarly: 1 <= away && away <= dcvv2.CodesMax-1,
			dcvv2.Expired:  -dcvv2.CodesMax <= away && away <= -1,
		}[found.Verdict]
		if !near || w.code(t, found.Window) != c {
			t.Fatalf("%v, %d windows away", found.Verdict, away)
		}
	})
}

// TestEveryCodeAtOneMoment tries all thousand codes: one is good, inside the
// grace two, and those of the windows around are told apart.
func TestEveryCodeAtOneMoment(t *testing.T) {
	w := world{policy: dcvv2.DefaultPolicy(), key: masterKey(t, masterDigits), account: account(t, "4761739001010010", "00", "3112")}
	for _, c := range []struct {
		at   string
		want string
	}{
		{"2026-11-22T12:14:59Z", "2 matched"},
		{"2026-11-22T12:15:00Z", "1 matched"},
		{"2026-11-22T12:59:59Z", "1 matched"},
	} {
		count := map[dcvv2.Verdict]int{}
		for n := range 1000 {
			count[w.verify(t, code(t, fmt.Sprintf("%03d", n)), moment(t, c.at)).Verdict]++
		}
		if got := fmt.Sprintf("%d matched", count[dcvv2.Matched]); got != c.want {
			t.Errorf("%s: %s, want %s", c.at, got, c.want)
		}
		// Chance makes some of the 47 codes equal, but never many.
		if near := count[dcvv2.TooEarly] + count[dcvv2.Expired]; near < 40 || near > 47 {
			t.Errorf("%s: %d codes of windows around", c.at, near)
		}
	}
}

func TestVerifyTellsWhy(t *testing.T) {
	w := world{policy: dcvv2.DefaultPolicy(), key: masterKey(t, masterDigits), account: account(t, "4761739001010010", "00", "3112")}
	noGrace := w
	noGrace.policy.Grace = 0
	const own = 498708 // 2026-11-22T12:00:00Z to 13:00:00Z, code 075
	for _, c := range []struct {
		name  string
		world world
		at    string
		code  string
		want  dcvv2.Verdict
		index int64
	}{
		{"its first second", w, "2026-11-22T12:00:00Z", "075", dcvv2.Matched, own},
		{"its last second", w, "2026-11-22T12:59:59Z", "075", dcvv2.Matched, own},
		{"the last second before", w, "2026-11-22T11:59:59Z", "075", dcvv2.TooEarly, own},
		{"23 windows before", w, "2026-11-21T13:00:00Z", "075", dcvv2.TooEarly, own},
		{"24 windows before", w, "2026-11-21T12:59:59Z", "075", dcvv2.Wrong, 0},
		{"the first second of grace", w, "2026-11-22T13:00:00Z", "075", dcvv2.Matched, own},
		{"the last second of grace", w, "2026-11-22T13:14:59Z", "075", dcvv2.Matched, own},
		{"after the grace", w, "2026-11-22T13:15:00Z", "075", dcvv2.Expired, own},
		{"the next window with no grace", noGrace, "2026-11-22T13:00:00Z", "075", dcvv2.Expired, own},
		{"24 windows after", w, "2026-11-23T12:59:59Z", "075", dcvv2.Expired, own},
		{"25 windows after", w, "2026-11-23T13:00:00Z", "075", dcvv2.Wrong, 0},
		{"the code of nothing", w, "2026-11-22T12:34:56Z", "000", dcvv2.Wrong, 0},
	} {
		found := c.world.verify(t, code(t, c.code), moment(t, c.at))
		if found.Verdict != c.want || found.Window.Index != c.index {
			t.Errorf("%s: %v of %v, want %v", c.name, found.Verdict, found.Window, c.want)
		}
	}
	if found := w.verify(t, dcvv2.Code{}, moment(t, "2026-11-22T12:34:56Z")); found != (dcvv2.Finding{}) {
		t.Errorf("no code: %v", found)
	}
}

// TestCodeBelongsToItsAccount: another sequence number, expiry or hours of
// the window give other codes over a day.
func TestCodeBelongsToItsAccount(t *testing.T) {
	k, a, at := masterKey(t, masterDigits), account(t, "4761739001010010", "00", "3112"), moment(t, "2026-11-22T12:00:00Z")
	day := func(p dcvv2.Policy, a dcvv2.Account) string {
		issued, err := dcvv2.Generate(dcvv2.Always(p), k.Masters, a, at, dcvv2.CodesMax, 0)
		if err != nil {
			t.Fatal(err)
		}
		var all string
		for _, i := range issued {
			all += i.Code.Reveal()
		}
		return all
	}
	own := day(dcvv2.DefaultPolicy(), a)
	sequence, expiry, generation := a, a, a
	sequence.Sequence, expiry.Expiry, generation.Generation = 1, card.MustExpiry("3201"), 1
	for name, other := range map[string]string{
		"sequence number": day(dcvv2.DefaultPolicy(), sequence),
		"expiry":          day(dcvv2.DefaultPolicy(), expiry),
		"window":          day(with(func(p *dcvv2.Policy) { p.WindowHours = 2 }), a),
	} {
		if other == own {
			t.Errorf("another %s makes no difference", name)
		}
	}
	if day(dcvv2.DefaultPolicy(), generation) != own {
		t.Error("cvv-hour does not use the generation")
	}
}
