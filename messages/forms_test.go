package messages_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/specs"
)

// Every example has the fields of its form and no other, and is nothing
// without a mandatory one.
func TestFormsAgreeWithTheExamples(t *testing.T) {
	for _, e := range family() {
		t.Run(e.name, func(t *testing.T) {
			f := formOf(t, e)
			m := encoded(t, e)
			for _, p := range m.Paths() {
				known := slices.ContainsFunc(f.Fields, func(one messages.FormField) bool { return one.Path == p })
				if !known && p.Field() != 55 {
					t.Errorf("has %s, which is not in the form of the %s", p, f.Name)
				}
			}
			for _, one := range f.Fields {
				if one.Presence == messages.Mandatory {
					isNothingWithout(t, e, m, one.Path)
				}
			}
		})
	}
}

func formOf(t *testing.T, e example) messages.Form {
	t.Helper()
	name := nameOf(e.typed)
	for _, f := range messages.Forms() {
		if f.Name == name && slices.Contains(f.Types, e.typed.MTI()) {
			return f
		}
	}
	t.Fatalf("no form for %T", e.typed)
	return messages.Form{}
}

func nameOf(typed messages.Message) string {
	name := map[string]string{
		"NetworkRequest": "network management", "NetworkAnswer": "network management answer",
		"ActivationRequest": "activation", "ActivationAnswer": "activation answer",
		"TapRequest": "tap", "TapAnswer": "tap answer", "RemoteRequest": "remote", "RemoteAnswer": "remote answer",
		"FileUpdate": "file update", "FileUpdateAnswer": "file update answer",
		"Notification": "token notification", "NotificationAnswer": "token notification answer",
		"Reversal": "reversal", "ReversalAnswer": "reversal answer", "Advice": "advice", "AdviceAnswer": "advice answer",
	}[strings.TrimPrefix(fmt.Sprintf("%T", typed), "*messages.")]
	if mti := typed.MTI(); mti[:2] == "04" && mti[2] >= '2' {
		return strings.Replace(name, "reversal", "reversal advice", 1)
	}
	return name
}

func isNothingWithout(t *testing.T, e example, m *specs.Message, p specs.Path) {
	t.Helper()
	less := m.Clone()
	less.Delete(p)
	var fault *messages.FieldError
	var unknown *messages.UnknownError
	typed, err := messages.Decode(less)
	other := err == nil && fmt.Sprintf("%T", typed) != fmt.Sprintf("%T", e.typed) // without its mark
	if !errors.As(err, &fault) && !errors.As(err, &unknown) && !other {
		t.Errorf("decodes without %s: %v", p, err)
	}
	if !m.Has(p) {
		t.Errorf("has no %s, which is mandatory", p)
	}
}
