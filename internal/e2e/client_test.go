package e2e_test

import (
	"context"
	"os/exec"
	"strings"
	"testing"

	"github.com/firsttap/firsttap/simulator/site"
)

// TestForeignClient runs the example client, which knows nothing of firsttap's
// code: moov's stock codec and connection library get a token at the gateway's
// door for wallets.
func TestForeignClient(t *testing.T) {
	h := newHouse(t)
	at := h.elsewhere(t)
	h.start(t, at.gateway).awaits(t, said["gateway"])
	h.start(t, at.issuer).awaits(t, said["issuer"])
	card := applied(t, "http://"+at.site)

	run := exec.Command("go", "run", "./examples/client", "-addr", at.wallets, "-pan", card.PAN.Reveal(),
		"-expiry", card.Expiry.YYMM(), "-code", card.Code.Reveal())
	run.Dir = root(t)
	out, err := run.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{"39        00", "44        5         M", "123.01.07 A", "123.01.04 "} {
		if !strings.Contains(string(out), want) {
			t.Errorf("the client does not print %q:\n%s", want, out)
		}
	}
}

// applied is the card of a person who applied at a site that approves at once.
func applied(t *testing.T, url string) site.Card {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var person site.Cardholder
	application, err := person.Apply(ctx, url, "Grace Hopper")
	if err != nil {
		t.Fatal(err)
	}
	card, _, err := person.Show(ctx, application)
	if err != nil {
		t.Fatal(err)
	}
	return card
}
