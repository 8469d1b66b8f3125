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
	"github.com/firsttap/firsttap/token"
)

// Eight digits and sixteen bytes, all the chance of a token in a range of
// seven digits.
const chance = "0102030405060708" + "000102030405060708090A0B0C0D0E0F"

func TestMint(t *testing.T) {
	a := activation(t, codeOfNoon)
	a.Sequence = 3
	got, err := token.Mint(bytes.NewReader(unhex(t, chance)), tokenRange, a, "first", "532699887766554", 2, now)
	if err != nil {
		t.Fatal(err)
	}
	want := token.Token{
		Number: card.MustPAN("4895370123456789"), Sequence: 1, Expiry: card.MustExpiry("2911"),
		Reference: "000102030405060708090a0b0c0d0e0f", Status: token.Active, Type: token.SecureElement,
		Requestor: "40010030273", DeviceID: "device",
		PAN: card.MustPAN(panDigits), PANSequence: 3, PANExpiry: card.MustExpiry("3112"), Issuer: "first",
		TransactionID: "532699887766554", KeyVersion: 2, Created: now,
	}
	if d := cmp.Diff(want, got, cmpopts.EquateComparable(card.PAN{}, card.Expiry{})); d != "" {
		t.Error(d)
	}
}

// Whatever the chance, a token number has 16 digits, passes the Luhn check and
// lies in its range, and the same chance gives the same token.
func TestMintedNumbers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		numbers := card.MustRange(rapid.StringMatching(`4[0-9]{5,10}`).Draw(t, "range"))
		seed := rapid.SliceOfN(rapid.Byte(), 64, 64).Draw(t, "chance")
		mint := func() (token.Token, error) {
			return token.Mint(bytes.NewReader(seed), numbers, activation(t, codeOfNoon), "first", "", 1, now)
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
		if again, err := mint(); err != nil || again != one {
			t.Errorf("the same chance gives another token, %v", err)
		}
	})
}

// A range LOW-HIGH gives numbers that begin with LOW.
func TestMintInWideRange(t *testing.T) {
	wide := card.MustRange("489537000-489537099")
	minted, err := token.Mint(bytes.NewReader(make([]byte, 64)), wide, activation(t, codeOfNoon), "first", "", 1, now)
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
		minted, err := token.Mint(random, tokenRange, activation(t, codeOfNoon), "first", "", 1, now)
		if !errors.Is(err, broken) || minted != (token.Token{}) {
			t.Errorf("after %d bytes: %v", n, err)
		}
	}
	if _, err := token.Mint(bytes.NewReader(all), card.Range{}, activation(t, codeOfNoon), "first", "", 1, now); err == nil {
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
