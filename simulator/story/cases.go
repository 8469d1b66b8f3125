package story

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/simulator/merchant"
	"github.com/firsttap/firsttap/token"
)

// Case is a story that goes another way than the first: with one thing wrong,
// and how that must be refused, or by another way to a good end.
type Case struct {
	Name           string
	About          string
	Refused        string // the step; "" when it ends well
	Response       token.Response
	CVV2           dcvv2.Result
	Authentication token.Authentication

	Setup Setup // of the network

	kind    token.Type                                        // of the token; token.SecureElement when ""
	acts    []act                                             // after the page was shown; provision and tap when nil
	begin   func(ctx context.Context, p *play) error          // before the first of acts
	arrange func(ctx context.Context, p *play) error          // before the step that is refused
	after   func(ctx context.Context, p *play) error          // after a refusal, to see what follows from it
	again   func(ctx context.Context, p *play, s *Step) error // the step again, which is refused
	open    func(*merchant.Options)                           // how the merchant is another one
}

// Setup is what a case needs of the network's settings; the zero value needs
// nothing.
type Setup struct {
	StandIn           token.StandIn
	CryptogramVersion int           // of new tokens; 18 when 0
	SignOn            bool          // demanded of wallet and merchant
	IssuerTimeout     time.Duration // whole seconds; the network's default when 0
}

// first is the first step after the page was shown.
func (c Case) first() string {
	if len(c.acts) > 0 {
		return c.acts[0].step
	}
	return StepProvision
}

func (c Case) actsOr(usual ...act) []act {
	if c.acts != nil {
		return c.acts
	}
	return usual
}

// Cases lists every case: first what can go wrong with an activation or a tap of
// the first story, then the other ways.
func Cases() []Case {
	return slices.Concat(firstCases(), stepUpCases(), issuerCases(), lifeCases(), tapCases(), onlineCases())
}

func firstCases() []Case {
	return []Case{
		{
			Name: "wrong-code", About: "the person mistypes the code",
			Refused: StepProvision, Response: token.CVV2Failed, CVV2: dcvv2.NoMatch, arrange: mistype,
		},
		{
			Name: "expired-code", About: "the person types the code two hours later",
			Refused: StepProvision, Response: token.CVV2Failed, CVV2: dcvv2.NoMatch, arrange: tooLate,
		},
		{
			Name: "early-code", About: "the issuer's clock is ahead and its page shows the next window's code",
			Refused: StepProvision, Response: token.CVV2Failed, CVV2: dcvv2.NoMatch, arrange: tooEarly,
		},
		{
			Name: "used-code", About: "a second phone uses the code again",
			Refused: StepProvision, Response: token.CVV2Failed, CVV2: dcvv2.NoMatch, again: secondPhone,
		},
		{
			Name: "not-enrolled", About: "the issuer has unenrolled the account, so nobody vouches for the code",
			Refused: StepProvision, Response: token.DoNotHonour, CVV2: dcvv2.NotParticipating, arrange: unenrol,
		},
		{
			Name: "issuer-declines", About: "the code is right and the issuer still says no",
			Refused: StepProvision, Response: token.DoNotHonour, CVV2: dcvv2.Match, arrange: issuerDeclines,
		},
		{
			Name: "issuer-down", About: "the issuer's host is not there",
			Refused: StepProvision, Response: token.IssuerUnavailable, CVV2: dcvv2.Match, arrange: issuerDown,
		},
		{
			Name: "cloned-counter", About: "a copy of the phone repeats a transaction counter",
			Refused: StepTap, Response: token.SuspectedFraud, Authentication: token.ARQCVerified,
			arrange: cloneFirst, again: tapClone,
		},
		{
			Name: "suspended-token", About: "an operator has suspended the token",
			Refused: StepTap, Response: token.RestrictedCard, arrange: suspend,
		},
		{
			Name: "altered-amount", About: "the merchant raises the amount after the phone has signed it",
			Refused: StepTap, Response: token.CardAuthentication, Authentication: token.ARQCFailed,
			open: tampering(merchant.AlterAmount(100_00)),
		},
	}
}

func tampering(tamper func(*messages.TapRequest)) func(*merchant.Options) {
	return func(o *merchant.Options) { o.Tamper = tamper }
}

// CaseNames lists the names of the cases.
func CaseNames() []string {
	var names []string
	for _, c := range Cases() {
		names = append(names, c.Name)
	}
	return names
}

// CaseByName finds a case; the error lists the known ones.
func CaseByName(name string) (Case, error) {
	for _, c := range Cases() {
		if c.Name == name {
			return c, nil
		}
	}
	return Case{}, fmt.Errorf("unknown case %q; known cases: %s", name, strings.Join(CaseNames(), ", "))
}

func (c Case) matches(got messages.Outcome) bool {
	return c.Response == got.Response && c.CVV2 == got.Additional.CVV2 && c.Authentication == got.Additional.Authentication
}

func (c Case) expectation() string {
	text := "response " + string(c.Response)
	if c.CVV2 != 0 {
		text += ", 44.10 " + c.CVV2.String()
	}
	if c.Authentication != token.NotAuthenticated {
		text += ", cryptogram " + merchant.ARQC(c.Authentication)
	}
	if c.again != nil {
		text += " at the second attempt"
	}
	return text
}

// mistype changes the last digit.
func mistype(_ context.Context, p *play) error {
	digits := []byte(p.card.Code.Reveal())
	digits[2] = '0' + (digits[2]-'0'+1)%10
	code, err := dcvv2.ParseCode(string(digits))
	p.card.Code = code
	return err
}

// otherCodeAfter moves time by move until the page shows another code than it
// did: of 24 codes two may be equal.
func otherCodeAfter(ctx context.Context, p *play, move func(hours int)) (dcvv2.Code, error) {
	for hours := 1; hours < dcvv2.CodesMax; hours++ {
		move(hours)
		now, err := p.Person.ReadPage(ctx, p.page)
		if err != nil {
			return dcvv2.Code{}, err
		}
		if now.Code != p.card.Code {
			return now.Code, nil
		}
	}
	return dcvv2.Code{}, errors.New("every code of the card is the same")
}

func tooLate(ctx context.Context, p *play) error {
	p.Clock.Advance(time.Hour)
	_, err := otherCodeAfter(ctx, p, func(int) { p.Clock.Advance(time.Hour) })
	return err
}

func tooEarly(ctx context.Context, p *play) error {
	code, err := otherCodeAfter(ctx, p, func(hours int) { p.IssuerClock.Skew(time.Duration(hours) * time.Hour) })
	p.card.Code = code
	return err
}

func secondPhone(ctx context.Context, p *play, s *Step) error {
	w, err := p.openWallet(ctx)
	if err != nil {
		return err
	}
	_, err = p.provisionOn(ctx, s, w)
	return err
}

func unenrol(ctx context.Context, p *play) error { return p.Codes.Unenroll(ctx, p.card.PAN) }

func issuerDeclines(_ context.Context, p *play) error {
	p.Host.RefuseActivations(true)
	return nil
}

func issuerDown(_ context.Context, p *play) error {
	p.StopIssuer()
	return nil
}

// cloneFirst copies the phone before it pays, so that the copy's next counter
// is the one that the phone is about to use.
func cloneFirst(_ context.Context, p *play) error {
	p.clone = p.wallet.Phone().Clone()
	return nil
}

func tapClone(ctx context.Context, p *play, s *Step) error {
	return p.tapWith(ctx, s, p.clone.Card())
}

func suspend(ctx context.Context, p *play) error {
	_, err := p.Operator.Suspend(ctx, p.report.Token.Reference)
	return err
}
