package story

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/simulator/issuer"
	"github.com/firsttap/firsttap/simulator/site"
	"github.com/firsttap/firsttap/token"
)

// follow makes the issuer decide otherwise from now on.
func follow(decides issuer.Decision, method token.Method) func(context.Context, *play) error {
	return func(_ context.Context, p *play) error {
		p.Host.Follow(issuer.Persona{Decides: decides, Method: method})
		return nil
	}
}

func later(d time.Duration) func(context.Context, *play) error {
	return func(_ context.Context, p *play) error {
		p.Clock.Advance(d)
		return nil
	}
}

func (p *play) answerPasscode(ctx context.Context, s *Step) error {
	return p.answerWith(ctx, s, p.passcode)
}

func (p *play) mistypePasscode(ctx context.Context, s *Step) error {
	code, err := p.mistyped()
	if err != nil {
		return err
	}
	return p.answerWith(ctx, s, code)
}

// mistyped is the passcode with another last digit.
func (p *play) mistyped() (token.ActivationCode, error) {
	digits := []byte(p.passcode.Reveal())
	last := len(digits) - 1
	digits[last] = '0' + (digits[last]-'0'+1)%10
	return token.ParseActivationCode(string(digits))
}

func (p *play) answerWith(ctx context.Context, s *Step, code token.ActivationCode) error {
	answer, check, err := p.wallet.Answer(ctx, p.report.Token.Reference, code)
	if err != nil {
		return err
	}
	if answer.Response != token.Approved {
		s.Decided = "the token goes on waiting: response " + string(answer.Response)
		return p.refused(ctx, s, answer.TransactionID, outcomeOf(answer))
	}
	p.activated(s, check)
	return nil
}

func (p *play) activated(s *Step, check string) {
	p.report.Token.Status, p.report.Token.KeyCheck = token.Active.Word(), check
	s.Decided = fmt.Sprintf("token %s active; key %s on the phone", p.report.Token.Number, check)
}

// anotherPasscode lets the passcode expire and has another one sent.
func (p *play) anotherPasscode(ctx context.Context, s *Step) error {
	p.Clock.Advance(token.PasscodeFor)
	told := p.Host.Notices()
	answer, err := p.wallet.Step(ctx, p.report.Token.Reference, token.NoticePasscode)
	if err != nil {
		return err
	}
	if answer.Response != token.Approved {
		return fmt.Errorf("no other passcode: response %s", answer.Response)
	}
	before := p.passcode
	for p.passcode == before { // the notice may count as known: it has the first one's names
		if err := p.awaitNotices(ctx, told); err != nil {
			return err
		}
		p.passcode, err = p.Person.Passcode(ctx, p.page, p.report.Token.Reference)
		if err != nil && !errors.Is(err, site.ErrMissing) {
			return err
		}
		if err != nil {
			p.passcode = before
		}
	}
	s.Decided = "the passcode has expired; another one was sent"
	return nil
}

// repeatActivation asks the same again, and wants the same answer.
func (p *play) repeatActivation(ctx context.Context, s *Step) error {
	again, err := p.wallet.Repeat(ctx)
	if err != nil {
		return err
	}
	if again.Token == nil || *again.Token != *p.answer.Token || again.TransactionID != p.answer.TransactionID {
		return errors.New("the repeat is answered otherwise")
	}
	s.Decided = "the same answer, and the same token"
	return nil
}

// inquire lets both ask; the requestor must not learn the card number.
func (p *play) inquire(ctx context.Context, s *Step) error {
	reference := p.report.Token.Reference
	byWallet, err := p.wallet.Inquire(ctx, reference)
	if err != nil {
		return err
	}
	byIssuer, err := p.Host.Inquire(ctx, reference)
	if err != nil {
		return err
	}
	if byWallet.Token == nil || !byWallet.PAN.IsZero() || !byIssuer.Done() {
		return fmt.Errorf("the wallet is answered with %s, the issuer with %s", byWallet.Response, byIssuer.Words())
	}
	s.Decided = fmt.Sprintf("token %s %s, to both", byWallet.Token.Number, byWallet.Token.Status.Word())
	return nil
}

// signOff wants that nothing but network management is served afterwards.
func (p *play) signOff(ctx context.Context, s *Step) error {
	return p.manage(ctx, s, messages.SignOff, token.IssuerUnavailable)
}

func (p *play) signOn(ctx context.Context, s *Step) error {
	return p.manage(ctx, s, messages.SignOn, token.Approved)
}

// manage sends a network management request and an echo, and looks how an
// inquiry is answered after them.
func (p *play) manage(ctx context.Context, s *Step, code messages.NetworkCode, want token.Response) error {
	for _, c := range []messages.NetworkCode{code, messages.Echo} {
		if err := p.wallet.Manage(ctx, c); err != nil {
			return err
		}
	}
	answer, err := p.wallet.Inquire(ctx, p.report.Token.Reference)
	if err != nil {
		return err
	}
	if answer.Response != want {
		return fmt.Errorf("after the %s an inquiry has response %s, not %s", code.Word(), answer.Response, want)
	}
	s.Decided = fmt.Sprintf("after the %s the echo is answered, and an inquiry has response %s", code.Word(), want)
	return nil
}

// outcomeOf is what an answer about a token says.
func outcomeOf(a messages.FileUpdateAnswer) messages.Outcome {
	return messages.Outcome{Response: a.Response, Additional: a.Additional}
}

// wastePasscode types wrong passcodes until no more are looked at.
func wastePasscode(ctx context.Context, p *play) error {
	for range token.PasscodeTriesMax {
		wrong, err := p.mistyped()
		if err != nil {
			return err
		}
		answer, _, err := p.wallet.Answer(ctx, p.report.Token.Reference, wrong)
		if err != nil || answer.Response != token.VerificationFailed {
			return fmt.Errorf("a wrong passcode is answered with %s: %w", answer.Response, err)
		}
	}
	return nil
}

func (p *play) confirmInApp(ctx context.Context, s *Step) error {
	_, err := p.Person.Confirm(ctx, p.page, p.report.Token.Reference)
	return p.load(ctx, s, err)
}

func (p *play) callCentre(ctx context.Context, s *Step) error {
	_, err := p.Office.Activate(ctx, p.page, p.report.Token.Reference)
	return p.load(ctx, s, err)
}

// load puts a token on the phone that somebody else has activated.
func (p *play) load(ctx context.Context, s *Step, err error) error {
	if err != nil {
		return err
	}
	check, err := p.wallet.Load(ctx, p.report.Token.Reference)
	if err == nil {
		p.activated(s, check)
	}
	return err
}

// issuerBack brings the issuer's host back, and waits until it was told what was
// decided in its place.
func (p *play) issuerBack(ctx context.Context, s *Step) error {
	if err := p.StartIssuer(); err != nil {
		return err
	}
	const decided = 2 // the activation and the tap
	if err := p.await(ctx, "told by 0120 what was decided in its place", func() bool { return p.Host.Advices() >= decided }); err != nil {
		return err
	}
	s.Decided = "the issuer's host is back, and was told what was decided in its place"
	return nil
}

func answerLate(_ context.Context, p *play) error {
	p.Host.Late(p.wrong.Setup.IssuerTimeout + time.Second)
	return nil
}

// awaitUndone waits until the issuer was told that nothing came of its late
// word.
func awaitUndone(ctx context.Context, p *play) error {
	return p.await(ctx, "told by 0420 to undo the activation", func() bool { return p.Host.Reversals() >= 1 })
}

// await waits for what the issuer is to hear.
func (p *play) await(ctx context.Context, what string, holds func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, noticesTimeout)
	defer cancel()
	for {
		changed := p.Wire.Changed()
		if holds() {
			return nil
		}
		select {
		case <-changed:
		case <-time.After(10 * time.Millisecond): // the host counts a little after the wire has seen
		case <-ctx.Done():
			return errors.New("the issuer was not " + what)
		}
	}
}

func (p *play) reverseActivation(ctx context.Context, s *Step) error {
	before := p.Host.Reversals()
	answer, err := p.wallet.Reverse(ctx, p.answer)
	if err != nil {
		return err
	}
	return p.reversed(ctx, s, answer, before)
}

func (p *play) reverseTap(ctx context.Context, s *Step) error {
	before := p.Host.Reversals()
	answer, err := p.merchant.Reverse(ctx, p.receipt)
	if err != nil {
		return err
	}
	return p.reversed(ctx, s, answer, before)
}

// reversed waits until the issuer has heard of a reversal too.
func (p *play) reversed(ctx context.Context, s *Step, answer messages.ReversalAnswer, before int) error {
	if answer.Response != token.Approved {
		s.Decided = "not reversed: response " + string(answer.Response)
		return p.refused(ctx, s, answer.TransactionID, messages.Outcome{Response: answer.Response})
	}
	s.Decided = "reversed, and the issuer was told"
	return p.await(ctx, "told by 0420 of the reversal", func() bool { return p.Host.Reversals() > before })
}

func (p *play) suspendByWallet(ctx context.Context, s *Step) error {
	return p.stepByWallet(ctx, s, token.NoticeSuspended)
}

func (p *play) resumeByWallet(ctx context.Context, s *Step) error {
	return p.stepByWallet(ctx, s, token.NoticeResumed)
}

func (p *play) deleteByWallet(ctx context.Context, s *Step) error {
	return p.stepByWallet(ctx, s, token.NoticeDeactivated)
}

// stepByWallet waits until the issuer was told, so that nothing of it is seen
// later.
func (p *play) stepByWallet(ctx context.Context, s *Step, reason token.NoticeReason) error {
	told := p.Host.Notices()
	answer, err := p.wallet.Step(ctx, p.report.Token.Reference, reason)
	if err != nil {
		return err
	}
	if answer.Response != token.Approved {
		s.Decided = "not done: response " + string(answer.Response)
		return p.refused(ctx, s, answer.TransactionID, outcomeOf(answer))
	}
	s.Decided = fmt.Sprintf("token %s %s", p.report.Token.Number, answer.Token.Status.Word())
	p.report.Token.Status = answer.Token.Status.Word()
	return p.awaitNotices(ctx, told+1)
}

func (p *play) suspendByIssuer(ctx context.Context, s *Step) error {
	told := p.Host.Notices()
	shown, err := p.Office.Suspend(ctx, p.page, p.report.Token.Reference)
	if err != nil {
		return err
	}
	if shown.Status != token.Suspended.Word() {
		return fmt.Errorf("the office shows the token as %s: %s", shown.Status, shown.Answer)
	}
	s.Decided, p.report.Token.Status = "the office has suspended the token", shown.Status
	return p.awaitNotices(ctx, told+1)
}

func (p *play) replaceCard(ctx context.Context, s *Step) error {
	return p.changeCard(ctx, s, p.Office.ReplaceCard, "the card has another number; the token is the same")
}

func (p *play) renewExpiry(ctx context.Context, s *Step) error {
	return p.changeCard(ctx, s, p.Office.NewExpiry, "the card has another expiry date; the token is the same")
}

func (p *play) changeCard(ctx context.Context, s *Step, change func(context.Context, string) ([]site.ShownToken, error), decided string) error {
	told := p.Host.Notices()
	shown, err := change(ctx, p.page)
	if err != nil {
		return err
	}
	for _, t := range shown {
		if t.Response != token.Approved {
			return fmt.Errorf("the network did not follow: %s", t.Answer)
		}
	}
	s.Decided = decided
	return p.awaitNotices(ctx, told+1)
}
