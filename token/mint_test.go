package token_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/emv"
	"github.com/firsttap/firsttap/token"
)

// Eight digits and sixteen bytes, all the chance of a token in a range of
// seven digits.
const chance = "0102030405060708" + "000102030405060708090A0B0C0D0E0F"

func TestMint(t *testing.T) {
	a := activation(t, codeOfNoon)
	a.Sequence = 3
	got, err := token.Mint(bytes.NewReader(unhex(t, chance)), a, token.Minting{
		Numbers: tokenRange, Issuer: "first", TransactionID: "532699887766554", KeyVersion: 2, At: now,
		Merchant: "CORNERBAKERY001", Outcome: token.Outcome{Response: token.Approved},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := token.Token{
		Number: card.MustPAN("4895370123456789"), Sequence: 1, Expiry: card.MustExpiry("2911"),
		Reference: "532699887766554" + "708090a0b0c0d0e0f", Status: token.Active, Type: token.SecureElement,
		Requestor: "40010030273", DeviceID: "device",
		PAN: card.MustPAN(panDigits), PANSequence: 3, PANExpiry: card.MustExpiry("3112"), Issuer: "first",
		TransactionID: "532699887766554", KeyVersion: 2, Created: now, Version: emv.Version18,
	}
	if d := cmp.Diff(want, got, cmpopts.EquateComparable(card.PAN{}, card.Expiry{})); d != "" {
		t.Error(d)
	}
}

// green is the minting of a token that its issuer approved.
func green(numbers card.Range) token.Minting {
	return token.Minting{
		Numbers: numbers, Issuer: "first", TransactionID: "123456789012345", KeyVersion: 1, At: now, Outcome: token.Outcome{Response: token.Approved},
	}
}

// What an outcome makes: green an active token, yellow one that waits, with a
// passcode unless the issuer wants another way, and nothing else a token.
func TestMintOf(t *testing.T) {
	first := token.Passcode{Number: 1, Expires: now.Add(token.PasscodeFor)}
	for _, c := range []struct {
		outcome  token.Outcome
		status   token.Status
		passcode token.Passcode
	}{
		{token.Outcome{Response: "00"}, token.Active, token.Passcode{}},
		{token.Outcome{Response: "00", Method: token.ByPasscode}, token.Active, token.Passcode{}},
		{token.Outcome{Response: "85"}, token.Inactive, first},
		{token.Outcome{Response: "85", Method: token.ByPasscode}, token.Inactive, first},
		{token.Outcome{Response: "85", Method: token.ByCallCentre}, token.Inactive, token.Passcode{}},
		{token.Outcome{Response: "85", Method: token.ByIssuerApp}, token.Inactive, token.Passcode{}},
	} {
		m := green(tokenRange)
		m.Outcome = c.outcome
		got, err := token.Mint(bytes.NewReader(unhex(t, chance)), activation(t, codeOfNoon), m)
		if err != nil || got.Status != c.status || got.Passcode != c.passcode {
			t.Errorf("%+v makes a token that is %s with %+v, %v", c.outcome, got.Status, got.Passcode, err)
		}
	}
	for _, response := range []token.Response{"", "05", "46", "91", "N7", "96"} {
		m := green(tokenRange)
		m.Outcome.Response = response
		if got, err := token.Mint(bytes.NewReader(unhex(t, chance)), activation(t, codeOfNoon), m); err == nil || got != (token.Token{}) {
			t.Errorf("%q makes a token", response)
		}
	}
}

// The type decides which cryptograms a token has and who may use it.
func TestMintByType(t *testing.T) {
	for _, c := range []struct {
		kind     token.Type
		wanted   emv.Version
		version  emv.Version
		merchant string
	}{
		{token.SecureElement, 0, emv.Version18, ""},
		{token.SecureElement, emv.Version10, emv.Version10, ""},
		{token.SecureElement, emv.Version17, emv.Version17, ""},
		{token.Cloud, emv.Version10, emv.Version43, ""},
		{token.ECommerce, emv.Version10, emv.Version18, ""},
		{token.CardOnFile, emv.Version17, emv.Version18, "CORNERBAKERY001"},
	} {
		a, m := activation(t, codeOfNoon), green(tokenRange)
		a.Type, m.Version, m.Merchant = c.kind, c.wanted, "CORNERBAKERY001"
		got, err := token.Mint(bytes.NewReader(unhex(t, chance)), a, m)
		if err != nil || got.Version != c.version || got.Merchant != c.merchant || got.Type != c.kind {
			t.Errorf("%s: version %d for %q, %v", c.kind, got.Version, got.Merchant, err)
		}
	}
}

// A token that its provider minted is taken as it is, and needs no chance.
func TestMintBrought(t *testing.T) {
	m := green(card.Range{})
	m.Brought = token.Brought{Number: card.MustPAN(tokenDigits), Expiry: card.MustExpiry("2805"), Reference: "0f1e2d3c4b5a69788796a5b4c3d2e1f0"}
	got, err := token.Mint(iotest.ErrReader(io.EOF), activation(t, codeOfNoon), m)
	if err != nil || got.Number != m.Brought.Number || got.Expiry != m.Brought.Expiry || got.Reference != m.Brought.Reference {
		t.Errorf("%+v, %v", got, err)
	}
}

// Whatever the chance, a token number has 16 digits, passes the Luhn check and
// lies in its range, and the same chance gives the same token.
func TestMintedNumbers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		numbers := card.MustRange(rapid.StringMatching(`4[0-9]{5,10}`).Draw(t, "range"))
		seed := rapid.SliceOfN(rapid.Byte(), 64, 64).Draw(t, "chance")
		mint := func() (token.Token, error) {
			return token.Mint(bytes.NewReader(seed), activation(t, codeOfNoon), green(numbers))
		}
		one, err := mint()
		if err != nil {
			if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Fatal(err)
			}
			return // too many bytes were thrown away
		}
		if digits := one.Number.Reveal(); len(digits) != token.NumberDigits || !numbers.Contains(one.Number) {
			t.Errorf("%d digits in %s: %t", len(digits), numbers, numbers.Contains(one.Number))
		}
		if _, err := card.ParsePAN(one.Number.Reveal()); err != nil {
			t.Error(err)
		}
		if raw, err := hex.DecodeString(one.Reference); err != nil || len(raw) != token.ReferenceBytes {
			t.Errorf("reference of %d bytes, %v", len(raw), err)
		}
		if !strings.HasPrefix(one.Reference, one.TransactionID) {
			t.Error("the reference does not begin with the transaction")
		}
		if again, err := mint(); err != nil || again != one {
			t.Errorf("the same chance gives another token, %v", err)
		}
	})
}

// A range LOW-HIGH gives numbers that begin with LOW.
func TestMintInWideRange(t *testing.T) {
	wide := card.MustRange("489537000-489537099")
	minted, err := token.Mint(bytes.NewReader(make([]byte, 64)), activation(t, codeOfNoon), green(wide))
	if err != nil || !wide.Contains(minted.Number) {
		t.Errorf("in range %t, %v", wide.Contains(minted.Number), err)
	}
}

// A source of chance that fails anywhere gives no token.
func TestMintWithoutChance(t *testing.T) {
	all := unhex(t, chance)
	broken := errors.New("the source is broken")
	for n := range all {
		random := io.MultiReader(bytes.NewReader(all[:n]), iotest.ErrReader(broken))
		minted, err := token.Mint(random, activation(t, codeOfNoon), green(tokenRange))
		if !errors.Is(err, broken) || minted != (token.Token{}) {
			t.Errorf("after %d bytes: %v", n, err)
		}
	}
	if _, err := token.Mint(bytes.NewReader(all), activation(t, codeOfNoon), green(card.Range{})); err == nil {
		t.Error("minted in no range")
	}
}

// Bytes over 249 are thrown away: of 256 values 250 fall evenly on ten digits.
func TestDrawTransactionID(t *testing.T) {
	for _, c := range []struct {
		bytes []byte
		want  string
	}{
		{[]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14}, "012345678901234"},
		{[]byte{249, 239, 229, 9, 19, 29, 39, 49, 59, 69, 79, 89, 99, 109, 119}, strings.Repeat("9", 15)},
		{[]byte{250, 1, 251, 252, 2, 3, 253, 4, 5, 6, 7, 254, 8, 9, 0, 1, 2, 255, 3, 4, 255, 5}, "123456789012345"},
	} {
		random := bytes.NewReader(c.bytes)
		got, err := token.DrawTransactionID(random)
		if err != nil || got != c.want || random.Len() != 0 {
			t.Errorf("%v gives %s, %v, want %s; %d bytes left", c.bytes, got, err, c.want, random.Len())
		}
	}
	if _, err := token.DrawTransactionID(bytes.NewReader(make([]byte, 14))); !errors.Is(err, io.EOF) {
		t.Errorf("14 bytes of chance: %v", err)
	}
	if _, err := token.DrawTransactionID(bytes.NewReader(bytes.Repeat([]byte{255}, 1000))); !errors.Is(err, io.EOF) {
		t.Errorf("chance that is thrown away: %v", err)
	}
}

// Every value of a byte that is kept is as likely as any other.
func TestDrawnDigitsAreUnbiased(t *testing.T) {
	var all []byte
	for b := range 256 {
		all = append(all, byte(b))
	}
	random := bytes.NewReader(bytes.Repeat(all, 3)) // 750 bytes kept: 50 identifiers
	count := map[rune]int{}
	for range 50 {
		id, err := token.DrawTransactionID(random)
		if err != nil {
			t.Fatal(err)
		}
		for _, digit := range id {
			count[digit]++
		}
	}
	for _, digit := range "0123456789" {
		if count[digit] != 75 {
			t.Errorf("%c came %d times, want 75", digit, count[digit])
		}
	}
}
