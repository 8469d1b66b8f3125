package messages_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/specs"
)

type withContent interface {
	messages.Message
	Content() []byte
}

func contentOf(t *testing.T, m *specs.Message) ([]byte, error) {
	t.Helper()
	typed, err := messages.Decode(m)
	if err != nil {
		return nil, err
	}
	return typed.(withContent).Content(), nil
}

// Every value of a request but its times is part of its content: change one
// and the request is another one.
func TestContentDiffers(t *testing.T) {
	fixed := []string{"3", "63.3", "91", "101", "55.01.9F27"} // have one value only, or none that is kept
	for _, name := range []string{
		"0100-activation-requestor", "0100-activation-issuer", "0100-activation-provider",
		"0100-tap-merchant", "0100-tap-issuer", "0100-tap-requestor",
		"0100-verification-merchant", "0100-verification-issuer", "0100-ecommerce-merchant", "0100-ecommerce-issuer",
		"0302-passcode", "0302-inquiry", "0302-replace", "0400-tap", "0420-activation", "0120-declined", "0120-stood-in",
	} {
		m := encoded(t, find(t, name))
		want, err := contentOf(t, m)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range m.Paths() {
			if slices.Contains(fixed, p.String()) || p.String() == "4" && m.Text(p) == "000000000000" {
				continue
			}
			if p.String() == "25" && strings.Contains(name, "ecommerce") { // a verification has no amount
				continue
			}
			other := m.Clone()
			other.Set(p, another(p, m.Text(p)))
			got, err := contentOf(t, other)
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			isTime := slices.Contains([]string{"7", "12", "13"}, p.String())
			if bytes.Equal(got, want) != isTime {
				t.Errorf("%s: another %s: equal %t", name, p, !isTime)
			}
		}
	}
}

// another is a value that fits the field as well.
func another(p specs.Path, value string) string {
	switch p.String() {
	case "2", "123.01.01":
		return "4000001234567899"
	case "44":
		if len(value) > 9 {
			return value[:10] + string("MN"[strings.Count(value[10:], "M")])
		}
		return value[:8] + "1"
	case "25":
		if value == messages.AccountVerification || value == messages.ECommercePayment {
			return another25[value]
		}
	case "126.9":
		return value[:2] + "\x09" + value[3:]
	case "126.10":
		return value[:1] + "1 948"
	}
	b := []byte(value)
	switch last := &b[len(b)-1]; *last {
	case '9', 'z', 'Z':
		*last--
	case '2': // the month 12 of an expiry date, among others
		*last--
	default:
		*last++
	}
	return string(b)
}

// another25 is the other condition of a request without a terminal.
var another25 = map[string]string{
	messages.AccountVerification: messages.ECommercePayment, messages.ECommercePayment: messages.AccountVerification,
}

func TestContentOfRepeat(t *testing.T) {
	asked, tapped := activation(), tap()
	again, tappedAgain := activation(), tap()
	again.Repeat, tappedAgain.Repeat = true, true
	again.Transmitted, again.Time, again.Date = "1123000001", "000001", "1123"
	tappedAgain.Transmitted, tappedAgain.Time, tappedAgain.Date = "1123000001", "", ""
	if !bytes.Equal(asked.Content(), again.Content()) || !bytes.Equal(tapped.Content(), tappedAgain.Content()) {
		t.Error("a repeat with other times is another request")
	}
}

// Texts that run into each other in different places stay different.
func TestContentKeepsFieldsApart(t *testing.T) {
	one, two := activation(), activation()
	one.Activation.Device.ID, one.Activation.Device.PhoneLast4 = "a/5678", ""
	two.Activation.Device.ID, two.Activation.Device.PhoneLast4 = "a", "5678"
	if bytes.Equal(one.Content(), two.Content()) {
		t.Error("two requests have one content")
	}
}
