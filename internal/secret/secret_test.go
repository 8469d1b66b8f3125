package secret_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/firsttap/firsttap/internal/secret"
)

func TestTextIsNeverPrinted(t *testing.T) {
	const clear = "0123456789ABCDEF"
	hidden := secret.New(clear)
	holder := struct {
		Open   secret.Text
		closed secret.Text
	}{hidden, hidden}

	var shown []string
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		shown = append(shown, fmt.Sprintf(verb, hidden), fmt.Sprintf(verb, holder), fmt.Sprintf(verb, &holder))
	}
	encoded, err := json.Marshal(holder)
	if err != nil {
		t.Fatal(err)
	}
	shown = append(shown, string(encoded))
	for _, s := range shown {
		if strings.Contains(s, clear) || strings.Contains(s, fmt.Sprintf("%x", clear)) {
			t.Errorf("the secret shows in %q", s)
		}
	}
	if holder.closed.Reveal() != clear {
		t.Error("Reveal lost the value")
	}
}

func TestTextComparesByValue(t *testing.T) {
	one, again, other := secret.New("a"), secret.New("a"), secret.New("b")
	if one != again || one == other {
		t.Error("two Texts must be equal exactly when their characters are")
	}
	var zero secret.Text
	if !zero.IsZero() || zero.Reveal() != "" || !secret.New("").IsZero() {
		t.Error("the zero Text must be the empty secret")
	}
}
