package main

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/firsttap/firsttap/simulator/story"
)

// firsttap runs a command line in this process and gives what it printed.
func firsttap(t *testing.T, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var out, errs bytes.Buffer
	command := root()
	command.SetArgs(args)
	command.SetOut(&out)
	command.SetErr(&errs)
	err = command.ExecuteContext(ctx)
	return out.String(), errs.String(), err
}

func demoReport(t *testing.T, args ...string) story.Report {
	t.Helper()
	out, errs, err := firsttap(t, append([]string{"demo", "--once", "--json"}, args...)...)
	if err != nil {
		t.Fatalf("%v\n%s%s", err, out, errs)
	}
	var report story.Report
	if err := json.Unmarshal([]byte(out), &report); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return report
}

func TestStoryHasSixGoodSteps(t *testing.T) {
	report := demoReport(t)
	want := []string{"apply", "approve", "generate", "show", "provision", "tap"}
	if len(report.Steps) != len(want) {
		t.Fatalf("%d steps, must be %d", len(report.Steps), len(want))
	}
	for i, step := range report.Steps {
		if step.Step != want[i] || !step.OK || step.Decided == "" || len(step.Wire) == 0 {
			t.Errorf("step %d: %+v", i+1, step)
		}
	}
	if report.Token == nil || report.Token.Status != "active" || report.Token.CVV2 != "M" {
		t.Errorf("token %+v", report.Token)
	}
	if tap := report.Tap; tap == nil || tap.ResponseCode != "00" || tap.ARQC != "verified" || tap.ARPC != "verified" {
		t.Errorf("tap %+v", tap)
	}
}

// TestDemoThatStaysPrintsOneDocument holds that --json without --once can be
// read by a program too.
func TestDemoThatStaysPrintsOneDocument(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var out bytes.Buffer
	doors := writerFunc(func(b []byte) (int, error) {
		if bytes.Contains(b, []byte("Try next")) {
			cancel()
		}
		return len(b), nil
	})
	command := root()
	command.SetArgs([]string{"demo", "--json", "--dir", t.TempDir()})
	command.SetOut(&out)
	command.SetErr(doors)
	if err := command.ExecuteContext(ctx); err != nil {
		t.Fatal(err)
	}
	if !json.Valid(out.Bytes()) {
		t.Errorf("no JSON document:\n%s", out.Bytes())
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

// TestEachCaseEndsAsItMust states the ends again, apart from the table
// that the demo judges itself by.
func TestEachCaseEndsAsItMust(t *testing.T) {
	type refusal struct{ step, response, cvv2, arqc, reason string }
	want := map[string]refusal{
		"wrong-code":      {"provision", "N7", "N", "unchecked", "wrong code"},
		"expired-code":    {"provision", "N7", "N", "unchecked", "expired code"},
		"early-code":      {"provision", "N7", "N", "unchecked", "code of a later window"},
		"used-code":       {"provision", "N7", "N", "unchecked", "code already used"},
		"not-enrolled":    {"provision", "05", "U", "unchecked", "issuer declined"},
		"issuer-declines": {"provision", "05", "M", "unchecked", "issuer declined"},
		"issuer-down":     {"provision", "91", "M", "unchecked", "issuer did not answer"},
		"cloned-counter":  {"tap", "59", "", "verified", "transaction counter repeated or lower"},
		"suspended-token": {"tap", "62", "", "unchecked", "token suspended"},
		"altered-amount":  {"tap", "Q1", "", "failed", "cryptogram does not verify"},

		"not-stepped-up":      {"tap", "78", "", "unchecked", "token not active yet"},
		"wrong-passcode":      {"step-up", "6P", "", "unchecked", "wrong passcode"},
		"expired-passcode":    {"step-up", "6P", "", "unchecked", "passcode expired"},
		"too-many-passcodes":  {"step-up", "75", "", "unchecked", "too many wrong passcodes"},
		"account-closed":      {"provision", "46", "M", "unchecked", "issuer declined"},
		"late-answer":         {"provision", "91", "M", "unchecked", "issuer did not answer"},
		"reversed-activation": {"tap", "46", "", "unchecked", "token deactivated"},
		"issuer-suspends":     {"tap", "62", "", "unchecked", "token suspended"},
		"resume-without-say":  {"resume", "12", "", "unchecked", "suspended by a party with more say"},
		"deleted-token":       {"tap", "46", "", "unchecked", "token deactivated"},
		"expired-key":         {"tap", "54", "", "verified", "limited-use key expired"},
		"replayed-cryptogram": {"tap", "59", "", "verified", "cryptogram replayed"},
		"other-phone":         {"tap", "Q1", "", "failed", "cryptogram made by another phone's token"},
		"wrong-domain":        {"tap", "58", "", "unchecked", "entry mode outside the token's domain"},
		"pay-wrong-code":      {"pay", "N7", "N", "unchecked", "wrong code"},
	}
	good := map[string]string{ // the steps after the page was shown
		"step-up-passcode": "provision step-up tap", "step-up-app": "provision step-up tap", "step-up-call-centre": "provision step-up tap",
		"another-passcode": "provision another step-up tap", "repeated-request": "provision repeat tap", "inquiry": "provision inquire",
		"signed-off": "provision sign-off sign-on tap",
		"stand-in":   "provision tap back", "suspend-and-resume": "provision suspend resume tap",
		"replaced-card": "provision replace tap", "new-expiry": "provision replace tap", "reversed-tap": "provision tap reverse",
		"version-10": "provision tap", "version-17": "provision tap", "cloud-token": "provision tap run-out replenish tap",
		"pay-in-app": "provision pay", "card-on-file": "provision pay", "verify-account": "verify", "pay-by-card": "pay reverse",
	}
	for _, name := range story.CaseNames() {
		t.Run(name, func(t *testing.T) {
			// With this seed no two of the codes that a case compares are equal.
			report := demoReport(t, "--with", name, "--seed", "7", "--at", "2026-11-22T12:20:00Z")
			r := report.Refusal
			if steps, well := good[name]; well {
				var played []string
				for _, s := range report.Steps[4:] {
					played = append(played, s.Step)
				}
				if r != nil || !report.Whole || strings.Join(played, " ") != steps {
					t.Errorf("played %v, refusal %+v", played, r)
				}
				return
			}
			if r == nil {
				t.Fatal("nothing was refused")
			}
			got := refusal{r.Step, r.ResponseCode, r.CVV2, r.ARQC, r.Reason}
			if got != want[name] || !r.Right {
				t.Errorf("got %+v, right %v, want %+v", got, r.Right, want[name])
			}
		})
	}
	if tested := len(want) + len(good); tested != len(story.CaseNames()) {
		t.Errorf("%d cases are tested, there are %d", tested, len(story.CaseNames()))
	}
}

// TestSeedRepeatsTheStory runs one seed twice.
func TestSeedRepeatsTheStory(t *testing.T) {
	args := []string{"--seed", "42", "--at", "2026-11-22T12:20:00Z"}
	one, two := demoReport(t, args...), demoReport(t, args...)
	if *one.Token != *two.Token || *one.Tap != *two.Tap {
		t.Errorf("seed 42 gave %+v %+v, then %+v %+v", *one.Token, *one.Tap, *two.Token, *two.Tap)
	}
	other := demoReport(t, "--seed", "43", "--at", "2026-11-22T12:20:00Z")
	if one.Token.Number == other.Token.Number && one.Token.Reference == other.Token.Reference {
		t.Error("seed 43 gave the token of seed 42")
	}
}
