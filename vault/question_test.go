package vault_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/token"
	"github.com/firsttap/firsttap/vault"
)

func wholeQuestion(t *testing.T) vault.Question {
	t.Helper()
	pan, err := card.ParsePAN("4761739001010010")
	if err != nil {
		t.Fatal(err)
	}
	return vault.Question{
		Issuer: "greenbank", PAN: pan, Reference: "00ff", Sequence: 1, Expiry: card.MustExpiry("3112"),
		Amount: 1250, Currency: "840", Category: "5812", EntryMode: "0710", Condition: "00",
		STAN: "000123", Transmitted: "1122121700", RRN: "632612000123", Acquirer: "400552",
		Terminal: "TERMID01", Acceptor: "TOKENREQUESTOR1",
	}
}

func ciphers(t *testing.T) (one, other *vault.Cipher) {
	t.Helper()
	reference := []byte("reference key of the test, 32 by")
	var err [2]error
	one, err[0] = vault.NewCipher([]byte("sealing key of the test, 32 byte"), reference)
	other, err[1] = vault.NewCipher([]byte("another sealing key, of 32 bytes"), reference)
	if err := errors.Join(err[:]...); err != nil {
		t.Fatal(err)
	}
	return one, other
}

// TestQuestionIsStoredWhole holds that all of a question and of an advice comes
// back, and that the PAN is neither readable nor opened by another key.
func TestQuestionIsStoredWhole(t *testing.T) {
	cipher, other := ciphers(t)
	want := wholeQuestion(t)
	for _, q := range []vault.Question{want, {Issuer: "greenbank", PAN: want.PAN}} {
		b, err := vault.EncodeQuestion(cipher, q)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := vault.DecodeQuestion(cipher, b); err != nil || got != q {
			t.Errorf("%s gives %+v, %v", b, got, err)
		}
		if bytes.Contains(b, []byte("4761739001010010")) {
			t.Errorf("the PAN shows in %s", b)
		}
		if _, err := vault.DecodeQuestion(other, b); !errors.Is(err, vault.ErrSealed) {
			t.Errorf("another key gives %v", err)
		}
	}
}

func TestAdviceIsStoredWhole(t *testing.T) {
	cipher, other := ciphers(t)
	want := vault.Advice{
		Kind: vault.AdviceStandIn, About: vault.KindActivation, TransactionID: "000000000000042", Question: wholeQuestion(t),
		Outcome: token.Outcome{Response: token.CVV2Failed, AnsweredBy: token.ByNetwork, CVV2: dcvv2.NoMatch, StandIn: token.ToldOnly},
	}
	b, err := vault.EncodeAdvice(cipher, want)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := vault.DecodeAdvice(cipher, b); err != nil || got != want {
		t.Errorf("%s gives %+v, %v", b, got, err)
	}
	if _, err := vault.DecodeAdvice(other, b); !errors.Is(err, vault.ErrSealed) {
		t.Errorf("another key gives %v", err)
	}
	if _, err := vault.DecodeAdvice(cipher, []byte("{")); err == nil {
		t.Error("half an advice was read")
	}
}
