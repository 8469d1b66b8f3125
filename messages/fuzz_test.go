package messages_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"testing"

	"github.com/firsttap/firsttap/internal/golden"
	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/specs"
)

// FuzzDecode: whatever the codec reads gives a typed message or one of the
// package's errors; a typed message is written and read back the same.
func FuzzDecode(f *testing.F) {
	ascii, err := specs.SpecByName(specs.NameASCII87)
	if err != nil {
		f.Fatal(err)
	}
	for _, e := range family() {
		f.Add(packed(f, encoded(f, e)))
		f.Add(golden.Load(f, goldenFile(specs.NameASCII87, e.name)))
	}
	check, _ := hex.DecodeString(checkValue)
	f.Add(check)
	for _, p := range []string{"2", "22", "55", "126.10"} { // an activation and a tap that lack something
		for _, name := range []string{"0100-activation-requestor", "0100-tap-issuer"} {
			m := encoded(f, find(f, name))
			m.Delete(path(f, p))
			f.Add(packed(f, m))
		}
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := specs.VisaStyleCodec().Parse(raw)
		if err != nil {
			m, err = ascii.Parse(raw)
		}
		if err != nil {
			return
		}
		aboutAny(t, m)
		typed, err := messages.Decode(m)
		if err != nil {
			var fault *messages.FieldError
			var unknown *messages.UnknownError
			if !errors.As(err, &fault) && !errors.As(err, &unknown) {
				t.Fatalf("%T: %v", err, err)
			}
			return
		}
		readsBack(t, typed)
	})
}

// aboutAny does with any message what is done before it is decoded.
func aboutAny(t *testing.T, m *specs.Message) {
	t.Helper()
	messages.Summary(specs.VisaStyleCodec(), m)
	messages.TraceOf(m)
	refused := messages.Refusal(m, "30")
	if refused == nil {
		return
	}
	if messages.Key(refused) != messages.Key(m) {
		t.Fatalf("%v and its refusal have different keys", m)
	}
	packed(t, refused)
	if typed, err := messages.Decode(refused); err != nil && m.Has(path(t, "11")) && !errors.As(err, new(*messages.UnknownError)) {
		t.Fatalf("the refusal of %v cannot be read: %T, %v", m, typed, err)
	}
}

func readsBack(t *testing.T, typed messages.Message) {
	t.Helper()
	written, err := messages.Encode(typed)
	if err != nil {
		t.Fatalf("cannot be encoded again: %v", err)
	}
	if written.MTI() != typed.MTI() {
		t.Fatalf("a %s is written as a %s", typed.MTI(), written.MTI())
	}
	m, err := specs.VisaStyleCodec().Parse(packed(t, written))
	if err != nil {
		t.Fatal(err)
	}
	again, err := messages.Decode(m)
	if err != nil {
		t.Fatal(err)
	}
	if d := differ(typed, again); d != "" {
		t.Fatalf("reads back as another message (-first +again):\n%s", d)
	}
	if first, ok := typed.(withContent); ok && !bytes.Equal(first.Content(), again.(withContent).Content()) {
		t.Fatal("has another content when read back")
	}
}
