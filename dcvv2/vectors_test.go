package dcvv2_test

import (
	"encoding/hex"
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/emv"
	"github.com/firsttap/firsttap/internal/golden"
)

const masterDigits = "0123456789ABCDEFFEDCBA9876543210"

// codeColumns is how many columns codes.txt has.
const codeColumns = 11

// failer is what the helpers need of a test, of a fuzz target or of rapid.
type failer interface {
	Helper()
	Fatal(args ...any)
}

func masterKey(t failer, digits string) dcvv2.MasterKey {
	t.Helper()
	b, err := hex.DecodeString(digits)
	if err != nil {
		t.Fatal(err)
	}
	k, err := dcvv2.NewMasterKey(b)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func account(t failer, pan, psn, yymm string) dcvv2.Account {
	t.Helper()
	seq, err := card.ParseSequence(psn)
	if err != nil {
		t.Fatal(err)
	}
	return dcvv2.Account{PAN: card.MustPAN(pan), Sequence: seq, Expiry: card.MustExpiry(yymm)}
}

func number(t failer, digits string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func moment(t failer, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func TestCodeVectors(t *testing.T) {
	seen := map[string]int{}
	for _, row := range golden.Vectors(t, "codes.txt", codeColumns) {
		profile, err := dcvv2.ProfileByName(row[0])
		if err != nil {
			t.Fatal(err)
		}
		a := account(t, row[2], row[3], row[4])
		a.Generation = uint16(number(t, row[9]))
		w := dcvv2.WindowAt(moment(t, row[5]), int(number(t, row[6])))
		if w.Index != number(t, row[7]) || w.End().Format(time.RFC3339) != row[8] {
			t.Errorf("%s: %v ends at %v, want window %s until %s", row[5], w, w.End(), row[7], row[8])
		}
		code, err := dcvv2.CodeOf(profile, masterKey(t, row[1]), a, w)
		if err != nil || code.Reveal() != row[10] {
			t.Errorf("%s of %s, generation %s, in %v: %s, %v, want %s", row[0], row[2], row[9], w, code.Reveal(), err, row[10])
		}
		seen[row[0]]++
		seen["digits "+strconv.Itoa(len(row[2]))]++
		seen["hours "+row[6]]++
	}
	for _, what := range append(dcvv2.ProfileNames(), "digits 13", "digits 16", "digits 19", "hours 1", "hours 5", "hours 6", "hours 7", "hours 11", "hours 13", "hours 18") {
		if seen[what] == 0 {
			t.Errorf("no vector has %s", what)
		}
	}
}

// TestTwentyFourCodes asks for a whole day of codes, as the first rows of
// codes.txt have them.
func TestTwentyFourCodes(t *testing.T) {
	rows := golden.Vectors(t, "codes.txt", codeColumns)[:dcvv2.CodesMax]
	at := moment(t, "2026-11-22T12:34:56Z")
	issued, err := dcvv2.Generate(dcvv2.Always(dcvv2.DefaultPolicy()), masterKey(t, masterDigits).Masters, account(t, "4761739001010010", "00", "3112"), at, dcvv2.CodesMax, 0)
	if err != nil || len(issued) != len(rows) {
		t.Fatalf("%d codes, %v", len(issued), err)
	}
	for i, row := range rows {
		if issued[i].Code.Reveal() != row[10] || issued[i].End.Format(time.RFC3339) != row[8] {
			t.Errorf("code %d: %s until %v, want %s", i, issued[i].Code.Reveal(), issued[i].End, row[10])
		}
	}
}

func TestStaticVectors(t *testing.T) {
	for _, row := range golden.Vectors(t, "static.txt", 5) {
		k, err := emv.ParseKey(row[0])
		if err != nil {
			t.Fatal(err)
		}
		code, err := dcvv2.StaticCVV(k, card.MustPAN(row[1]), card.MustExpiry(row[2]), row[3])
		if err != nil || code.Reveal() != row[4] {
			t.Errorf("service code %s: %s, %v, want %s", row[3], code.Reveal(), err, row[4])
		}
	}
}

func TestWindowVectors(t *testing.T) {
	for _, row := range golden.Vectors(t, "windows.txt", 5) {
		at, hours, want := moment(t, row[0]), int(number(t, row[1])), number(t, row[2])
		w := dcvv2.WindowAt(at, hours)
		if w.Index != want || w.Hours != hours || w.Start().Format(time.RFC3339) != row[3] || w.End().Format(time.RFC3339) != row[4] {
			t.Errorf("%s, %d h: number %d from %v to %v, want %v", row[0], hours, w.Index, w.Start(), w.End(), row[2:])
		}
	}
}

// TestProfilesWantTheirKey holds each profile to the length it names, with one
// byte less and one more refused.
func TestProfilesWantTheirKey(t *testing.T) {
	a, w := account(t, "4761739001010010", "00", "3112"), dcvv2.Window{Index: 498708, Hours: 1}
	for _, name := range dcvv2.ProfileNames() {
		profile, err := dcvv2.ProfileByName(name)
		if err != nil {
			t.Fatal(err)
		}
		for length := dcvv2.MasterKeyBytesMin; length <= dcvv2.MasterKeyBytesMax; length++ {
			bytes := make([]byte, length)
			bytes[0] = 0x80
			k, err := dcvv2.NewMasterKey(bytes)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := dcvv2.CodeOf(profile, k, a, w); (err == nil) != (length == profile.KeyBytes()) {
				t.Errorf("%s with %d bytes: %v", name, length, err)
			}
		}
	}
}

// TestProfilesRefuseWhatTheyCannotExpress covers accounts and windows.
func TestProfilesRefuseWhatTheyCannotExpress(t *testing.T) {
	a, good := account(t, "4761739001010010", "00", "3112"), dcvv2.Window{Index: 498708, Hours: 1}
	for _, name := range dcvv2.ProfileNames() {
		profile, err := dcvv2.ProfileByName(name)
		if err != nil {
			t.Fatal(err)
		}
		k, err := dcvv2.NewMasterKey(append(make([]byte, profile.KeyBytes()-1), 1))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := dcvv2.CodeOf(profile, k, dcvv2.Account{}, good); !errors.Is(err, dcvv2.ErrAccount) {
			t.Errorf("%s without an account: %v", name, err)
		}
		for _, w := range []dcvv2.Window{{Index: -1, Hours: 1}, {Index: 1, Hours: 0}, {Index: 1, Hours: dcvv2.WindowHoursMax + 1}} {
			if _, err := dcvv2.CodeOf(profile, k, a, w); !errors.Is(err, dcvv2.ErrWindow) {
				t.Errorf("%s in %v: %v", name, w, err)
			}
		}
	}
}
