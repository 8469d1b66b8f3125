package story

import (
	"strings"
	"testing"

	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/token"
)

func TestCasesAreConsistent(t *testing.T) {
	steps := map[string]bool{StepApply: true, StepApprove: true, StepGenerate: true, StepShow: true, StepProvision: true, StepTap: true}
	seen := map[string]bool{}
	for _, c := range Cases() {
		switch {
		case seen[c.Name]:
			t.Errorf("%s stands there twice", c.Name)
		case c.Name == "" || strings.Trim(c.Name, "abcdefghijklmnopqrstuvwxyz-") != "":
			t.Errorf("%q is no name to type", c.Name)
		case c.About == "" || strings.HasSuffix(c.About, "."):
			t.Errorf("%s: it is about %q", c.Name, c.About)
		case !steps[c.Refused]:
			t.Errorf("%s is refused at %q, which is no step", c.Name, c.Refused)
		case c.Response == "" || c.Response == token.Approved:
			t.Errorf("%s: %q is no refusal", c.Name, c.Response)
		case c.arrange == nil && c.again == nil && c.tamper == nil:
			t.Errorf("%s: nothing goes wrong", c.Name)
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
		cloned-counter suspended-token altered-amount`) {
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
