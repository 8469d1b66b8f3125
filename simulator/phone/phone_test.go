package phone_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/emv"
	"github.com/firsttap/firsttap/simulator/phone"
)

const (
	number  = "4895370012345671"
	cardKey = "68EFE6451FDF864C2FE579FE16B35826"
)

// The commands of one tap. The data of options are those of the worked token:
// amount 12.50, country and currency 840, 22 November 2026, unpredictable
// number 1A2B3C4D.
const (
	selectPPSE = "00A404000E325041592E5359532E444446303100"
	selectAID  = "00A4040007A000000003101000"
	options    = "80A80000238321" + "32A04000" + "000000001250" + "000000000000" + "0840" + "0000000000" + "0840" + "261122" + "00" + "1A2B3C4D" + "00"
	readRecord = "00B2030C00"
)

func seeded(seed byte) io.Reader { return rand.NewChaCha8([32]byte{seed}) }

func material(t testing.TB) phone.Material {
	t.Helper()
	key, err := emv.ParseKey(cardKey)
	if err != nil {
		t.Fatal(err)
	}
	return phone.Material{
		Number: card.MustPAN(number), Sequence: 1, Expiry: card.MustExpiry("2912"), CardKey: key,
		Reference: "0123456789abcdef0123456789abcdef", Requestor: "40010030273",
	}
}

func loaded(t testing.TB) *phone.Phone {
	t.Helper()
	p, err := phone.New(seeded(1))
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Load(material(t)); err != nil {
		t.Fatal(err)
	}
	return p
}

// ask sends commands in hexadecimal and gives the last answer.
func ask(t testing.TB, p *phone.Phone, commands ...string) (data []byte, status string) {
	t.Helper()
	for _, c := range commands {
		raw, err := hex.DecodeString(c)
		if err != nil {
			t.Fatal(err)
		}
		answer := p.Transmit(raw)
		data, status = answer[:len(answer)-2], fmt.Sprintf("%X", answer[len(answer)-2:])
	}
	return data, status
}

func TestOneTapToTheByte(t *testing.T) {
	p := loaded(t)
	p.SetCounter(6) // the worked token is at 0007

	tests := []struct{ name, command, answer string }{
		{
			"the directory names the application", selectPPSE,
			"6F2D" + "840E325041592E5359532E4444463031" + "A51B" + "BF0C18" + "6116" + "4F07A0000000031010" + "5008" + "4649525354544150" + "870101" + "9000",
		},
		{
			"the application says what it wants to know", selectAID,
			"6F33" + "8407A0000000031010" + "A528" + "50084649525354544150" + "870101" + "9F3818" + "9F6604" + "9F0206" + "9F0306" + "9F1A02" + "9505" + "5F2A02" + "9A03" + "9C01" + "9F3704" + "9000",
		},
		{
			"processing options hold the cryptogram", options,
			"774D" + "82022000" + "940408030300" + "9F36020007" + "9F2608F8BF255996A9B002" + "9F100706011203A00000" +
				"5713" + "4895370012345671D2912201" + "0000000000000F" + "5F340101" + "9F270180" + "9F6C020080" + "9F6E0423000000" + "9000",
		},
		{
			"the record repeats number and expiry date", readRecord,
			"7019" + "5A084895370012345671" + "5F2403291231" + "9F1906040010030273" + "9000",
		},
		{"the issuer's answer is accepted", "0082000008" + "F2087F22" + "00800000", "9000"},
	}
	for _, step := range tests {
		data, status := ask(t, p, step.command)
		if got := fmt.Sprintf("%X", data) + status; got != step.answer {
			t.Errorf("%s:\n got %s\nwant %s", step.name, got, step.answer)
		}
	}
	if got := p.LastTap(); got != (phone.LastTap{ATC: 7, Answer: phone.Accepted}) {
		t.Errorf("the phone remembers %+v", got)
	}
}

func TestStatusWords(t *testing.T) {
	const (
		ready = selectPPSE + " " + selectAID
		paid  = ready + " " + options
		arpc  = "F2087F2200800000"
	)
	tests := []struct{ name, before, command, status string }{
		{"three bytes", "", "00A404", "6700"},
		{"length without data", "", "00A4040007A0", "6700"},
		{"data longer than its length", "", "00A4040005A0000000031010", "6700"},
		{"length zero with data", "", "00A404000011", "6700"},
		{"a class nobody knows", "", "90A4040007A000000003101000", "6E00"},
		{"a command nobody knows", "", "0084000000", "6D00"},
		{"a known command in the other class", "", "00A8000002830000", "6D00"},
		{"SELECT by file identifier", "", "00A40000023F0000", "6A86"},
		{"SELECT of a short name", "", "00A4040004A000000000", "6700"},
		{"SELECT of an application that is not there", "", "00A4040007A000000004101000", "6A82"},
		{"SELECT by the first bytes of the AID", "", "00A4040005A00000000300", "9000"},
		{"options before an application is selected", "", options, "6985"},
		{"options when only the directory is selected", selectPPSE, options, "6985"},
		{"options without data", ready, "80A8000000", "6700"},
		{"options with data of another list", ready, "80A8000002830000", "6700"},
		{"options in another template", ready, strings.Replace(options, "8321", "8421", 1), "6A80"},
		{"options with an amount that is no number", ready, strings.Replace(options, "1250", "12F0", 1), "6A80"},
		{"options with parameters", ready, strings.Replace(options, "80A80000", "80A80100", 1), "6A86"},
		{"options twice", paid, options, "6985"},
		{"a record before options", ready, readRecord, "6985"},
		{"a record that is not there", paid, "00B2040C00", "6A83"},
		{"a file that is not there", paid, "00B2031400", "6A82"},
		{"a record by identifier", paid, "00B2030800", "6A86"},
		{"a record with data", paid, "00B2030C0100", "6700"},
		{"the issuer's answer before a tap", ready, "0082000008" + arpc, "6985"},
		{"the issuer's answer, short", paid, "0082000007" + arpc[:14], "6700"},
		{"the issuer's answer with parameters", paid, "0082010008" + arpc, "6A86"},
		{"the issuer's answer to another tap", paid, "0082000008" + arpc, "6300"},
		{"a second answer after a wrong one", paid + " 0082000008" + arpc, "0082000008" + arpc, "6985"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, status := ask(t, loaded(t), append(strings.Fields(tt.before), tt.command)...)
			if status != tt.status {
				t.Errorf("the phone answered %s, want %s", status, tt.status)
			}
		})
	}
}

func TestTheIssuersAnswerMayComeAsDataObject(t *testing.T) {
	p := loaded(t)
	p.SetCounter(6)
	if _, status := ask(t, p, selectAID, options, "008200000A9108F2087F2200800000"); status != "9000" {
		t.Errorf("the phone answered %s", status)
	}
}

func TestAChangedStatusUpdateIsRefused(t *testing.T) {
	p := loaded(t)
	p.SetCounter(6)
	if _, status := ask(t, p, selectAID, options, "0082000008F2087F2200800001"); status != "6300" {
		t.Errorf("the phone answered %s", status)
	}
	if got := p.LastTap().Answer; got != phone.Refused {
		t.Errorf("the phone remembers %q", got)
	}
}

func TestTheCounterRisesAndEnds(t *testing.T) {
	p := loaded(t)
	for want := uint16(1); want <= 3; want++ {
		data, _ := ask(t, p, selectAID, options)
		if got := counterOf(t, data); got != want {
			t.Errorf("tap %d has counter %d", want, got)
		}
	}
	p.SetCounter(65534)
	data, status := ask(t, p, selectAID, options)
	if status != "9000" || counterOf(t, data) != 65535 {
		t.Errorf("the last tap of all answered %s", status)
	}
	if _, status := ask(t, p, selectAID, options); status != "6985" {
		t.Errorf("a tap after the last answered %s, want 6985", status)
	}
}

func TestACloneRepeatsTheCounter(t *testing.T) {
	p := loaded(t)
	ask(t, p, selectAID, options)
	twin := p.Clone()
	first, _ := ask(t, p, selectAID, options)
	second, _ := ask(t, twin, selectAID, options)
	if !bytes.Equal(first, second) {
		t.Error("a clone must answer the same command with the same counter and cryptogram")
	}
	ask(t, p, selectAID, options)
	if got := twin.LastTap().ATC; got != 2 {
		t.Errorf("the clone counts with its original: %d", got)
	}
}

func TestLoad(t *testing.T) {
	tests := []struct {
		name  string
		spoil func(*phone.Material)
		want  string
	}{
		{"no number", func(m *phone.Material) { m.Number = card.PAN{} }, "token number"},
		{"no expiry", func(m *phone.Material) { m.Expiry = card.Expiry{} }, "expiry date"},
		{"no key", func(m *phone.Material) { m.CardKey = emv.Key{} }, "card key"},
		{"no reference", func(m *phone.Material) { m.Reference = "" }, "reference"},
		{"short AID", func(m *phone.Material) { m.AID = []byte{1, 2, 3, 4} }, "5 to 16 bytes"},
		{"long AID", func(m *phone.Material) { m.AID = make([]byte, 17) }, "5 to 16 bytes"},
		{"version 22", func(m *phone.Material) { m.Version = 22 }, "version 22"},
		{"version 0x43", func(m *phone.Material) { m.Version = 0x43 }, "version 67"},
		{"a card key and a limited-use key", func(m *phone.Material) { m.Lent = lent(t, worn, 5) }, "version 43 only"},
		{"a cloud token with a card key", func(m *phone.Material) { m.Version, m.Lent = phone.Version43, lent(t, worn, 5) }, "must not have a card key"},
		{"requestor of 10 digits", func(m *phone.Material) { m.Requestor = "4001003027" }, "11 digits"},
		{"service code of 2 digits", func(m *phone.Material) { m.ServiceCode = "20" }, "3 digits"},
		{"track 2 of 38 digits", func(m *phone.Material) { m.Discretionary = strings.Repeat("0", 14) }, "room for 13"},
		{"track 2 with a letter", func(m *phone.Material) { m.Discretionary = "A" }, "room for 13"},
		{"requestor with a letter", func(m *phone.Material) { m.Requestor = "4001003027A" }, "11 digits"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := phone.New(seeded(2))
			if err != nil {
				t.Fatal(err)
			}
			m := material(t)
			tt.spoil(&m)
			if err := p.Load(m); !errors.Is(err, phone.ErrMaterial) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Load gave %v, want one that says %q", err, tt.want)
			}
		})
	}
}

func TestTokensOnAPhone(t *testing.T) {
	p := loaded(t)
	ask(t, p, selectAID, options)
	again := material(t)
	if err := p.Load(again); err != nil || p.LastTap().ATC != 1 {
		t.Errorf("loading a token again must keep its counter: %v, %+v", err, p.LastTap())
	}
	for i := 1; i < phone.TokensMax; i++ {
		again.Reference = fmt.Sprintf("%032d", i)
		if err := p.Load(again); err != nil {
			t.Fatal(err)
		}
	}
	again.Reference = "one too many"
	if err := p.Load(again); !errors.Is(err, phone.ErrFull) {
		t.Errorf("token %d gave %v", phone.TokensMax+1, err)
	}
	if p.LastTap().ATC != 0 {
		t.Error("the token loaded last must be the one that pays")
	}
	if err := p.Choose(p.References()[0]); err != nil || p.LastTap().ATC != 1 {
		t.Errorf("choosing the first token again: %v, %+v", err, p.LastTap())
	}
	if err := p.Choose("unknown"); !errors.Is(err, phone.ErrNotLoaded) {
		t.Errorf("choosing an unknown token gave %v", err)
	}
}

func TestAnEmptyPhone(t *testing.T) {
	p, err := phone.New(seeded(3))
	if err != nil {
		t.Fatal(err)
	}
	if _, status := ask(t, p, selectPPSE); status != "6A82" {
		t.Errorf("a phone without tokens answered %s", status)
	}
	p.SetCounter(1)
	if got := p.LastTap(); got != (phone.LastTap{Answer: phone.NoAnswer}) {
		t.Errorf("it remembers %+v", got)
	}
}

func TestTheDeviceKey(t *testing.T) {
	p, again, other := loaded(t), loaded(t), mustNew(t, 9)
	if !p.Key().Equal(again.Key()) || p.Key().Equal(other.Key()) {
		t.Error("a seed must give one key")
	}
	if _, err := phone.New(strings.NewReader("short")); err == nil {
		t.Error("a source that ends must be an error")
	}
	if _, err := phone.New(bytes.NewReader(make([]byte, 1024))); err == nil {
		t.Error("a source of zeros must be an error")
	}
}

func TestNothingOfTheMaterialPrints(t *testing.T) {
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
		shown := fmt.Sprintf(verb, material(t))
		for _, clear := range []string{number, cardKey, "2912"} {
			if strings.Contains(strings.ToUpper(shown), clear) {
				t.Errorf("%s shows %s", verb, clear)
			}
		}
	}
}

// FuzzTransmit sends runs of commands, each behind one length byte.
func FuzzTransmit(f *testing.F) {
	run := func(commands ...string) []byte {
		var b []byte
		for _, c := range commands {
			raw, err := hex.DecodeString(c)
			if err != nil {
				f.Fatal(err)
			}
			b = append(append(b, byte(len(raw))), raw...)
		}
		return b
	}
	f.Add(run(selectPPSE, selectAID, options, readRecord, "0082000008F2087F2200800000"))
	f.Add(run(selectAID, options, options))
	f.Add(run("", "00", "FFFFFFFFFFFF"))
	f.Add(append([]byte{byte(len(workedVersions) - 1)}, run(selectAID, options, "0082000008F2087F2200800000")...))
	f.Add(append([]byte{0}, run(selectAID, options, command91(workedVersions[0].answer))...))
	f.Fuzz(func(t *testing.T, commands []byte) {
		p := loaded(t)
		if len(commands) > 0 && int(commands[0]) < len(workedVersions) { // such a length is of no command
			p, commands = atSeven(t, workedVersions[commands[0]].version), commands[1:]
		}
		for len(commands) > 0 {
			n := min(int(commands[0]), len(commands)-1)
			answer := p.Transmit(commands[1 : 1+n])
			commands = commands[1+n:]
			if len(answer) < 2 || len(answer) > phone.AnswerBytesMax {
				t.Fatalf("an answer of %d bytes", len(answer))
			}
			if sw := binary.BigEndian.Uint16(answer[len(answer)-2:]); sw>>12 != 6 && sw != 0x9000 {
				t.Fatalf("status word %04X", sw)
			}
			if len(answer) > 2 {
				if _, err := emv.ParseTLV(answer[:len(answer)-2]); err != nil {
					t.Fatalf("the answer is no data object: %v", err)
				}
			}
		}
	})
}

func counterOf(t *testing.T, answer []byte) uint16 {
	t.Helper()
	list, err := emv.ParseTLV(answer)
	if err != nil {
		t.Fatal(err)
	}
	counter, ok := emv.Find(list, emv.TagATC)
	if !ok {
		t.Fatal("the answer has no counter")
	}
	return binary.BigEndian.Uint16(counter)
}

func mustNew(t testing.TB, seed byte) *phone.Phone {
	t.Helper()
	p, err := phone.New(seeded(seed))
	if err != nil {
		t.Fatal(err)
	}
	return p
}
