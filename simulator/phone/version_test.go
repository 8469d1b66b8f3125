package phone_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/firsttap/firsttap/emv"
	"github.com/firsttap/firsttap/simulator/phone"
)

// The worked token by every version: what tap 7 gives and what the issuer's
// answer to it is (the vectors of package emv).
var workedVersions = []struct {
	version              int
	data, arqc, answer   string // tags 9F10, 9F26 and 91
	accepted, wrongBytes string // status words for the answer, and for one byte less
}{
	{phone.Version10, "06010A03A00000", "26CF803FB7D3EB07", "60F060BC5758D9E8" + "3030", "9000", "6700"},
	{phone.Version17, "06011103A00000", "33F22A18481CAB36", "123E16F4E28FF3AB" + "3030", "9000", "6700"},
	{phone.Version18, "06011203A00000", "F8BF255996A9B002", "F2087F22" + "00800000", "9000", "6700"},
	{phone.Version43, "1F43010000A0000000000000010678130100" + "0000000000000000000000000000", "261CE849B4BF359C", "F2087F22" + "00800000", "6985", "6985"},
}

func atSeven(t testing.TB, version int) *phone.Phone {
	t.Helper()
	if version == phone.Version43 {
		return cloudPhone(t, worn, 5)
	}
	m := material(t)
	m.Version = version
	p := mustNew(t, 1)
	if err := p.Load(m); err != nil {
		t.Fatal(err)
	}
	p.SetCounter(6)
	return p
}

func command91(answer string) string { return fmt.Sprintf("00820000%02X", len(answer)/2) + answer }

func TestEveryVersionToTheByte(t *testing.T) {
	for _, w := range workedVersions {
		t.Run(fmt.Sprint(w.version), func(t *testing.T) {
			p := atSeven(t, w.version)
			data, status := ask(t, p, selectPPSE, selectAID, options)
			shown := fmt.Sprintf("%X", data)
			if status != "9000" || !strings.Contains(shown, "9F2608"+w.arqc) || !strings.Contains(shown, "9F36020007") {
				t.Fatalf("tap 7 gave %s %s", shown, status)
			}
			if !strings.Contains(shown, fmt.Sprintf("9F10%02X", len(w.data)/2)+w.data) {
				t.Errorf("the issuer's data are not %s: %s", w.data, shown)
			}
			if _, status := ask(t, p, command91(w.answer[2:])); status != w.wrongBytes {
				t.Errorf("a byte less answered %s, want %s", status, w.wrongBytes)
			}
			if _, status := ask(t, p, command91(w.answer)); status != w.accepted {
				t.Errorf("the issuer's answer was answered %s, want %s", status, w.accepted)
			}
		})
	}
}

func TestTheAnswerMayComeAsDataObjectByEveryVersion(t *testing.T) {
	for _, w := range workedVersions[:3] {
		p := atSeven(t, w.version)
		object := fmt.Sprintf("91%02X", len(w.answer)/2) + w.answer
		if _, status := ask(t, p, selectAID, options, command91(object)); status != "9000" || p.LastTap().Answer != phone.Accepted {
			t.Errorf("version %d answered %s", w.version, status)
		}
	}
}

// Every byte of the issuer's answer is covered, and a wrong one ends the tap.
func TestAChangedAnswerIsRefusedByEveryVersion(t *testing.T) {
	for _, w := range workedVersions[:3] {
		for at := 0; at < len(w.answer); at += 2 {
			p := atSeven(t, w.version)
			changed := w.answer[:at] + "FF" + w.answer[at+2:]
			if _, status := ask(t, p, selectAID, options, command91(changed)); status != "6300" || p.LastTap().Answer != phone.Refused {
				t.Errorf("version %d with byte %d changed answered %s", w.version, at/2, status)
			}
			if _, status := ask(t, p, command91(w.answer)); status != "6985" {
				t.Errorf("version %d took a second answer: %s", w.version, status)
			}
		}
	}
}

// The answer of one method is not one of the other.
func TestMethodsAreNotExchanged(t *testing.T) {
	for i, w := range workedVersions[:3] {
		other := workedVersions[2-i]
		if other.version == w.version {
			other = workedVersions[2]
		}
		_, status := ask(t, atSeven(t, w.version), selectAID, options, command91(other.answer))
		if status == "9000" {
			t.Errorf("version %d took the answer of version %d", w.version, other.version)
		}
	}
}

// What the phone sends names its own version.
func TestTheVersionIsInTheIssuersData(t *testing.T) {
	for _, w := range workedVersions {
		data, _ := ask(t, atSeven(t, w.version), selectAID, options)
		list, err := emv.ParseTLV(data)
		if err != nil {
			t.Fatal(err)
		}
		iad, _ := emv.Find(list, emv.TagIAD)
		if got, err := emv.VersionOf(iad); err != nil || got.Number() != w.version {
			t.Errorf("version %d says %d, %v", w.version, got.Number(), err)
		}
	}
}

// The data object must say its own length, and the key of the answer is that of
// the tap, whatever became of the counter since.
func TestTheAnswerBelongsToItsTap(t *testing.T) {
	for _, w := range workedVersions[:3] {
		p := atSeven(t, w.version)
		ask(t, p, selectAID, options)
		p.SetCounter(100)
		if _, status := ask(t, p, command91("91FF"+w.answer)); status != "6700" {
			t.Errorf("version %d: an object with a wrong length answered %s", w.version, status)
		}
		if _, status := ask(t, p, command91(w.answer)); status != "9000" {
			t.Errorf("version %d: the answer to tap 7 answered %s", w.version, status)
		}
	}
}
