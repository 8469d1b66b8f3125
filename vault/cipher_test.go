package vault_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/token"
	"github.com/firsttap/firsttap/vault"
)

const (
	sealText      = "sealing key of the test, 32 byte"
	referenceText = "reference key of the test, 32 by"
)

func testCipher(t testing.TB, seal, reference string) *vault.Cipher {
	t.Helper()
	c, err := vault.NewCipher([]byte(seal), []byte(reference))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestCipherKeysHaveTheirLength(t *testing.T) {
	for _, pair := range [][2]string{
		{sealText[1:], referenceText},
		{sealText + "+", referenceText},
		{sealText, referenceText[1:]},
		{sealText, referenceText + "+"},
		{"", ""},
		{sealText, sealText},
	} {
		if _, err := vault.NewCipher([]byte(pair[0]), []byte(pair[1])); !errors.Is(err, vault.ErrCipherKey) {
			t.Errorf("keys of %d and %d bytes: %v", len(pair[0]), len(pair[1]), err)
		}
	}
}

// TestReferenceIsHMAC holds the reference to a value of another program:
//
//	printf 4761739001010010 | openssl dgst -sha256 -hmac 'reference key of the test, 32 by'
func TestReferenceIsHMAC(t *testing.T) {
	const want = "f31393c32c41506f8ca055999771a98c2aec01d50a985369e77a4b4a182eb0a2"
	if got := testCipher(t, sealText, referenceText).Reference(card.MustPAN("4761739001010010")); got != want {
		t.Errorf("got %s", got)
	}
}

func TestSealedPANOpensOnlyInItsPlace(t *testing.T) {
	c := testCipher(t, sealText, referenceText)
	pan, other := card.MustPAN("4761739001010010"), card.MustPAN("4761739001010028")
	sealed := c.Seal(pan)
	if got, err := c.Unseal(c.Reference(pan), sealed); err != nil || got != pan {
		t.Fatalf("got %v, %v", got, err)
	}
	if bytes.Equal(sealed, c.Seal(pan)) {
		t.Error("sealing twice gives the same bytes")
	}
	flipped := bytes.Clone(sealed)
	flipped[len(flipped)/2] ^= 1
	version := bytes.Clone(sealed)
	version[0]++
	for _, bad := range []struct {
		name      string
		cipher    *vault.Cipher
		reference string
		sealed    []byte
	}{
		{"another record", c, c.Reference(other), sealed},
		{"one bit flipped", c, c.Reference(pan), flipped},
		{"another version", c, c.Reference(pan), version},
		{"cut", c, c.Reference(pan), sealed[:len(sealed)-1]},
		{"nothing", c, c.Reference(pan), nil},
		{"version only", c, c.Reference(pan), sealed[:1]},
		{"another key", testCipher(t, strings.ToUpper(sealText), referenceText), c.Reference(pan), sealed},
	} {
		if got, err := bad.cipher.Unseal(bad.reference, bad.sealed); !errors.Is(err, vault.ErrSealed) || !got.IsZero() {
			t.Errorf("%s: %v, %v", bad.name, got, err)
		}
	}
}

func TestFingerprintIsKeyedAndNoReference(t *testing.T) {
	c, other := testCipher(t, sealText, referenceText), testCipher(t, sealText, strings.ToUpper(referenceText))
	pan := card.MustPAN("4761739001010010")
	content := []byte(pan.Reveal())
	if len(c.Fingerprint(content)) != 32 || !bytes.Equal(c.Fingerprint(content), c.Fingerprint(content)) {
		t.Error("a fingerprint has 32 bytes and is the same each time")
	}
	if bytes.Equal(c.Fingerprint(content), other.Fingerprint(content)) {
		t.Error("another key gives the same fingerprint")
	}
	if fmt.Sprintf("%x", c.Fingerprint(content)) == c.Reference(pan) {
		t.Error("a fingerprint equals a reference")
	}
}

func TestKeyCheckTellsPairsApart(t *testing.T) {
	checks := map[string]bool{}
	for _, pair := range [][2]string{{sealText, referenceText}, {strings.ToUpper(sealText), referenceText}, {sealText, strings.ToUpper(referenceText)}, {referenceText, sealText}} {
		checks[string(testCipher(t, pair[0], pair[1]).KeyCheck())] = true
	}
	if len(checks) != 4 {
		t.Errorf("4 pairs have %d check values", len(checks))
	}
}

func TestCipherIsNeverPrinted(t *testing.T) {
	c := testCipher(t, sealText, referenceText)
	holder := struct {
		Open   *vault.Cipher
		closed *vault.Cipher
		value  vault.Cipher
	}{c, c, *c}
	var shown []string
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		shown = append(shown, fmt.Sprintf(verb, c), fmt.Sprintf(verb, *c), fmt.Sprintf(verb, holder), fmt.Sprintf(verb, &holder))
	}
	encoded, err := json.Marshal(holder)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range append(shown, string(encoded)) {
		for _, key := range []string{sealText, referenceText} {
			if strings.Contains(s, key) || strings.Contains(s, fmt.Sprintf("%x", key)) || strings.Contains(s, fmt.Sprint([]byte(key))[1:40]) {
				t.Errorf("a key shows in %q", s)
			}
		}
	}
}

func TestOutcomeIsStoredWhole(t *testing.T) {
	for _, want := range []token.Outcome{
		{},
		{Response: token.CVV2Failed, AnsweredBy: token.ByNetwork, CVV2: dcvv2.NoMatch, Reason: token.ReasonWrongCode},
		{
			Response: token.Approved, AnsweredBy: token.ByIssuer, CVV2: dcvv2.Match, Authentication: token.ARQCVerified,
			AuthorizationID: "A1B2C3", Reference: "00ff", CSU: [4]byte{1, 0x80, 0, 0xFF}, Reason: token.ReasonIssuerApproved,
		},
		{Response: token.StepUp, AnsweredBy: token.ByIssuer, Method: token.ByCallCentre, Reason: token.ReasonStepUp},
		{Response: token.Approved, AnsweredBy: token.ByNetwork, StandIn: token.StandInTimeout, Reason: token.ReasonStoodIn},
		{
			Response: token.StepUp, AnsweredBy: token.ByNetwork, CVV2: dcvv2.Match, Reference: "00ff",
			Method: token.ByIssuerApp, StandIn: token.StandInDown, Reason: token.ReasonStoodIn,
		},
		{Response: token.Approved, AnsweredBy: token.ByNetwork, Reference: "00ff", Status: token.Suspended, Reason: token.ReasonDone},
	} {
		b, err := vault.EncodeOutcome(want)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := vault.DecodeOutcome(b); err != nil || got != want {
			t.Errorf("%s gives %+v, %v", b, got, err)
		}
	}
	if _, err := vault.DecodeOutcome([]byte("{")); err == nil {
		t.Error("half an outcome was read")
	}
}
