package phone_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/emv"
	"github.com/firsttap/firsttap/simulator/phone"
)

const otherNumber = "4761739001010010"

func transmit(t *testing.T, c phone.Card, command string) string {
	t.Helper()
	raw, err := hex.DecodeString(command)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := c.Transmit(t.Context(), raw)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%X", answer)
}

func TestAMasqueradeShowsAnotherNumber(t *testing.T) {
	p := atSeven(t, phone.Version18)
	twin, err := p.Masquerade(card.MustPAN(otherNumber), 2, card.MustExpiry("3001"))
	if err != nil {
		t.Fatal(err)
	}
	own, _ := ask(t, p, selectAID, options)
	got, status := ask(t, twin, selectAID, options)
	shown := fmt.Sprintf("%X", got)
	if status != "9000" || !strings.Contains(shown, otherNumber+"D3001201") || !strings.Contains(shown, "5F340102") {
		t.Errorf("it shows %s", shown)
	}
	if arqc(t, own) != arqc(t, got) {
		t.Error("it must sign with its own key and counter")
	}
	if record, _ := ask(t, twin, readRecord); !strings.Contains(fmt.Sprintf("%X", record), "5A08"+otherNumber) {
		t.Errorf("the record is %X", record)
	}
	if p.LastTap().ATC != 7 || twin.LastTap().ATC != 7 {
		t.Error("the two count apart")
	}
	if _, err := mustNew(t, 1).Masquerade(card.MustPAN(otherNumber), 2, card.MustExpiry("3001")); !errors.Is(err, phone.ErrNotLoaded) {
		t.Errorf("a phone without tokens gave %v", err)
	}
	if _, err := p.Masquerade(card.PAN{}, 2, card.MustExpiry("3001")); !errors.Is(err, phone.ErrMaterial) {
		t.Errorf("no number gave %v", err)
	}
}

// A cloud phone in disguise spends its own uses.
func TestAMasqueradeOfACloudPhone(t *testing.T) {
	p := cloudPhone(t, worn, 2)
	tap(t, p)
	twin, err := p.Masquerade(card.MustPAN(otherNumber), 2, card.MustExpiry("3001"))
	if err != nil {
		t.Fatal(err)
	}
	if tap(t, twin) != "9000" || tap(t, twin) != "6985" || tap(t, p) != "9000" {
		t.Error("phone and disguise must have one use left each")
	}
}

func arqc(t *testing.T, answer []byte) string {
	t.Helper()
	list, err := emv.ParseTLV(answer)
	if err != nil {
		t.Fatal(err)
	}
	value, _ := emv.Find(list, emv.TagARQC)
	return hex.EncodeToString(value)
}

func TestARecordedTapIsPlayedAgain(t *testing.T) {
	recorder := phone.Record(atSeven(t, phone.Version18).Card())
	commands := []string{selectPPSE, selectAID, options, readRecord}
	var first []string
	for _, c := range commands {
		first = append(first, transmit(t, recorder, c))
	}
	for range 2 { // every replay begins anew
		played := recorder.Replayed()
		for i, c := range commands {
			if c == options {
				c = strings.Replace(c, "1A2B3C4D", "00000000", 1) // it does not look at the terminal's number
			}
			if got := transmit(t, played, c); got != first[i] {
				t.Errorf("%s was answered %s, want %s", c, got, first[i])
			}
		}
		if got := transmit(t, played, options); got != "6A82" {
			t.Errorf("what was given already was answered %s", got)
		}
		if got := transmit(t, played, "00B2010C00"); got != "6A82" {
			t.Errorf("what was not recorded was answered %s", got)
		}
		if got := transmit(t, played, "0082000008FFFFFFFFFFFFFFFF"); got != "9000" {
			t.Errorf("a wrong issuer's answer was answered %s", got)
		}
		if got := transmit(t, played, "00A4"); got != "6700" {
			t.Errorf("half a command was answered %s", got)
		}
	}
}

func TestARecorderKeepsSoMuch(t *testing.T) {
	recorder := phone.Record(atSeven(t, phone.Version18).Card())
	for range phone.RecordedMax + 1 {
		transmit(t, recorder, selectPPSE)
	}
	played := recorder.Replayed()
	for n := range phone.RecordedMax + 1 {
		if got := transmit(t, played, selectPPSE) != "6A82"; got != (n < phone.RecordedMax) {
			t.Errorf("answer %d is there: %v", n+1, got)
		}
	}
}

// A card that fails is not recorded, and a player stops with its context.
func TestRecordingACardThatFails(t *testing.T) {
	recorder := phone.Record(lost{})
	if _, err := recorder.Transmit(t.Context(), []byte(selectAID)); !errors.Is(err, phone.ErrGone) {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := recorder.Replayed().Transmit(ctx, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

type lost struct{}

func (lost) Transmit(context.Context, []byte) ([]byte, error) { return nil, phone.ErrGone }

// FuzzReplayed plays whatever was recorded to whatever is asked.
func FuzzReplayed(f *testing.F) {
	seed, err := hex.DecodeString(selectPPSE)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed, []byte{0x00, 0xA4, 0x04, 0x00})
	f.Add([]byte{}, []byte{0x00, 0x82})
	f.Fuzz(func(t *testing.T, recorded, asked []byte) {
		recorder := phone.Record(cloudPhone(t, worn, 1).Card())
		first, err := recorder.Transmit(t.Context(), recorded)
		if err != nil {
			t.Fatal(err)
		}
		got, err := recorder.Replayed().Transmit(t.Context(), asked)
		if err != nil || len(got) < 2 || len(got) > 2 && !bytes.Equal(got, first) {
			t.Errorf("asked %X, got %X, %v", asked, got, err)
		}
	})
}
