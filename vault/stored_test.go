package vault_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/vault"
)

func TestQuestionsAreStoredWhole(t *testing.T) {
	c := testCipher(t, sealText, referenceText)
	for _, want := range []vault.Question{fullQuestion(), {Issuer: "first bank", PAN: somePAN}} {
		b, err := vault.EncodeQuestion(c, want)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := vault.DecodeQuestion(c, b); err != nil || got != want {
			t.Errorf("%s gives %+v, %v", b, got, err)
		}
		for _, clear := range []string{somePAN.Reveal(), somePAN.Reveal()[:12], somePAN.Reveal()[4:]} {
			if bytes.Contains(b, []byte(clear)) {
				t.Error("the PAN is stored in clear")
			}
		}
	}
}

func TestAdvicesAreStoredWhole(t *testing.T) {
	c := testCipher(t, sealText, referenceText)
	want := fullAdvice()
	b, err := vault.EncodeAdvice(c, want)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := vault.DecodeAdvice(c, b); err != nil || got != want {
		t.Errorf("%s gives %+v, %v", b, got, err)
	}
	if bytes.Contains(b, []byte(somePAN.Reveal())) {
		t.Error("the PAN is stored in clear")
	}
}

// The names of the stored form are for ever.
func TestStoredNames(t *testing.T) {
	b, err := vault.EncodeAdvice(testCipher(t, sealText, referenceText), fullAdvice())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{
		"kind", "about", "transaction_id", "question", "outcome", "issuer", "pan_ref", "pan_sealed", "sequence", "expiry",
		"amount", "currency", "category", "entry_mode", "condition", "stan", "transmitted", "rrn", "acquirer", "terminal", "acceptor",
		"response", "answered_by", "reference", "csu", "stand_in",
	} {
		if !strings.Contains(string(b), `"`+name+`":`) {
			t.Errorf("%s is missing in %s", name, b)
		}
	}
}

func TestStoredQuestionsThatDoNotOpen(t *testing.T) {
	c := testCipher(t, sealText, referenceText)
	b, err := vault.EncodeQuestion(c, fullQuestion())
	if err != nil {
		t.Fatal(err)
	}
	moved := strings.Replace(string(b), c.Reference(somePAN), c.Reference(card.MustPAN("4761739001010028")), 1)
	for name, bad := range map[string]struct {
		stored string
		cipher *vault.Cipher
		want   error
	}{
		"another key":      {string(b), testCipher(t, strings.ToUpper(sealText), referenceText), vault.ErrSealed},
		"another account":  {moved, c, vault.ErrSealed},
		"nothing":          {`{}`, c, vault.ErrSealed},
		"another date":     {strings.Replace(string(b), `"3112"`, `"3113"`, 1), c, card.ErrExpiry},
		"half a question":  {string(b[:len(b)/2]), c, nil},
		"a number as text": {strings.Replace(string(b), `"amount":`, `"amount":"`, 1), c, nil},
	} {
		got, err := vault.DecodeQuestion(bad.cipher, []byte(bad.stored))
		if err == nil || bad.want != nil && !errors.Is(err, bad.want) || got != (vault.Question{}) {
			t.Errorf("%s: %v", name, err)
		}
		advice := `{"kind":"reversal","about":"tap","transaction_id":"1","question":` + bad.stored + `,"outcome":{}}`
		if got, err := vault.DecodeAdvice(bad.cipher, []byte(advice)); err == nil || got != (vault.Advice{}) {
			t.Errorf("%s in an advice: %v", name, err)
		}
	}
	if got, err := vault.DecodeAdvice(c, []byte(`{"question":`+string(b)+`,"outcome":7}`)); err == nil || got != (vault.Advice{}) {
		t.Errorf("an outcome that is none: %v", err)
	}
}

func FuzzDecodeQuestion(f *testing.F) {
	c, err := vault.NewCipher([]byte(sealText), []byte(referenceText))
	if err != nil {
		f.Fatal(err)
	}
	good, err := vault.EncodeQuestion(c, fullQuestion())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		q, err := vault.DecodeQuestion(c, b)
		if err != nil {
			return
		}
		again, err := vault.EncodeQuestion(c, q)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := vault.DecodeQuestion(c, again); err != nil || got != q {
			t.Errorf("%s became %+v, %v", b, got, err)
		}
	})
}

func FuzzDecodeAdvice(f *testing.F) {
	c, err := vault.NewCipher([]byte(sealText), []byte(referenceText))
	if err != nil {
		f.Fatal(err)
	}
	good, err := vault.EncodeAdvice(c, fullAdvice())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{"question":{},"outcome":{}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := vault.DecodeAdvice(c, b)
		if err != nil {
			return
		}
		again, err := vault.EncodeAdvice(c, a)
		if err != nil {
			t.Fatal(err)
		}
		got, err := vault.DecodeAdvice(c, again)
		if err != nil || got.Question != a.Question || got.Kind != a.Kind || got.TransactionID != a.TransactionID {
			t.Errorf("%s became %+v, %v", b, got, err)
		}
	})
}
