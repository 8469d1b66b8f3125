package main

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"

	"github.com/firsttap/firsttap/internal/explanation"
	"github.com/firsttap/firsttap/internal/network"
	"github.com/firsttap/firsttap/simulator/story"
	"github.com/firsttap/firsttap/token"
	"github.com/firsttap/firsttap/vault"
)

// played is a world in which a case was played, and which is still up.
func played(t *testing.T, name string) *world {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	w, err := openWorld(ctx, worldOptions{
		dir: t.TempDir(), seed: 7, fixedKeys: true, start: sweepTime, holder: "Ada Lovelace", amount: 1250, log: zerolog.Nop(),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.close(); err != nil {
			t.Error(err)
		}
		cancel()
	})
	var c story.Case
	if name != "" {
		if c, err = story.CaseByName(name); err != nil {
			t.Fatal(err)
		}
	}
	if report, err := story.Play(ctx, w.story, c); err != nil || !report.OK() {
		t.Fatalf("%v %+v", err, report.Refusal)
	}
	return w
}

// about lists the transactions of a world that an event is about.
func (w *world) about(t *testing.T, event string) (ids []string) {
	t.Helper()
	entries, err := w.network.Store().Audit(t.Context(), 0, vault.ListMax)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Event == event && e.Transaction != "" {
			ids = append(ids, e.Transaction)
		}
	}
	return ids
}

// explain is what the command says of a transaction.
func (w *world) explain(t *testing.T, id string, args ...string) string {
	t.Helper()
	out, errs, err := firsttap(t, append([]string{"explain", id, "--gateway", w.network.URL(network.Operators), "--certs", w.certificates()}, args...)...)
	if err != nil || errs != "" {
		t.Fatalf("%v\n%s%s", err, out, errs)
	}
	return out
}

// explained is what it says of the last one that an event is about.
func (w *world) explained(t *testing.T, event string, args ...string) string {
	t.Helper()
	ids := w.about(t, event)
	if len(ids) == 0 {
		t.Fatalf("nothing is %q", event)
	}
	id := ids[len(ids)-1]
	return strings.ReplaceAll(w.explain(t, id, args...), id, "ID")
}

func TestExplainToPeople(t *testing.T) {
	for _, c := range []struct{ name, event, want string }{
		{"used-code", vault.EventActivationDeclined, `Transaction ID of 2026-11-22T12:20:00Z, activation declined: code already used
  account   476173******0010
  asked     by requestor 40010030273 with a code
  policy    range 4761739 of harbour, cvv-hour of 1 h, key version 1, grace 15m0s, from the first
  tried     window 498708 (2026-11-22T12:00:00Z/PT1H), generation 0, sequence number 00
  found     N, code already used, of window 498708 (2026-11-22T12:00:00Z/PT1H)
  counted   1 of 5 failures in 24 h, 1 of 10 in a row, this one with them
  throttle  requestor/40010030273 1 of 100 failures in an hour, range/4761739 1 of 100 failures in an hour
  then      declined at once with N7
  issuer    was not asked
  told      response N7, decline for a CVV2 failure; field 44.10 is N
  also      advice queued, stand-in, for harbour
  next      a code makes one token: wait for the next window's, or let the range's policy allow more (oncePerWindow)
`},
		{"suspended-token", vault.EventTapDeclined, `Transaction ID of 2026-11-22T12:20:00Z, tap declined: token suspended
  token     REFERENCE
  kind      SE, suspended
  requestor 40010030273
  entry     0710
  signed    by version 18, counter 1 after 0
  issuer    was not asked
  told      response 62, restricted card
  next      resume the token when its holder may pay again: POST /operator/v1/tokens/REFERENCE/resume
`},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := played(t, c.name)
			got := w.explained(t, c.event)
			if c.event == vault.EventTapDeclined {
				_, reference, _ := strings.Cut(got, "token     ")
				reference, _, _ = strings.Cut(reference, "\n")
				got = strings.ReplaceAll(got, reference, "REFERENCE")
			}
			if d := cmp.Diff(c.want, maskedTail(got)); d != "" {
				t.Error(d)
			}
		})
	}
}

// maskedTail puts the last four digits of a masked number, which hang on the
// seed, to those of the expectation.
func maskedTail(text string) string {
	if at := strings.Index(text, "******"); at >= 0 {
		return text[:at+6] + "0010" + text[at+10:]
	}
	return text
}

// TestExplainToPrograms holds for each case what a program gets told.
func TestExplainToPrograms(t *testing.T) {
	for _, c := range []struct {
		name, event                    string
		response, cvv2, issuer, reason string
	}{
		{"", vault.EventActivationApproved, "00", "M", "approved", string(token.ReasonIssuerApproved)},
		{"", vault.EventTapAccepted, "00", "", "approved", string(token.ReasonIssuerApproved)},
		{"expired-code", vault.EventActivationDeclined, "N7", "N", "was not asked", string(token.ReasonExpiredCode)},
		{"not-enrolled", vault.EventActivationDeclined, "05", "U", "declined", string(token.ReasonIssuerDeclined)},
		{"issuer-down", vault.EventActivationDeclined, "91", "M", "did not answer: the peer is not connected", string(token.ReasonIssuerUnavailable)},
		{"cloned-counter", vault.EventTapDeclined, "59", "", "was not asked", string(token.ReasonCounterRepeated)},
	} {
		t.Run(c.name+" "+c.event, func(t *testing.T) {
			var got struct {
				explanation.Explanation
				Screening map[string]string `json:"screening"`
			}
			out := played(t, c.name).explained(t, c.event, "--json")
			if err := json.Unmarshal([]byte(out), &got); err != nil {
				t.Fatal(err)
			}
			if got.Transaction != "ID" || got.Decided != c.event || got.Response != c.response || got.CVV2 != c.cvv2 ||
				got.Issuer != c.issuer || got.Reason != c.reason || len(got.Entries) == 0 || got.At.IsZero() {
				t.Errorf("%+v", got)
			}
			if told := got.Screening["found"] != ""; told != (c.cvv2 != "") {
				t.Errorf("the screening is told: %t", told)
			}
		})
	}
}

// TestExplainUnknown holds that what cannot be told is said with what to do.
func TestExplainUnknown(t *testing.T) {
	w := played(t, "")
	_, _, err := firsttap(t, "explain", "000000000000000", "--gateway", w.network.URL(network.Operators), "--certs", w.certificates())
	var wrongUse usageError
	if err == nil || errors.As(err, &wrongUse) || !strings.Contains(err.Error(), "knows no transaction 000000000000000") {
		t.Errorf("%v", err)
	}
	_, _, err = firsttap(t, "explain", "000000000000000", "--gateway", w.network.URL(network.Phones), "--certs", w.certificates())
	if err == nil || errors.As(err, &wrongUse) || !strings.Contains(err.Error(), "does not tell") {
		t.Errorf("another door: %v", err)
	}
}
