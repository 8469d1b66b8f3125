package terminal_test

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/emv"
	"github.com/firsttap/firsttap/simulator/phone"
	"github.com/firsttap/firsttap/simulator/terminal"
)

const (
	number  = "4895370012345671"
	cardKey = "68EFE6451FDF864C2FE579FE16B35826"
)

// coffee is the purchase of the worked token.
var coffee = terminal.Purchase{
	Amount: 1250, Currency: 840, Country: 840, Type: 0,
	Date:          time.Date(2026, 11, 22, 12, 34, 56, 0, time.UTC),
	Unpredictable: [4]byte{0x1A, 0x2B, 0x3C, 0x4D},
}

func key(t testing.TB) emv.Key {
	t.Helper()
	k, err := emv.ParseKey(cardKey)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// workedPhone holds the worked token and has been tapped six times.
func workedPhone(t testing.TB) *phone.Phone {
	t.Helper()
	p, err := phone.New(rand.NewChaCha8([32]byte{1}))
	if err != nil {
		t.Fatal(err)
	}
	err = p.Load(phone.Material{
		Number: card.MustPAN(number), Sequence: 1, Expiry: card.MustExpiry("2912"), CardKey: key(t),
		Reference: "0123456789abcdef0123456789abcdef", Requestor: "40010030273",
	})
	if err != nil {
		t.Fatal(err)
	}
	p.SetCounter(6)
	return p
}

// overPipe puts a connection between phone and terminal.
func overPipe(t *testing.T, p *phone.Phone) *phone.Remote {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("the phone's door: %v", err)
		}
	})
	remote, err := phone.Dial(t.Context(), l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { remote.Close() })
	return remote
}

func TestOneTapOverTCP(t *testing.T) {
	p := workedPhone(t)
	remote := overPipe(t, p)
	tap, err := terminal.Read(t.Context(), remote, coffee)
	if err != nil {
		t.Fatal(err)
	}
	want := emv.Input{
		AmountAuthorised: 1250, Country: 840, Currency: 840, Date: [3]byte{0x26, 0x11, 0x22},
		Unpredictable: coffee.Unpredictable, AIP: [2]byte{0x20, 0}, ATC: 7, IAD: []byte{0x06, 0x01, 0x12, 0x03, 0xA0, 0, 0},
	}
	switch {
	case tap.Number != card.MustPAN(number) || tap.Sequence != 1 || tap.Expiry != card.MustExpiry("2912"):
		t.Errorf("another card was read: %+v", tap)
	case fmt.Sprint(tap.Chip) != fmt.Sprint(want):
		t.Errorf("chip data %+v, want %+v", tap.Chip, want)
	case hex.EncodeToString(tap.Cryptogram.Reveal()) != "f8bf255996a9b002":
		t.Error("the cryptogram is not that of the worked token")
	case tap.Track2.Reveal() != number+"D29122010000000000000":
		t.Error("track 2 was misread")
	case tap.Requestor != "40010030273" || fmt.Sprintf("%X", tap.AID) != "A0000000031010":
		t.Errorf("requestor %s, AID %X", tap.Requestor, tap.AID)
	}
	if err := terminal.Complete(t.Context(), remote, answerOf(t, tap, [4]byte{0, 0x80, 0, 0}, [4]byte{0, 0x80, 0, 0})); err != nil {
		t.Error(err)
	}
	if p.LastTap() != (phone.LastTap{ATC: 7, Answer: phone.Accepted}) {
		t.Errorf("the phone remembers %+v", p.LastTap())
	}
}

func TestTheCryptogramCoversThePurchase(t *testing.T) {
	tests := map[string]func(*emv.Input){
		"as read":              func(*emv.Input) {},
		"amount":               func(in *emv.Input) { in.AmountAuthorised++ },
		"other amount":         func(in *emv.Input) { in.AmountOther++ },
		"currency":             func(in *emv.Input) { in.Currency = 978 },
		"country":              func(in *emv.Input) { in.Country = 276 },
		"date":                 func(in *emv.Input) { in.Date[2]++ },
		"type":                 func(in *emv.Input) { in.Type = 0x20 },
		"unpredictable number": func(in *emv.Input) { in.Unpredictable[3]++ },
		"counter":              func(in *emv.Input) { in.ATC++ },
		"verification results": func(in *emv.Input) { in.TVR[0] = 1 },
	}
	tap, err := terminal.Read(t.Context(), workedPhone(t).Card(), coffee)
	if err != nil {
		t.Fatal(err)
	}
	for name, tamper := range tests {
		in := tap.Chip
		tamper(&in)
		if got := emv.VerifyCryptogram(key(t), in, tap.Cryptogram); got != (name == "as read") {
			t.Errorf("%s: verified is %v", name, got)
		}
	}
}

func TestAWrongIssuersAnswerIsRefused(t *testing.T) {
	p := workedPhone(t)
	tap, err := terminal.Read(t.Context(), p.Card(), coffee)
	if err != nil {
		t.Fatal(err)
	}
	err = terminal.Complete(t.Context(), p.Card(), answerOf(t, tap, [4]byte{0, 0x80, 0, 0}, [4]byte{0, 0x80, 0, 1}))
	if !errors.Is(err, terminal.ErrIssuerRefused) || !strings.Contains(err.Error(), "6300") {
		t.Errorf("Complete gave %v", err)
	}
	err = terminal.Complete(t.Context(), p.Card(), answerOf(t, tap, [4]byte{}, [4]byte{}))
	if errors.Is(err, terminal.ErrIssuerRefused) || !strings.Contains(fmt.Sprint(err), "EXTERNAL AUTHENTICATE: the card answered 6985") {
		t.Errorf("a second answer gave %v", err)
	}
}

func TestACloneTapsWithTheSameCounter(t *testing.T) {
	p := workedPhone(t)
	twin := p.Clone()
	first, err := terminal.Read(t.Context(), p.Card(), coffee)
	if err != nil {
		t.Fatal(err)
	}
	other := coffee
	other.Unpredictable[0]++
	second, err := terminal.Read(t.Context(), twin.Card(), other)
	if err != nil {
		t.Fatal(err)
	}
	if first.Chip.ATC != second.Chip.ATC || first.Cryptogram == second.Cryptogram || !emv.VerifyCryptogram(key(t), second.Chip, second.Cryptogram) {
		t.Error("a clone must repeat the counter with a genuine cryptogram of its own")
	}
}

func TestTheTranscriptIsMasked(t *testing.T) {
	p := workedPhone(t)
	tap, err := terminal.Read(t.Context(), p.Card(), coffee)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range tap.Transcript {
		names = append(names, e.Command)
	}
	if got := strings.Join(names, ", "); got != "SELECT PPSE, SELECT AID, GET PROCESSING OPTIONS, READ RECORD 3 of file 1" {
		t.Errorf("the transcript has %s", got)
	}
	encoded, err := json.Marshal(tap)
	if err != nil {
		t.Fatal(err)
	}
	for _, shown := range []string{fmt.Sprint(tap.Transcript), fmt.Sprintf("%+v", tap), fmt.Sprintf("%#v", tap.Track2), string(encoded)} {
		for _, clear := range []string{number, "2912", "291231", "F8BF255996A9B002", "f8bf2559"} {
			if strings.Contains(shown, clear) {
				t.Errorf("%s shows in %s", clear, shown)
			}
		}
	}
	if got := tap.Transcript[2].String(); !strings.Contains(got, "-> 9000 82 2000 · 94 08030300 · 9F36 0007 · 9F26 [8 bytes hidden]") {
		t.Errorf("the exchange reads %s", got)
	}
}

func TestPurchasesThatNoCardIsAsked(t *testing.T) {
	tests := map[string]func(*terminal.Purchase){
		"amount of 13 digits":  func(p *terminal.Purchase) { p.Amount = terminal.AmountMax + 1 },
		"currency of 4 digits": func(p *terminal.Purchase) { p.Currency = 1000 },
		"country of 4 digits":  func(p *terminal.Purchase) { p.Country = 1000 },
		"type that is no BCD":  func(p *terminal.Purchase) { p.Type = 0x0A },
		"no date":              func(p *terminal.Purchase) { p.Date = time.Time{} },
	}
	for name, spoil := range tests {
		purchase := coffee
		spoil(&purchase)
		if _, err := terminal.Read(t.Context(), nil, purchase); !errors.Is(err, terminal.ErrPurchase) {
			t.Errorf("%s: %v", name, err)
		}
	}
	most := coffee
	most.Amount, most.Currency, most.Country, most.Type = terminal.AmountMax, 999, 999, 0x99
	tap, err := terminal.Read(t.Context(), workedPhone(t).Card(), most)
	if err != nil || !emv.VerifyCryptogram(key(t), tap.Chip, tap.Cryptogram) {
		t.Errorf("the most of everything: %v", err)
	}
}

// scripted answers commands in turn, whatever they are, and then with 6F00.
type scripted [][]byte

func (s *scripted) Transmit(context.Context, []byte) ([]byte, error) {
	if len(*s) == 0 {
		return []byte{0x6F, 0x00}, nil
	}
	answer := (*s)[0]
	*s = (*s)[1:]
	return answer, nil
}

func script(t testing.TB, answers ...string) *scripted {
	t.Helper()
	var s scripted
	for _, a := range answers {
		raw, err := hex.DecodeString(strings.ReplaceAll(a, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		s = append(s, raw)
	}
	return &s
}

const (
	goodDirectory = "6F2D840E325041592E5359532E4444463031A51BBF0C1861164F07A0000000031010500846495253545441508701019000"
	goodFCI       = "6F118407A0000000031010A5069F3803 9F3704 9000"
	goodRecord    = "7019 5A084895370012345671 5F2403291231 9F1906040010030273 9000"
	track2        = "57134895370012345671D29122010000000000000F"
	goodOptions   = "774182022000 940408030300 9F360200079F2608F8BF255996A9B0029F100706011203A00000 " + track2 + " 5F340101 9F2701809000"
)

func TestBadAnswersSayWhere(t *testing.T) {
	replace := func(old, new string) string { return strings.Replace(goodOptions, old, new, 1) }
	tests := []struct {
		name    string
		answers []string
		want    string
	}{
		{"a directory that is not there", []string{"6A82"}, "SELECT PPSE: the card answered 6A82 (no such application or file)"},
		{"one byte", []string{"90"}, "SELECT PPSE: the card's answer cannot be read: it has 1 bytes"},
		{"no data", []string{"9000"}, "SELECT PPSE: the card's answer cannot be read: it is not one template 6F"},
		{"no data objects", []string{"6F059000"}, "SELECT PPSE: the card's answer cannot be read"},
		{"no application", []string{"6F028400 9000"}, "SELECT PPSE: the card's answer cannot be read: tag 4F"},
		{"an application that is not there", []string{goodDirectory, "6A82"}, "SELECT AID: the card answered 6A82"},
		{"a list that ends early", []string{goodDirectory, "6F0EA50C 9F3809 9F3704 9F0206 9F1A02 9000"}, ""},
		{"a list without a length", []string{goodDirectory, "6F07A505 9F3802 9F37 9000"}, "ends within an entry"},
		{"a list that wants too much", []string{goodDirectory, "6F08A506 9F3803 9F37FF 9000"}, "more than one command holds"},
		{"conditions not satisfied", []string{goodDirectory, goodFCI, "6985"}, "GET PROCESSING OPTIONS: the card answered 6985 (conditions of use not satisfied)"},
		{"an answer of format 1", []string{goodDirectory, goodFCI, "800620000803030090 00"}, "it is not one template 77"},
		{"an object twice", []string{goodDirectory, goodFCI, "770882022000 82022000 9000"}, "GET PROCESSING OPTIONS: the card's answer"},
		{"a record that is not there", []string{goodDirectory, goodFCI, replace("x", ""), "6A83"}, "READ RECORD 3 of file 1: the card answered 6A83 (no such record)"},
		{"a locator of three bytes", []string{goodDirectory, goodFCI, "77059403 080303 9000"}, "not a multiple of 4"},
		{"a locator to record 0", []string{goodDirectory, goodFCI, "77069404 08000300 9000"}, "points to no record"},
		{"a locator that runs backwards", []string{goodDirectory, goodFCI, "77069404 08030200 9000"}, "points to no record"},
		{"a locator to 17 records", []string{goodDirectory, goodFCI, "77069404 08011100 9000"}, "more than 16 records"},
		{"a decline", []string{goodDirectory, goodFCI, replace("9F270180", "9F270100"), goodRecord}, "did not ask for the issuer's word"},
		{"no track 2", []string{goodDirectory, goodFCI, replace(track2, strings.Replace(track2, "57", "56", 1)), goodRecord}, "tag 57, track 2, is missing"},
		{"track 2 without separator", []string{goodDirectory, goodFCI, replace("D2912", "12912"), goodRecord}, "not number, D, expiry"},
		{"track 2 with a wrong digit", []string{goodDirectory, goodFCI, replace("5671D", "5672D"), goodRecord}, "Luhn"},
		{"track 2 with month 13", []string{goodDirectory, goodFCI, replace("D2912", "D2913"), goodRecord}, "month 01 to 12"},
		{"another number in the record", []string{goodDirectory, goodFCI, goodOptions, strings.Replace(goodRecord, "4895370012345671", "4761739001010010", 1)}, "different numbers"},
		{"another date in the record", []string{goodDirectory, goodFCI, goodOptions, strings.Replace(goodRecord, "2912", "2911", 1)}, "different expiry dates"},
		{"a requestor of 12 digits", []string{goodDirectory, goodFCI, goodOptions, strings.Replace(goodRecord, "0400", "1400", 1)}, "9F19"},
		{"a counter of one byte", []string{goodDirectory, goodFCI, "774082022000 940408030300 9F360107 9F2608F8BF255996A9B0029F100706011203A00000 " + track2 + "5F340101 9F270180 9000", goodRecord}, "tag 9F36"},
		{"a sequence that is no number", []string{goodDirectory, goodFCI, replace("5F340101", "5F34010A"), goodRecord}, "5F34"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tap, err := terminal.Read(t.Context(), script(t, tt.answers...), coffee)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("Read gave %v, want one that says %q", err, tt.want)
			}
			var broken *terminal.CommandError
			if !errors.As(err, &broken) || strings.Contains(err.Error(), "4895370012345671") {
				t.Errorf("the error is %v", err)
			}
			if tt.name != "one byte" && len(tap.Transcript) == 0 {
				t.Error("the transcript must tell how far it went")
			}
		})
	}
}

func TestACardMayAskForLessOrUnknownData(t *testing.T) {
	tap, err := terminal.Read(t.Context(), script(t, goodDirectory,
		// amount in 3 and in 7 bytes, unpredictable number in 2 and in 5, an unknown object in 2
		"6F19 A517 9F3814 9F0203 9F0207 9F3702 9F3705 9F5002 9F3501 9A03 900 0", goodOptions, goodRecord), coffee)
	if err != nil {
		t.Fatal(err)
	}
	if got := tap.Transcript[2].Sent; got != "001250"+"00000000001250"+"1A2B"+"1A2B3C4D00"+"0000"+"22"+"261122" {
		t.Errorf("the terminal sent %s", got)
	}
}

func TestACardThatGoesAway(t *testing.T) {
	remote := overPipe(t, workedPhone(t))
	remote.Close()
	_, err := terminal.Read(t.Context(), remote, coffee)
	if !errors.Is(err, phone.ErrGone) || !strings.Contains(err.Error(), "SELECT PPSE") {
		t.Errorf("Read gave %v", err)
	}
}

func FuzzRead(f *testing.F) {
	run := func(answers ...string) []byte {
		var b []byte
		for _, a := range *script(f, answers...) {
			b = append(append(b, byte(len(a))), a...)
		}
		return b
	}
	f.Add(run(goodDirectory, goodFCI, goodOptions, goodRecord))
	f.Add(run(goodDirectory, goodFCI, "77069404 08010F00 9000"))
	f.Add([]byte{0, 1, 2})
	f.Fuzz(func(t *testing.T, answers []byte) {
		var s scripted
		for len(answers) > 0 {
			n := min(int(answers[0]), len(answers)-1)
			s = append(s, answers[1:1+n])
			answers = answers[1+n:]
		}
		tap, err := terminal.Read(t.Context(), &s, coffee)
		if err == nil && (tap.Number.IsZero() || tap.Expiry.IsZero() || tap.Cryptogram.IsZero() || len(tap.Chip.IAD) == 0) {
			t.Error("a tap with something missing was read without an error")
		}
		if len(tap.Transcript) > 3+terminal.RecordsMax {
			t.Errorf("%d commands in one tap", len(tap.Transcript))
		}
	})
}

// answerOf answers a tap by method 2 with an ARPC over covered, and says told.
func answerOf(t *testing.T, tap terminal.Tap, covered, told [4]byte) terminal.IssuerAnswer {
	t.Helper()
	return terminal.IssuerAnswer{ARPC: emv.ARPC2(emv.SessionKey(key(t), tap.Chip.ATC), tap.Cryptogram, covered), CSU: told}
}
