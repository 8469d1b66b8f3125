package gateway_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/gateway/screening"
	"github.com/firsttap/firsttap/token"
	"github.com/firsttap/firsttap/vault"
)

// labelled is what the trail says of how a transaction was screened.
func labelled(w *world, transactionID string) map[string]string {
	w.Helper()
	entries, err := w.store.Explain(context.Background(), transactionID)
	w.must(err)
	said := make(map[string]string)
	for _, e := range entries {
		if e.Event != vault.EventCodeChecked {
			continue
		}
		for part := range strings.SplitSeq(e.Detail, "; ") {
			label, text, _ := strings.Cut(part, ": ")
			said[label] = text
		}
	}
	return said
}

// TestDetail states what the trail says of each kind of finding.
func TestDetail(t *testing.T) {
	const (
		asked    = "by requestor 40010030273 with a code"
		inForce  = "range 4761739 of harbour, cvv-hour of 1 h, key version 1, grace 15m0s, from the first"
		tried    = "window 498708 (2026-11-22T12:00:00Z/PT1H), generation 0, sequence number 00"
		throttle = "requestor/40010030273 1 of 100 failures in an hour, range/4761739 1 of 100 failures in an hour"
		declined = "declined at once with N7"
	)
	for reason, want := range map[token.Reason]map[string]string{
		token.ReasonWrongCode: {
			"found": "N, wrong code", "tried": tried, "throttle": throttle,
			"counted": "1 of 5 failures in 24 h, 1 of 10 in a row, this one with them",
		},
		token.ReasonUsedCode: {
			"found": "N, code already used, of window 498708 (2026-11-22T12:00:00Z/PT1H)", "tried": tried, "throttle": throttle,
			"counted": "1 of 5 failures in 24 h, 1 of 10 in a row, this one with them",
		},
		token.ReasonDayLimit: {
			"found": "N, too many failures in 24 hours", "counted": "5 of 5 failures in 24 h, 5 of 10 in a row, unchanged",
		},
	} {
		w := newWorld(t, throttling(100, 100))
		want["asked"], want["policy"], want["then"] = asked, inForce, declined
		said := labelled(w, w.wallet.activate(sameTrouble[reason](w)).TransactionID)
		if fmt.Sprint(said) != fmt.Sprint(want) {
			t.Errorf("%s:\n%v\n%v", reason, said, want)
		}
	}

	w := newWorld(t)
	good := goodActivation(w)
	w.clock.forward(31 * time.Minute)
	said := labelled(w, w.wallet.activate(good).TransactionID)
	for label, want := range map[string]string{
		"found":   "M, the code of window 498708 (2026-11-22T12:00:00Z/PT1H)",
		"tried":   "window 498708 (2026-11-22T12:00:00Z/PT1H) in its grace, window 498709 (2026-11-22T13:00:00Z/PT1H), generation 0, sequence number 00",
		"counted": "0 of 5 failures in 24 h, 0 of 10 in a row, unchanged",
		"then":    "the issuer is asked, with 44.10 = M",
	} {
		if said[label] != want {
			t.Errorf("%s: %q, not %q", label, said[label], want)
		}
	}
	if said := labelled(w, w.wallet.activate(w.activation(w.account("489537"), w.anyCode())).TransactionID); len(said) != 3 || said["found"] != "U, range not registered" {
		t.Errorf("a range nobody registered: %v", said)
	}
}

// screener is a Screener without a gateway, on a store of its own.
func screener(t *testing.T, schedule dcvv2.Schedule) (screening.Screener, *keyring) {
	t.Helper()
	registry, err := dcvv2.NewRegistry(dcvv2.Registration{Range: card.MustRange(cardRange), Issuer: issuerName, Schedule: schedule})
	if err != nil {
		t.Fatal(err)
	}
	store, keys := openStore(t, t.TempDir()), newKeyring(t)
	t.Cleanup(func() { _ = store.Close() })
	return screening.Screener{Store: store, Keys: keys, Ranges: registry, TransactionIDs: screening.NewTransactionIDs(newChance(3))}, keys
}

// TestDetailOfAChange holds that around a change of policy the trail names the
// policy in force and the one that the window in grace belongs to; and that a
// Screener works without a gateway, log or alarm.
func TestDetailOfAChange(t *testing.T) {
	old, next := dcvv2.DefaultPolicy(), dcvv2.DefaultPolicy()
	old.EnrolByDefault, next.EnrolByDefault = true, true
	next.KeyVersion, next.OnNoMatch = 2, dcvv2.ActionStatic
	change := time.Date(2026, 11, 22, 13, 0, 0, 0, time.UTC)
	schedule, err := dcvv2.NewSchedule(dcvv2.Version{Policy: old}, dcvv2.Version{From: change, Policy: next})
	if err != nil {
		t.Fatal(err)
	}
	s, keys := screener(t, schedule)
	s.RequestorFailuresPerHourMax = 1
	pan := card.MustPAN("4761739001010010")
	static, err := dcvv2.StaticCVV(keys.cvk, pan, expiry, "000")
	if err != nil {
		t.Fatal(err)
	}
	a := token.Activation{PAN: pan, Expiry: expiry, Requestor: requestor, CVV2: dcvv2.Presented{Presence: dcvv2.PresenceDynamic, Code: static}}
	found, err := s.Screen(t.Context(), screening.Request{Key: "one", Kind: vault.KindActivation, Activation: a, At: change.Add(time.Minute)})
	if err != nil || !found.Static || !found.Ask() || found.Result.State != vault.Won || found.Claim.TransactionID == "" {
		t.Fatalf("%+v, %v", found, err)
	}
	want := "asked: by requestor 40010030273 with a code, said to be dynamic; " +
		"policy: range 4761739 of harbour, cvv-hour of 1 h, key version 2, grace 15m0s, since 2026-11-22T13:00:00Z; " +
		"tried: window 498708 (2026-11-22T12:00:00Z/PT1H) in its grace by cvv-hour and key version 1, " +
		"window 498709 (2026-11-22T13:00:00Z/PT1H), the static CVV2, generation 0, sequence number 00; " +
		"found: M, the static CVV2; counted: 0 of 5 failures in 24 h, 0 of 10 in a row, unchanged; " +
		"throttle: requestor/40010030273 0 of 1 failures in an hour, range/4761739 0 of 100 failures in an hour; " +
		"then: the issuer is asked, with 44.10 = M"
	if found.Claim.Detail != want {
		t.Errorf("%s\nnot\n%s", found.Claim.Detail, want)
	}
	keys.noStatic.Store(true)
	for n, want := range []string{
		"no static CVV2, which has no key, ",
		"found: P, too many failures by this requestor in an hour; throttle: requestor/40010030273 1 of 1 failures in an hour, ",
	} {
		found, err := s.Screen(t.Context(), screening.Request{
			Key: fmt.Sprint("more ", n), Kind: vault.KindActivation, Activation: a, At: change.Add(time.Minute),
		})
		if err != nil || !strings.Contains(found.Claim.Detail, want) {
			t.Errorf("%s, %v", found.Claim.Detail, err)
		}
	}
}
