package story

import (
	"slices"
	"strings"
	"testing"

	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/token"
)

func TestCasesAreConsistent(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range Cases() {
		switch {
		case seen[c.Name]:
			t.Errorf("%s stands there twice", c.Name)
		case c.Name == "" || strings.Trim(c.Name, "abcdefghijklmnopqrstuvwxyz0123456789-") != "":
			t.Errorf("%q is no name to type", c.Name)
		case c.About == "" || strings.HasSuffix(c.About, "."):
			t.Errorf("%s: it is about %q", c.Name, c.About)
		case c.Refused == "" && (c.Response != "" || c.arrange != nil || c.again != nil || c.after != nil):
			t.Errorf("%s ends well, and expects %q", c.Name, c.Response)
		case c.begin == nil && c.arrange == nil && c.again == nil && c.open == nil && c.acts == nil && c.kind == "" && c.Setup == (Setup{}):
			t.Errorf("%s: nothing is otherwise", c.Name)
		case c.Refused == "":
		case !slices.ContainsFunc(c.actsOr(provision, tap), func(a act) bool { return a.step == c.Refused }):
			t.Errorf("%s is refused at %q, which is no step of it", c.Name, c.Refused)
		case c.Response == "" || c.Response == token.Approved:
			t.Errorf("%s: %q is no refusal", c.Name, c.Response)
		case c.Refused == StepProvision && c.CVV2 == 0:
			t.Errorf("%s: an activation is refused without a word on the code", c.Name)
		case c.Refused == StepTap && c.CVV2 != 0:
			t.Errorf("%s: a tap has no code", c.Name)
		}
		seen[c.Name] = true
	}
}

// The names are promised: people have them in their scripts.
func TestPromisedCases(t *testing.T) {
	for _, name := range strings.Fields(`wrong-code expired-code early-code used-code not-enrolled issuer-declines issuer-down
		cloned-counter suspended-token altered-amount step-up-passcode step-up-app step-up-call-centre not-stepped-up
		wrong-passcode expired-passcode too-many-passcodes account-closed stand-in late-answer reversed-activation
		suspend-and-resume issuer-suspends resume-without-say deleted-token replaced-card new-expiry reversed-tap
		version-10 version-17 cloud-token expired-key replayed-cryptogram other-phone wrong-domain
		another-passcode repeated-request inquiry pay-in-app card-on-file verify-account pay-by-card pay-wrong-code`) {
		if c, err := CaseByName(name); err != nil || c.Name != name {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(CaseNames()) != len(Cases()) {
		t.Errorf("%d names of %d cases", len(CaseNames()), len(Cases()))
	}
}

func TestAnUnknownCaseListsTheKnown(t *testing.T) {
	for _, name := range []string{"", "nosuch", "Wrong-Code", "wrong-code "} {
		_, err := CaseByName(name)
		if err == nil {
			t.Errorf("%q is a case", name)
			continue
		}
		for _, known := range CaseNames() {
			if !strings.Contains(err.Error(), known) {
				t.Errorf("%q does not list %s", err, known)
			}
		}
	}
}

// A refusal is the right one only when response, 44.10 and 44.8 all are.
func TestTheRightRefusal(t *testing.T) {
	c := Case{Response: token.CVV2Failed, CVV2: dcvv2.NoMatch}
	good := messages.Outcome{Response: token.CVV2Failed, Additional: messages.Additional{CVV2: dcvv2.NoMatch, AnsweredBy: token.ByNetwork}}
	if !c.matches(good) {
		t.Error("the right refusal is wrong")
	}
	for name, change := range map[string]func(*messages.Outcome){
		"response":   func(o *messages.Outcome) { o.Response = token.DoNotHonour },
		"approved":   func(o *messages.Outcome) { o.Response = token.Approved },
		"44.10":      func(o *messages.Outcome) { o.Additional.CVV2 = dcvv2.Match },
		"no 44.10":   func(o *messages.Outcome) { o.Additional.CVV2 = 0 },
		"cryptogram": func(o *messages.Outcome) { o.Additional.Authentication = token.ARQCFailed },
	} {
		wrong := good
		if change(&wrong); c.matches(wrong) {
			t.Errorf("another %s is right too", name)
		}
	}
}

func TestExpectations(t *testing.T) {
	for name, want := range map[string]string{
		"wrong-code":      "response N7, 44.10 N",
		"issuer-down":     "response 91, 44.10 M",
		"used-code":       "response N7, 44.10 N at the second attempt",
		"cloned-counter":  "response 59, cryptogram verified at the second attempt",
		"altered-amount":  "response Q1, cryptogram failed",
		"suspended-token": "response 62",
	} {
		c, err := CaseByName(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.expectation(); got != want {
			t.Errorf("%s expects %q, want %q", name, got, want)
		}
	}
}

func TestMoney(t *testing.T) {
	for minor, want := range map[uint64]string{0: "0.00", 5: "0.05", 1250: "12.50", 100: "1.00"} {
		if got := money(minor); got != want {
			t.Errorf("%d is %s", minor, got)
		}
	}
}
