package terminal_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/emv"
	"github.com/firsttap/firsttap/simulator/phone"
	"github.com/firsttap/firsttap/simulator/terminal"
)

func unhex(t testing.TB, digits string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(digits, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// phoneOf holds the worked token by a version and has been tapped six times.
func phoneOf(t testing.TB, version int) *phone.Phone {
	t.Helper()
	m := phone.Material{
		Number: card.MustPAN(number), Sequence: 1, Expiry: card.MustExpiry("2912"), CardKey: key(t),
		Reference: "0123456789abcdef0123456789abcdef", Requestor: "40010030273", Version: version,
	}
	if version == phone.Version43 {
		lent, err := emv.LimitedUseKey(key(t), "6781301")
		if err != nil {
			t.Fatal(err)
		}
		m.CardKey, m.Lent = emv.Key{}, phone.LentKey{Index: "6781301", Key: lent, UsesMax: 1, Expires: coffee.Date.Add(time.Hour)}
	}
	p, err := phone.New(rand.NewChaCha8([32]byte{1}), phone.Clock(func() time.Time { return coffee.Date }))
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Load(m); err != nil {
		t.Fatal(err)
	}
	p.SetCounter(6)
	return p
}

// Field 55 of the worked token by every version, and the issuer's answer.
func TestATapOfEveryVersion(t *testing.T) {
	tests := []struct {
		version   int
		iad, arqc string
		tag91     string // "" for a version that awaits no answer
	}{
		{phone.Version10, "06010A03A00000", "26CF803FB7D3EB07", "60F060BC5758D9E8 3030"},
		{phone.Version17, "06011103A00000", "33F22A18481CAB36", "123E16F4E28FF3AB 3030"},
		{phone.Version18, "06011203A00000", "F8BF255996A9B002", "F2087F22 00800000"},
		{phone.Version43, "1F43010000A0000000000000010678130100 0000000000000000000000000000", "261CE849B4BF359C", ""},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.version), func(t *testing.T) {
			p := phoneOf(t, tt.version)
			remote := overPipe(t, p)
			tap, err := terminal.Read(t.Context(), remote, coffee)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(tap.Chip.IAD, unhex(t, tt.iad)) || !bytes.Equal(tap.Cryptogram.Reveal(), unhex(t, tt.arqc)) {
				t.Errorf("the phone gave %X", tap.Chip.IAD)
			}
			list, err := emv.ParseTLV(emv.AppendChipData(nil, tap.Chip, tap.Cryptogram))
			if err != nil {
				t.Fatal(err)
			}
			if in, arqc, err := emv.ChipData(list); err != nil || fmt.Sprint(in) != fmt.Sprint(tap.Chip) || arqc != tap.Cryptogram {
				t.Errorf("field 55 reads %+v, %v", in, err)
			}
			if tt.tag91 == "" {
				err := terminal.Complete(t.Context(), remote, terminal.IssuerAnswer{ARPC: tap.Cryptogram})
				if err == nil || !strings.Contains(err.Error(), "6985") {
					t.Errorf("a cloud token took an answer: %v", err)
				}
				return
			}
			answer, err := terminal.ParseIssuerAnswer(unhex(t, tt.tag91))
			if err != nil {
				t.Fatal(err)
			}
			if err := terminal.Complete(t.Context(), remote, answer); err != nil || p.LastTap().Answer != phone.Accepted {
				t.Errorf("the answer: %v, %+v", err, p.LastTap())
			}
		})
	}
}

func TestAPhoneWithoutAKeyLeft(t *testing.T) {
	p := phoneOf(t, phone.Version43)
	if _, err := terminal.Read(t.Context(), p.Card(), coffee); err != nil {
		t.Fatal(err)
	}
	_, err := terminal.Read(t.Context(), p.Card(), coffee)
	var broken *terminal.CommandError
	if !errors.As(err, &broken) || broken.Status != 0x6985 || broken.Command != "GET PROCESSING OPTIONS" {
		t.Errorf("got %v", err)
	}
	if !errors.Is(p.Keys().Why, phone.ErrKeysUsedUp) {
		t.Errorf("the phone says %+v", p.Keys())
	}
}

func TestIssuerAnswersThatNoCardIsTold(t *testing.T) {
	for n := range 12 {
		a, err := terminal.ParseIssuerAnswer(make([]byte, n))
		if good := n == 8 || n == 10; good != (err == nil) || !good && !errors.Is(err, terminal.ErrIssuerAnswer) || a.IsZero() == good {
			t.Errorf("%d bytes gave %v", n, err)
		}
	}
	for n := emv.CryptogramBytesMin; n <= emv.CryptogramBytesMax; n++ {
		arpc, err := emv.NewCryptogram(make([]byte, n))
		if err != nil {
			t.Fatal(err)
		}
		err = terminal.Complete(t.Context(), script(t, "9000"), terminal.IssuerAnswer{ARPC: arpc})
		if good := n == 4 || n == 8; good != (err == nil) || !good && !errors.Is(err, terminal.ErrIssuerAnswer) {
			t.Errorf("an ARPC of %d bytes gave %v", n, err)
		}
	}
	if err := terminal.Complete(t.Context(), nil, terminal.IssuerAnswer{}); !errors.Is(err, terminal.ErrIssuerAnswer) {
		t.Errorf("nothing gave %v", err)
	}
}

// plastic is a card on a reader, no phone of ours: it holds every command
// against what a reader must send to it, to the byte, and answers as a card
// does that keeps track 2 in its first file and asks for little.
type plastic struct {
	t     *testing.T
	steps []struct{ command, answer string }
}

func (p *plastic) Transmit(ctx context.Context, command []byte) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if len(p.steps) == 0 {
		return []byte{0x6D, 0x00}, nil
	}
	step := p.steps[0]
	p.steps = p.steps[1:]
	if !bytes.Equal(command, unhex(p.t, step.command)) {
		p.t.Errorf("the reader was sent %X, want %s", command, step.command)
	}
	return unhex(p.t, step.answer), nil
}

func TestACardThatIsNoPhone(t *testing.T) {
	c := &plastic{t: t, steps: []struct{ command, answer string }{
		{"00A40400 0E 325041592E5359532E4444463031 00", "6F23 840E325041592E5359532E4444463031 A511BF0C0E610C 4F07A0000000041010 870101 9000"},
		{"00A40400 07 A0000000041010 00", "6F11 8407A0000000041010 A506 9F3803 9F3704 9000"},
		{"80A80000 06 8304 1A2B3C4D 00", "771E 82021980 9408 08010100 10010200 9F36020101 9F2608 0102030405060708 9000"},
		{"00B2010C 00", "7015 5713 4761739001010010D29122010000000000000F 9000"},
		{"00B20114 00", "700A 9F1007 06010A03A00000 9000"},
		{"00B20214 00", "700E 5A08 4761739001010010 5F340107 9000"},
		{"00820000 0A 0102030405060708 3030 00", "9000"},
	}}
	tap, err := terminal.Read(t.Context(), c, coffee)
	if err != nil {
		t.Fatal(err)
	}
	if tap.Number != card.MustPAN("4761739001010010") || tap.Sequence != 7 || tap.Chip.ATC != 0x0101 || tap.Chip.AIP != [2]byte{0x19, 0x80} || tap.Requestor != "" {
		t.Errorf("the terminal read %+v", tap)
	}
	answer, err := terminal.ParseIssuerAnswer(unhex(t, "0102030405060708 3030"))
	if err != nil {
		t.Fatal(err)
	}
	if err := terminal.Complete(t.Context(), c, answer); err != nil {
		t.Error(err)
	}
	if len(c.steps) != 0 {
		t.Errorf("%d commands were not sent", len(c.steps))
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := terminal.Read(ctx, c, coffee); !errors.Is(err, context.Canceled) {
		t.Errorf("a reader that was given up gave %v", err)
	}
}

// A thief's recording is read as the tap was: only the numbers of the terminal
// differ.
func TestARecordedTapIsReadAgain(t *testing.T) {
	recorder := phone.Record(phoneOf(t, phone.Version18).Card())
	first, err := terminal.Read(t.Context(), recorder, coffee)
	if err != nil {
		t.Fatal(err)
	}
	other := coffee
	other.Unpredictable[0]++
	again, err := terminal.Read(t.Context(), recorder.Replayed(), other)
	if err != nil {
		t.Fatal(err)
	}
	if again.Cryptogram != first.Cryptogram || again.Chip.ATC != first.Chip.ATC || emv.VerifyCryptogram(key(t), again.Chip, again.Cryptogram) {
		t.Error("the recording must give the old cryptogram, which does not cover the new number")
	}
	same, err := terminal.Read(t.Context(), recorder.Replayed(), coffee)
	if err != nil || !emv.VerifyCryptogram(key(t), same.Chip, same.Cryptogram) {
		t.Errorf("with a terminal that repeats its number the cryptogram is good: %v", err)
	}
}

func FuzzParseIssuerAnswer(f *testing.F) {
	f.Add(unhex(f, "60F060BC5758D9E83030"))
	f.Add(unhex(f, "F2087F2200800000"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := terminal.ParseIssuerAnswer(b)
		if err != nil {
			return
		}
		sent := &kept{}
		if err := terminal.Complete(t.Context(), sent, a); err != nil || !bytes.Equal(sent.command[5:len(sent.command)-1], b) {
			t.Errorf("%X reached the card as %X, %v", b, sent.command, err)
		}
	})
}

// kept is a card that takes everything and keeps the last command.
type kept struct{ command []byte }

func (k *kept) Transmit(_ context.Context, command []byte) ([]byte, error) {
	k.command = command
	return []byte{0x90, 0x00}, nil
}
