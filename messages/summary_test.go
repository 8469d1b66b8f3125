package messages_test

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/firsttap/firsttap/internal/golden"
	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/specs"
)

// What the log and the story tell of each message, in a file that shows at a
// glance that nothing secret is among it.
func TestSummaries(t *testing.T) {
	var b strings.Builder
	b.WriteString("# What is told of each message of the family.\n\n")
	for _, e := range family() {
		line := strings.Join(messages.Summary(specs.VisaStyleCodec(), encoded(t, e)), " ")
		fmt.Fprintf(&b, "%-26s %s\n", e.name, line)
		showsNothing(t, e.name, line)
	}
	golden.CheckText(t, filepath.Join("testdata", "summaries.txt"), b.String())
}

func TestSummaryOfBrokenField44(t *testing.T) {
	m := encoded(t, find(t, "0110-tap-declined"))
	m.Set(path(t, "44"), "2         X")
	if got := strings.Join(messages.Summary(specs.VisaStyleCodec(), m), " "); strings.Contains(got, "44") {
		t.Errorf("tells %s", got)
	}
}

// Typed messages may be printed by any verb, in logs and in JSON.
func TestTypedMessagesPrintMasked(t *testing.T) {
	for _, e := range family() {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			showsNothing(t, e.name+" by "+verb, fmt.Sprintf(verb, e.typed))
		}
		text, err := json.Marshal(e.typed)
		if err != nil {
			t.Errorf("%s: %v", e.name, err)
		}
		showsNothing(t, e.name+" as JSON", string(text))
	}
}

// showsNothing fails when a clear value of the examples is in text, or its
// hexadecimal form.
func showsNothing(t *testing.T, what, text string) {
	t.Helper()
	arqc, _ := hex.DecodeString(arqcHex)
	arpc, _ := hex.DecodeString(arpcHex)
	arpc1, _ := hex.DecodeString(arpc1Hex)
	for name, secret := range map[string]string{
		"PAN": panDigits, "middle of the PAN": panDigits[6:12], "token": tokenDigits, "middle of the token": tokenDigits[6:12],
		"code": " " + codeDigits, "quoted code": `"` + codeDigits + `"`, "ARQC": string(arqc), "ARPC": string(arpc),
		"new PAN": newPANDigits, "passcode": passcodeDigits, "ARPC of method 1": string(arpc1), "new expiry": " " + laterExpiry,
		"card's expiry": " " + cardExpiry, "token's expiry": " " + tokenExpiry,
	} {
		upper := strings.ToUpper(text)
		if strings.Contains(text, secret) || strings.Contains(upper, fmt.Sprintf("%X", secret)) {
			t.Errorf("%s shows the %s", what, name)
		}
	}
}
