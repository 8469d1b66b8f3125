package messages_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/specs"
)

func TestAnswerMTI(t *testing.T) {
	for mti, want := range map[string]string{
		"0100": "0110", "0101": "0110", "0120": "0130", "0121": "0130", "0302": "0312", "0303": "0312", "0400": "0410", "0401": "0410",
		"0420": "0430", "0620": "0630", "0800": "0810", "9980": "9990",
		"0110": "", "0130": "", "0630": "", "0810": "", "0190": "", // answers have no answer
		"": "", "010": "", "01000": "", "01x0": "",
	} {
		if got := messages.AnswerMTI(mti); got != want {
			t.Errorf("%q is answered by %q, want %q", mti, got, want)
		}
	}
}

// A question, its repeat and its answer have one key.
func TestKeyOfQuestionAndAnswer(t *testing.T) {
	for question, answers := range map[string][]string{
		"0800-echo":                  {"0810-echo"},
		"0100-activation-requestor":  {"0101-activation-requestor", "0110-activation-approved", "0110-activation-declined"},
		"0100-activation-issuer":     {"0110-activation-issuer"},
		"0620-created":               {"0630-created"},
		"0100-tap-merchant":          {"0110-tap-approved", "0110-tap-declined", "0110-tap-method-1"},
		"0100-activation-provider":   {"0110-activation-step-up"},
		"0100-verification-merchant": {"0110-verification-approved", "0110-verification-declined"},
		"0100-ecommerce-merchant":    {"0101-ecommerce-merchant", "0110-ecommerce-issuer", "0110-ecommerce-stood-in"},
		"0620-passcode":              {"0630-passcode"},
		"0302-suspend":               {"0312-suspended"},
		"0302-inquiry":               {"0312-inquiry", "0312-inquiry-unknown"},
		"0400-tap":                   {"0401-tap", "0410-tap", "0410-unknown"},
		"0420-activation":            {"0421-activation", "0430-activation"},
		"0120-declined":              {"0121-declined"},
		"0120-stood-in":              {"0130-stood-in"},
	} {
		asked := encoded(t, find(t, question))
		for _, name := range answers {
			if got, want := messages.Key(encoded(t, find(t, name))), messages.Key(asked); got != want {
				t.Errorf("%s has key %s, its question %s", name, got, want)
			}
		}
		if got := messages.Key(messages.Refusal(asked, "30")); got != messages.Key(asked) {
			t.Errorf("the refusal of %s has key %s", question, got)
		}
	}
}

func TestKeyDiffers(t *testing.T) {
	asked := encoded(t, find(t, "0100-tap-merchant"))
	seen := map[string]string{messages.Key(asked): "the message itself"}
	for p, value := range map[string]string{
		"7": "1122123457", "11": "000124", "32": "400553", "37": "632612000124", "41": "TERMID02",
	} {
		other := asked.Clone()
		other.Set(path(t, p), value)
		remember(t, seen, other, "another field "+p)
		without := asked.Clone()
		without.Delete(path(t, p))
		remember(t, seen, without, "no field "+p)
	}
	for _, mti := range []string{"0400", "0420", "0120", "0302", "0620", "0800", "1100"} {
		other := asked.Clone()
		other.SetMTI(mti)
		remember(t, seen, other, "type "+mti)
	}
	for _, p := range []string{"2", "4", "42", "49"} { // may be absent in an answer
		other := asked.Clone()
		other.Delete(path(t, p))
		if seen[messages.Key(other)] == "" {
			t.Errorf("field %s makes a difference", p)
		}
	}
	if got := messages.Key(specs.NewMessage("01")); got != "" {
		t.Errorf("no type has key %q", got)
	}
}

func remember(t *testing.T, seen map[string]string, m *specs.Message, what string) {
	t.Helper()
	key := messages.Key(m)
	if other := seen[key]; other != "" {
		t.Errorf("%s has the key of %s", what, other)
	}
	seen[key] = what
}

// A refusal brings back what names the request, and nothing that is secret
// beside it.
func TestRefusal(t *testing.T) {
	for _, name := range []string{
		"0100-activation-requestor", "0100-tap-merchant", "0620-created", "0800-echo", "0100-ecommerce-merchant",
		"0302-replace", "0400-tap", "0420-activation", "0120-stood-in",
	} {
		asked := encoded(t, find(t, name))
		refused := messages.Refusal(asked, "30")
		if refused.MTI() != messages.AnswerMTI(asked.MTI()) || refused.Text(path(t, "39")) != "30" {
			t.Errorf("%s: %v", name, refused)
		}
		for _, p := range []string{"2", "3", "4", "7", "11", "19", "25", "32", "37", "41", "42", "49", "62.2", "63.3", "70"} {
			if got, want := refused.Text(path(t, p)), asked.Text(path(t, p)); got != want {
				t.Errorf("%s: field %s does not come back", name, p)
			}
		}
		for _, p := range []string{"14", "55.01.9F26", "123.01.01", "125.01.03", "126.9", "126.10", "38", "90", "123.01.04"} {
			if refused.Has(path(t, p)) {
				t.Errorf("%s: %s comes back", name, p)
			}
		}
		packed(t, refused)
	}
	if got := messages.Refusal(encoded(t, find(t, "0110-tap-declined")), "30"); got != nil {
		t.Errorf("an answer is refused by %v", got)
	}
}

// A refusal can be read as the answer of its question whatever the question
// was refused for.
func TestRefusalsOfBadRequestsDecode(t *testing.T) {
	for _, c := range []struct {
		name, path, value string
		want              messages.Message
	}{
		{"0100-activation-requestor", "2", "4761739001010011", &messages.ActivationAnswer{}},
		{"0100-verification-merchant", "2", "4761739001010011", &messages.RemoteAnswer{}},
		{"0100-tap-merchant", "25", messages.ECommercePayment, &messages.TapAnswer{}},
		{"0302-suspend", "91", "7", &messages.FileUpdateAnswer{}},
		{"0302-suspend", "63.3", "3700", &messages.FileUpdateAnswer{}},
		{"0400-tap", "90", "02", &messages.ReversalAnswer{}},
		{"0120-declined", "63.3", "3702", &messages.AdviceAnswer{}},
	} {
		m := encoded(t, find(t, c.name))
		m.Set(path(t, c.path), c.value)
		typed, err := messages.Decode(messages.Refusal(m, "30"))
		if got, want := fmt.Sprintf("%T", typed), fmt.Sprintf("%T", c.want); err != nil || got != want {
			t.Errorf("%s with another %s: refused by a %s, want %s: %v", c.name, c.path, got, want, err)
		}
	}
}

func TestUnknownMessages(t *testing.T) {
	bought := encoded(t, find(t, "0100-tap-merchant")) // neither activation nor tap, and 25 says a shop
	bought.Delete(path(t, "55"))
	bought.Set(path(t, "22"), "0100")
	otherReason := encoded(t, find(t, "0100-activation-requestor"))
	otherReason.Set(path(t, "63.3"), "3711")
	verified := encoded(t, find(t, "0100-verification-merchant"))
	verified.Set(path(t, "63.3"), "3711")
	unmarked := encoded(t, find(t, "0100-activation-requestor")) // its 25 says 51, but it has a phone
	unmarked.Delete(path(t, "63.3"))
	for _, m := range []*specs.Message{
		bought, otherReason, verified, unmarked, specs.NewMessage("0303"), specs.NewMessage("0200"), specs.NewMessage("0422"), specs.NewMessage("0801"), specs.NewMessage("9999"), specs.NewMessage(""),
	} {
		typed, err := messages.Decode(m)
		unknown, ok := err.(*messages.UnknownError)
		if typed != nil || !ok || unknown.MTI != m.MTI() {
			t.Errorf("%v: got %v, %v", m, typed, err)
		}
	}
}

// A contactless request without chip data is a tap that lacks it, not an
// unknown message.
func TestContactlessWithoutChipData(t *testing.T) {
	m := encoded(t, find(t, "0100-tap-merchant"))
	m.Delete(path(t, "55"))
	_, err := messages.Decode(m)
	if fault, ok := err.(*messages.FieldError); !ok || fault.Path != "55" {
		t.Errorf("got %v, want that field 55 is mandatory", err)
	}
}

func TestTimes(t *testing.T) {
	west := time.FixedZone("", -8*3600)
	local := time.Date(2026, 12, 31, 23, 5, 9, 0, west) // the next year in UTC
	if got := messages.Stamp(local); got != "0101070509" {
		t.Errorf("field 7 is %s, want UTC", got)
	}
	if got := messages.LocalAt(local); got != (messages.Local{Time: "230509", Date: "1231"}) {
		t.Errorf("fields 12 and 13 are %+v, want the time where the request is made", got)
	}
	for _, c := range []struct {
		at         time.Time
		stan, want string
	}{
		{at, "000123", "632612000123"},
		{local, "999999", "700107999999"},
		{time.Date(2030, 12, 31, 0, 0, 0, 0, time.UTC), "7", "036500000007"},
		{time.Date(2028, 12, 31, 23, 0, 0, 0, time.UTC), "000001", "836623000001"},
	} {
		if got := messages.RRN(c.at, c.stan); got != c.want {
			t.Errorf("at %v: %s, want %s", c.at, got, c.want)
		}
	}
}

func TestNameAndPlace(t *testing.T) {
	for _, c := range []struct{ name, city, country, want string }{
		{"CORNER SHOP", "OSLO", "NO", "CORNER SHOP              OSLO         NO"},
		{"A NAME OF TWENTY-FIVE CHARS", "SAN FRANCISCO BAY", "USA", "A NAME OF TWENTY-FIVE CHASAN FRANCISCOUS"},
		{"", "", "", "                                        "},
	} {
		if got := messages.NameAndPlace(c.name, c.city, c.country); got != c.want || len(got) != 40 {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

func TestTraceOf(t *testing.T) {
	if got := messages.TraceOf(encoded(t, find(t, "0100-tap-merchant"))); got != trace() {
		t.Errorf("reads %+v", got)
	}
	if got := messages.TraceOf(specs.NewMessage("0800")); got != (messages.Trace{}) {
		t.Errorf("reads %+v of nothing", got)
	}
}

func TestNetworkCodes(t *testing.T) {
	for code, known := range map[messages.NetworkCode]bool{
		messages.SignOn: true, messages.SignOff: true, messages.Echo: true, "": false, "003": false, "161": false,
	} {
		if code.Known() != known {
			t.Errorf("%q: known %t", code, !known)
		}
	}
}
