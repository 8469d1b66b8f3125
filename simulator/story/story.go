// Package story plays the whole of firsttap once: a person applies, the bank
// approves, asks for codes and shows one, the wallet gets a token with it, and
// the phone pays at a shop. Or it plays it with one thing wrong.
//
// The actors meet over TCP and HTTP only; what the story tells comes from what
// they sent and received. It never looks into the gateway. Start at Play;
// Cases lists what can go wrong.
package story

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/firsttap/firsttap/api/client"
	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/simulator/clock"
	"github.com/firsttap/firsttap/simulator/issuer"
	"github.com/firsttap/firsttap/simulator/merchant"
	"github.com/firsttap/firsttap/simulator/phone"
	"github.com/firsttap/firsttap/simulator/site"
	"github.com/firsttap/firsttap/simulator/wallet"
	"github.com/firsttap/firsttap/simulator/wiretap"
	"github.com/firsttap/firsttap/token"
)

// World is the actors of one story and how to reach them.
type World struct {
	Clock       *clock.Clock
	IssuerClock *clock.View
	Wire        *wiretap.Tap
	SiteURL     string
	Person      site.Cardholder
	Office      site.Cardholder
	Host        *issuer.Host
	Codes       issuer.Codes
	Operator    client.Operator
	PhoneClock  *clock.View  // of every phone
	StopIssuer  func()       // closes the issuer's host and ends its connections
	StartIssuer func() error // opens it again, and waits until the gateway can ask it

	// OpenWallet gives a new wallet on a new phone that asks for tokens of a
	// type, OpenMerchant a merchant.
	OpenWallet   func(ctx context.Context, kind token.Type) (*wallet.Wallet, error)
	OpenMerchant func(ctx context.Context, change func(*merchant.Options)) (*merchant.Merchant, error)

	Holder string // name of the person
	Amount uint64 // of the purchase, minor units
}

// Steps of the story, in order.
const (
	StepApply     = "apply"
	StepApprove   = "approve"
	StepGenerate  = "generate"
	StepShow      = "show"
	StepProvision = "provision"
	StepTap       = "tap"

	StepStepUp    = "step-up"   // the cardholder passes it
	StepBack      = "back"      // the issuer's host is there again
	StepReverse   = "reverse"   // who asked takes back what was granted
	StepSuspend   = "suspend"   // somebody suspends the token
	StepResume    = "resume"    // and somebody resumes it
	StepDelete    = "delete"    // the wallet deletes the token
	StepReplace   = "replace"   // the issuer replaces the card, or its expiry date
	StepRunOut    = "run-out"   // taps use a limited-use key up
	StepReplenish = "replenish" // the phone gets another
	StepPay       = "pay"       // a payment without a terminal
	StepVerify    = "verify"    // an account verification
	StepRepeat    = "repeat"    // the wallet asks the same again
	StepInquire   = "inquire"   // wallet and issuer ask how the token stands
	StepSignOff   = "sign-off"  // the wallet signs off, and is no longer served
	StepSignOn    = "sign-on"   // and on again
	StepAnother   = "another"   // the wallet asks for another passcode
)

// Report is what a story came to.
type Report struct {
	Case    string   `json:"case,omitempty"`
	Steps   []Step   `json:"steps"`
	Token   *Token   `json:"token,omitempty"`
	Tap     *Tap     `json:"tap,omitempty"`
	Refusal *Refusal `json:"refusal,omitempty"`
	Whole   bool     `json:"whole"` // every step was played, and nothing that must be refused was granted
	TookMS  float64  `json:"tookMs"`
}

// Step is one step as it went.
type Step struct {
	Step    string             `json:"step"`
	OK      bool               `json:"ok"`
	Decided string             `json:"decided"`       // what was decided, in words
	Why     string             `json:"why,omitempty"` // from the network's audit trail
	Error   string             `json:"error,omitempty"`
	Wire    []wiretap.Sighting `json:"wire"`
	TookMS  float64            `json:"tookMs"`
}

// Token is the token that the wallet got.
type Token struct {
	Status    string `json:"status"`
	Number    string `json:"number"` // masked
	Reference string `json:"reference"`
	KeyCheck  string `json:"keyCheckValue"`
	CVV2      string `json:"cvv2"` // 44.10 of the activation
}

// Tap is what the merchant's terminal and the phone saw.
type Tap struct {
	ResponseCode    string `json:"responseCode"`
	AuthorizationID string `json:"authorizationId,omitempty"`
	ARQC            string `json:"arqc"` // "verified", "failed" or "unchecked"
	ARPC            string `json:"arpc"` // "verified", "refused" or "none"
	ATC             uint16 `json:"atc"`
	Amount          uint64 `json:"amount"`
}

// Refusal is how a story with one thing wrong was refused.
type Refusal struct {
	Step         string `json:"step"`
	ResponseCode string `json:"responseCode"`
	CVV2         string `json:"cvv2,omitempty"`
	ARQC         string `json:"arqc"`     // "verified", "failed" or "unchecked"
	Expected     string `json:"expected"` // what the right refusal is
	Right        bool   `json:"right"`
	Reason       string `json:"reason,omitempty"` // from the network's audit trail
}

// OK reports whether the story went as it should: all its steps were good, or
// the refusal was the right one.
func (r Report) OK() bool {
	if r.Refusal != nil {
		return r.Refusal.Right
	}
	for _, s := range r.Steps {
		if !s.OK {
			return false
		}
	}
	return r.Whole
}

// Play plays the story, with what case c puts wrong; the zero Case is nothing.
// The error is for what is no decision: an actor that cannot be reached, a
// page that cannot be read.
func Play(ctx context.Context, w World, c Case) (Report, error) {
	p := &play{World: w, wrong: c, report: Report{Case: c.Name}}
	defer p.close()
	began := time.Now()
	err := p.run(ctx)
	p.report.TookMS = milliseconds(time.Since(began))
	return p.report, err
}

// play is a story under way.
type play struct {
	World
	wrong  Case
	report Report
	seen   int  // sightings told so far
	second bool // the step is played again, see Case.again

	codesWire []wiretap.Sighting // from the approval, told at the generation

	application string    // address of its page
	page        string    // address of the card's page
	card        site.Card // as the person reads it
	wallet      *wallet.Wallet
	answer      messages.ActivationAnswer // to the wallet's first activation
	merchant    *merchant.Merchant
	passcode    token.ActivationCode // as the person has read it
	receipt     merchant.Receipt
	remote      messages.RemoteAnswer // to the last payment without a terminal
	clone       *phone.Phone
	opened      []interface{ Close() }
}

func (p *play) run(ctx context.Context) error {
	acts := append([]act{
		{StepApply, (*play).apply},
		{StepApprove, (*play).approve},
		{StepGenerate, (*play).generate},
		{StepShow, (*play).show},
	}, p.wrong.actsOr(act{StepProvision, (*play).provision}, act{StepTap, (*play).tap})...)
	for _, a := range acts {
		if err := p.play(ctx, a.step, func(ctx context.Context, s *Step) error { return a.do(p, ctx, s) }); err != nil {
			return fmt.Errorf("%s: %w", a.step, err)
		}
		if p.report.Refusal != nil {
			return nil
		}
	}
	p.report.Whole = p.wrong.Refused == ""
	return nil
}

// act is one step of a story.
type act struct {
	step string
	do   func(p *play, ctx context.Context, s *Step) error
}

// play arranges what is to go wrong, plays one step, and after it the second
// attempt that some cases are about.
func (p *play) play(ctx context.Context, step string, act func(context.Context, *Step) error) error {
	here := p.wrong.Refused == step
	for _, hook := range []struct {
		now bool
		do  func(context.Context, *play) error
	}{{step == p.wrong.first(), p.wrong.begin}, {here, p.wrong.arrange}} {
		if hook.now && hook.do != nil {
			if err := hook.do(ctx, p); err != nil {
				return err
			}
		}
	}
	if err := p.tell(ctx, step, act); err != nil {
		return err
	}
	if here && p.wrong.again != nil && p.report.Refusal == nil {
		p.second = true
		return p.tell(ctx, step, func(ctx context.Context, s *Step) error { return p.wrong.again(ctx, p, s) })
	}
	return nil
}

// tell runs one act and reports it with what went over the wire meanwhile.
func (p *play) tell(ctx context.Context, step string, act func(context.Context, *Step) error) error {
	s := Step{Step: step, OK: true}
	began := time.Now()
	err := act(ctx, &s)
	s.TookMS = milliseconds(time.Since(began))
	s.Wire, p.seen = p.Wire.Since(p.seen)
	p.separateCodes(&s)
	if err != nil {
		s.OK, s.Error = false, err.Error()
	}
	p.report.Steps = append(p.report.Steps, s)
	return err
}

// separateCodes moves what the issuer asked the dCVV2 API for, which it does
// while it approves, to the step that is about it. Its time stands in both:
// the approval waited for it.
func (p *play) separateCodes(s *Step) {
	switch s.Step {
	case StepApprove:
		var rest []wiretap.Sighting
		for _, seen := range s.Wire {
			if seen.Actor == "issuer" {
				p.codesWire = append(p.codesWire, seen)
			} else {
				rest = append(rest, seen)
			}
		}
		s.Wire = rest
	case StepGenerate:
		for _, seen := range p.codesWire {
			s.TookMS += milliseconds(seen.Took)
		}
		s.Wire = append(p.codesWire, s.Wire...)
	}
}

func (p *play) close() {
	for _, c := range p.opened {
		c.Close()
	}
}

// refused records how a step was refused, beside how it should have been.
func (p *play) refused(ctx context.Context, s *Step, transactionID string, got messages.Outcome) error {
	reason := p.reason(ctx, transactionID)
	s.OK, s.Why = false, reason
	p.report.Refusal = &Refusal{
		Step: s.Step, ResponseCode: string(got.Response), CVV2: got.Additional.CVV2.String(),
		ARQC:     merchant.ARQC(got.Additional.Authentication),
		Expected: p.wrong.expectation(), Right: p.due(s.Step) && p.wrong.matches(got), Reason: reason,
	}
	if p.wrong.after == nil {
		return nil
	}
	return p.wrong.after(ctx, p)
}

// due reports whether a refusal at a step is the one that the case is about,
// which may be the second attempt's only.
func (p *play) due(step string) bool {
	return p.wrong.Refused == step && p.second == (p.wrong.again != nil)
}

// reason asks the operators' door why a transaction was decided as it was last:
// requests about a token have the transaction of its activation.
func (p *play) reason(ctx context.Context, transactionID string) string {
	if transactionID == "" {
		return ""
	}
	entries, err := p.Operator.Explain(ctx, transactionID)
	if err != nil {
		return "the operators' door does not say: " + err.Error()
	}
	why := ""
	for _, e := range entries {
		for _, ending := range []string{"approved", "declined", "accepted", "done"} {
			if strings.HasSuffix(e.Event, " "+ending) {
				_, why, _ = strings.Cut(e.Detail, ": ")
				why, _, _ = strings.Cut(why, ": ") // what follows says more
			}
		}
	}
	return why
}

func milliseconds(d time.Duration) float64 {
	return float64(d.Microseconds()) / 1000
}
