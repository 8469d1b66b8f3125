package vault_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/token"
	"github.com/firsttap/firsttap/vault"
)

var somePAN = card.MustPAN("4761739001010010")

// fullQuestion has no two fields that are equal.
func fullQuestion() vault.Question {
	return vault.Question{
		Issuer: "first bank", PAN: somePAN, Sequence: 3, Expiry: card.MustExpiry("3112"), Amount: 1<<64 - 1,
		Currency: "978", Category: "5812", EntryMode: "0710", Condition: "59", STAN: "000123", Transmitted: "1122123456",
		RRN: "632612000123", Acquirer: "400001", Terminal: "TERM0001", Acceptor: "WEBSHOP00000001",
	}
}

func fullAdvice() vault.Advice {
	return vault.Advice{
		Kind: vault.AdviceStandIn, About: vault.KindOnline, TransactionID: "532699887766554", Question: fullQuestion(),
		Outcome: token.Outcome{Response: token.Approved, AnsweredBy: token.ByNetwork, StandIn: token.StandInDown, Reference: "00ff"},
	}
}

// fullClaim is well formed and has all parts.
func fullClaim() vault.Claim {
	question := fullQuestion()
	return vault.Claim{
		Key: strings.Repeat("k", vault.KeyBytesMax), Kind: vault.KindTap, At: time.Unix(0, 0), PAN: somePAN,
		Limits: dcvv2.DefaultPolicy(), Failed: true, Detail: strings.Repeat("d", vault.DetailBytesMax),
		Reference: "reference", ATC: 1, Mark: make([]byte, vault.MarkBytesMax), LentKey: "6781300", LentUsesMax: 1,
		Change:   &token.Change{Reference: "reference", Event: token.Suspend},
		Reverses: strings.Repeat("r", vault.KeyBytesMax), Question: &question,
		Advices: []vault.Advice{fullAdvice(), fullAdvice()},
	}
}

// Each row takes one part of a good claim past its limit.
func TestClaimsPastTheirLimits(t *testing.T) {
	if err := fullClaim().Validate(); err != nil {
		t.Fatalf("at its limits: %v", err)
	}
	for name, change := range map[string]func(*vault.Claim){
		"a key one byte too long":            func(c *vault.Claim) { c.Key += "k" },
		"a detail one byte too long":         func(c *vault.Claim) { c.Detail += "d" },
		"a kind of nobody's":                 func(c *vault.Claim) { c.Kind = "life" },
		"a mark one byte too long":           func(c *vault.Claim) { c.Mark = append(c.Mark, 0) },
		"a mark of no token":                 func(c *vault.Claim) { c.Reference, c.LentKey = "", "" },
		"a lent key of no token":             func(c *vault.Claim) { c.Reference, c.Mark = "", nil },
		"an index of 6 digits":               func(c *vault.Claim) { c.LentKey = "678130" },
		"an index of 8 digits":               func(c *vault.Claim) { c.LentKey = "67813001" },
		"an index with a letter":             func(c *vault.Claim) { c.LentKey = "678130A" },
		"a lent key without uses":            func(c *vault.Claim) { c.LentUsesMax = 0 },
		"a lent key with fewer uses":         func(c *vault.Claim) { c.LentUsesMax = -1 },
		"a change of no token":               func(c *vault.Claim) { c.Change.Reference = "" },
		"a change of another token":          func(c *vault.Claim) { c.Change.Reference = "another" },
		"a change without an event":          func(c *vault.Claim) { c.Change.Event = "" },
		"a replacement without a PAN":        func(c *vault.Claim) { c.Change.Event = token.ReplacePAN },
		"an update without a date":           func(c *vault.Claim) { c.Change.Event = token.UpdateExpiry },
		"a reversal of a key too long":       func(c *vault.Claim) { c.Reverses += "r" },
		"a reversal of itself":               func(c *vault.Claim) { c.Reverses = c.Key },
		"a question to nobody":               func(c *vault.Claim) { c.Question.Issuer = "" },
		"a question about nobody":            func(c *vault.Claim) { c.Question.PAN = card.PAN{} },
		"one advice too many":                func(c *vault.Claim) { c.Advices = append(c.Advices, fullAdvice()) },
		"an advice of no transaction":        func(c *vault.Claim) { c.Advices[1].TransactionID = "" },
		"an advice without a kind":           func(c *vault.Claim) { c.Advices[1].Kind = "" },
		"an advice of another kind":          func(c *vault.Claim) { c.Advices[1].Kind = "notice" },
		"an advice about a reversal":         func(c *vault.Claim) { c.Advices[1].About = vault.KindReversal },
		"an advice about a step":             func(c *vault.Claim) { c.Advices[1].About = vault.KindLifeCycle },
		"an advice to nobody":                func(c *vault.Claim) { c.Advices[0].Question.Issuer = "" },
		"an advice about nobody":             func(c *vault.Claim) { c.Advices[0].Question.PAN = card.PAN{} },
		"a failure of nobody":                func(c *vault.Claim) { c.PAN = card.PAN{} },
		"a scope too many":                   func(c *vault.Claim) { c.Scopes = scopes(vault.ScopesMax + 1) },
		"a scope with a limit below nothing": func(c *vault.Claim) { c.Scopes = []vault.Scope{{Name: "one", FailuresMax: -1}} },
		"a scope twice":                      func(c *vault.Claim) { c.Scopes = append(scopes(1), scopes(1)...) },
	} {
		c := fullClaim()
		change(&c)
		if err := c.Validate(); !errors.Is(err, vault.ErrClaim) || strings.Contains(err.Error(), somePAN.Reveal()) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func scopes(n int) (list []vault.Scope) {
	for i := range n {
		list = append(list, vault.Scope{Name: fmt.Sprint(i)})
	}
	return list
}

func TestClaimsWithoutParts(t *testing.T) {
	for name, change := range map[string]func(*vault.Claim){
		"no mark":                func(c *vault.Claim) { c.Mark = nil },
		"no lent key":            func(c *vault.Claim) { c.LentKey, c.LentUsesMax = "", 0 },
		"no change":              func(c *vault.Claim) { c.Change = nil },
		"a change and no tap":    func(c *vault.Claim) { c.Reference, c.Mark, c.LentKey = "", nil, "" },
		"no reversal":            func(c *vault.Claim) { c.Reverses = "" },
		"no question":            func(c *vault.Claim) { c.Question = nil },
		"no advices":             func(c *vault.Claim) { c.Advices = nil },
		"as many scopes as may":  func(c *vault.Claim) { c.Scopes = scopes(vault.ScopesMax) },
		"no account, no failure": func(c *vault.Claim) { c.PAN, c.Limits, c.Failed = card.PAN{}, dcvv2.Policy{}, false },
	} {
		c := fullClaim()
		change(&c)
		if err := c.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, kind := range vault.Kinds {
		c := fullClaim()
		if c.Kind = kind; c.Validate() != nil {
			t.Errorf("%s: %v", kind, c.Validate())
		}
	}
}

func TestConclusionsPastTheirLimits(t *testing.T) {
	c := vault.Conclusion{Advices: []vault.Advice{fullAdvice(), fullAdvice()}}
	if err := c.Validate(); err != nil {
		t.Error(err)
	}
	c.Advices = append(c.Advices, fullAdvice())
	if err := c.Validate(); !errors.Is(err, vault.ErrAdvice) {
		t.Errorf("one advice too many: %v", err)
	}
}

// Why an issuer did not answer is told in the entry of the outcome, however long
// that is.
func TestEntriesOfAnUnansweredQuestion(t *testing.T) {
	long := strings.Repeat("d", vault.DetailBytesMax)
	for why, want := range map[string]string{"": "", "nothing received in 2s": ": nothing received in 2s", long: ": " + long, long + "d": ": " + long} {
		c := vault.Conclusion{Outcome: token.Outcome{Response: token.IssuerUnavailable, Reason: token.ReasonIssuerUnavailable}, Unanswered: why}
		list := c.Entries(vault.Transaction{Kind: vault.KindTap}, "subject", true)
		if got := list[0].Detail; got != "response 91: issuer did not answer"+want || list[1].Detail != "" {
			t.Errorf("%q is told by %+v", why, list)
		}
	}
}

// Every kind has its own words for all that may become of it.
func TestKindsHaveTheirEvents(t *testing.T) {
	seen := map[string]bool{}
	for _, kind := range vault.Kinds {
		for _, response := range []token.Response{token.Approved, token.DoNotHonour} {
			c := vault.Claim{Kind: kind, Detail: "detail", Outcome: &token.Outcome{Response: response}}
			for _, e := range c.Entries() {
				if e.Event == "" || !strings.Contains(e.Event, " ") {
					t.Errorf("%s: an entry without a word: %+v", kind, e)
				}
				if e.Detail != "" && e.Detail != "detail" {
					if seen[e.Event] {
						t.Errorf("%s is told twice", e.Event)
					}
					seen[e.Event] = true
				}
			}
		}
	}
	if len(seen) != 2*len(vault.Kinds) {
		t.Errorf("%d events of outcomes", len(seen))
	}
}
