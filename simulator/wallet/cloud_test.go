package wallet_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/firsttap/firsttap/api/client"
	"github.com/firsttap/firsttap/emv"
	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/simulator/phone"
	"github.com/firsttap/firsttap/simulator/station/stationtest"
	"github.com/firsttap/firsttap/simulator/terminal"
	"github.com/firsttap/firsttap/simulator/wallet"
	"github.com/firsttap/firsttap/token"
)

// lent is a limited-use key of the worked token as the phones' door tells it.
func lent(t *testing.T, index string, uses int) map[string]any {
	t.Helper()
	card, err := emv.ParseKey(cardKey)
	if err != nil {
		t.Fatal(err)
	}
	key, err := emv.LimitedUseKey(card, index)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]any{
		"index": index, "key": fmt.Sprintf("%X", key.Reveal()), "keyCheckValue": key.CheckValue(), "uses": uses,
		"expires": stationtest.Noon.Add(24 * time.Hour).Format(time.RFC3339),
	}
}

func next(t *testing.T, index string, uses int) map[string]any {
	t.Helper()
	return map[string]any{"reference": reference, "limitedUseKey": lent(t, index, uses)}
}

// cloudMaterial is a cloud token with two uses.
func cloudMaterial(t *testing.T) map[string]any {
	t.Helper()
	m := material(t)
	delete(m, "cardKey")
	delete(m, "keyCheckValue")
	m["cryptogramVersion"], m["limitedUseKey"] = 43, lent(t, "6781300", 2)
	return m
}

func cloudWallet(t *testing.T, c *channel) (*wallet.Wallet, *stationtest.Gateway) {
	t.Helper()
	inCloud := granted
	inCloud.Type = token.Cloud
	gateway := stationtest.Serve(t, answerWith(t, yes, &inCloud))
	return openWith(t, gateway, c, func(o *wallet.Options) { o.Type = token.Cloud }), gateway
}

func tap(t *testing.T, w *wallet.Wallet) error {
	t.Helper()
	_, err := terminal.Read(t.Context(), w.Phone().Card(), terminal.Purchase{Amount: 1250, Currency: 840, Country: 840, Date: stationtest.Noon})
	return err
}

func TestACloudTokenIsReplenishedBeforeItRunsOut(t *testing.T) {
	c := &channel{material: cloudMaterial(t), next: []map[string]any{next(t, "6781301", 2), next(t, "6781302", 2)}}
	w, gateway := cloudWallet(t, c)
	got, err := w.Provision(t.Context(), shown(t))
	if err != nil || !got.Approved() || got.KeyCheck != lent(t, "6781300", 2)["keyCheckValue"] {
		t.Fatalf("provisioned: %+v, %v", got, err)
	}
	if asked := gateway.Asked()[1].(*messages.ActivationRequest).Activation; asked.Type != token.Cloud {
		t.Errorf("the wallet asked for a token of type %s", asked.Type)
	}
	for taps, replenished := range []int{0, 1, 1, 2} {
		if err := w.Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
		if len(c.replenish) != replenished {
			t.Errorf("before tap %d the wallet had asked for %d keys, want %d", taps+1, len(c.replenish), replenished)
		}
		if err := tap(t, w); err != nil {
			t.Errorf("tap %d: %v", taps+1, err)
		}
	}
	if k := w.Phone().Keys(); k.Uses != 2 || k.Next != "6781302" {
		t.Errorf("left: %+v", k)
	}
}

// When no key is to be had, Ready says so, and what is left can be used.
func TestACloudTokenThatRunsOut(t *testing.T) {
	c := &channel{material: cloudMaterial(t)}
	w, _ := cloudWallet(t, c)
	if _, err := w.Provision(t.Context(), shown(t)); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := tap(t, w); err != nil {
			t.Fatal(err)
		}
		var problem *client.Problem
		if err := w.Ready(t.Context()); !errors.As(err, &problem) || problem.Code != client.CodeKeysLentOut {
			t.Errorf("ready without a key: %v", err)
		}
	}
	if err := tap(t, w); err == nil || !strings.Contains(err.Error(), "6985") || !errors.Is(w.Phone().Keys().Why, phone.ErrKeysUsedUp) {
		t.Errorf("the third of two taps: %v, %+v", err, w.Phone().Keys())
	}
}

func TestReplenishingThatBreaks(t *testing.T) {
	wrongCheck, wrongToken := next(t, "6781301", 2), next(t, "6781301", 2)
	wrongCheck["limitedUseKey"].(map[string]any)["keyCheckValue"] = "000000"
	wrongToken["reference"] = strings.Repeat("f", 32)
	for name, test := range map[string]struct {
		next map[string]any
		want string
	}{
		"a key that is not the one of its check value": {wrongCheck, "keyCheckValue"},
		"another token's key":                          {wrongToken, "the token asked for"},
		"the key that is there already":                {next(t, "6781300", 2), "on the phone already"},
	} {
		c := &channel{material: cloudMaterial(t), next: []map[string]any{test.next}}
		w, _ := cloudWallet(t, c)
		if _, err := w.Provision(t.Context(), shown(t)); err != nil {
			t.Fatal(err)
		}
		if err := w.Replenish(t.Context(), reference); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", name, err)
		}
		if k := w.Phone().Keys(); k.Uses != 2 {
			t.Errorf("%s changed the keys: %+v", name, k)
		}
	}
}

// A token with a card key is ready as it is, and so is a phone without one.
func TestReadyAsks(t *testing.T) {
	c := &channel{material: material(t)}
	w := open(t, stationtest.Serve(t, answerWith(t, yes, &granted)), c)
	if err := w.Ready(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := w.Provision(t.Context(), shown(t)); err != nil {
		t.Fatal(err)
	}
	if err := w.Ready(t.Context()); err != nil || len(c.replenish) != 0 {
		t.Errorf("a token with a card key asks %d times: %v", len(c.replenish), err)
	}
}

// A token that waits for its step-up is granted and not loaded.
func TestATokenThatIsNotActiveIsNotLoaded(t *testing.T) {
	for _, status := range token.Statuses {
		waiting := granted
		waiting.Status = status
		c := &channel{material: material(t)}
		w := open(t, stationtest.Serve(t, answerWith(t, yes, &waiting)), c)
		got, err := w.Provision(t.Context(), shown(t))
		if err != nil || got.Answer.Token == nil {
			t.Fatalf("%s: %+v, %v", status, got, err)
		}
		if loaded := len(w.Phone().References()) == 1; loaded != (status == token.Active) || got.Approved() != loaded || len(c.results) > 0 != loaded {
			t.Errorf("%s: loaded is %v", status, loaded)
		}
	}
}
