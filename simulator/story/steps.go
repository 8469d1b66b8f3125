package story

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/simulator/merchant"
	"github.com/firsttap/firsttap/simulator/site"
	"github.com/firsttap/firsttap/simulator/terminal"
	"github.com/firsttap/firsttap/simulator/wallet"
	"github.com/firsttap/firsttap/token"
)

// noticesTimeout is how long the story waits for the issuer to be told.
const noticesTimeout = 10 * time.Second

func (p *play) apply(ctx context.Context, s *Step) (err error) {
	p.application, err = p.Person.Apply(ctx, p.SiteURL, p.Holder)
	s.Decided = p.Holder + " has applied; the application waits for the office"
	return err
}

func (p *play) approve(ctx context.Context, s *Step) error {
	if err := p.Office.Approve(ctx, p.application); err != nil {
		return err
	}
	status, err := p.Person.Status(ctx, p.application)
	if err != nil {
		return err
	}
	if status != site.Approved {
		return fmt.Errorf("the application is %s", status)
	}
	s.Decided = "approved: a card is issued"
	return nil
}

// generate looks at what the issuer did when it approved: it enrolled the
// account and asked for codes.
func (p *play) generate(ctx context.Context, s *Step) error {
	shown, page, err := p.Person.Show(ctx, p.application)
	if err != nil {
		return err
	}
	p.page = page
	account, err := p.Codes.Inquire(ctx, shown.PAN)
	if err != nil {
		return err
	}
	if !account.Enrolled {
		return errors.New("the account is not enrolled")
	}
	s.Decided = fmt.Sprintf("account %s enrolled; %d codes held, the first good until %s",
		shown.PAN, site.CodesCount, shown.Expires.UTC().Format("15:04Z"))
	return nil
}

func (p *play) show(ctx context.Context, s *Step) (err error) {
	p.card, err = p.Person.ReadPage(ctx, p.page)
	s.Decided = "number, expiry date and current code read from the page's HTML"
	return err
}

func (p *play) provision(ctx context.Context, s *Step) error {
	w, err := p.openWallet(ctx)
	if err != nil {
		return err
	}
	p.wallet = w
	p.answer, err = p.provisionOn(ctx, s, w)
	return err
}

func (p *play) openWallet(ctx context.Context) (*wallet.Wallet, error) {
	w, err := p.OpenWallet(ctx, cmp.Or(p.wrong.kind, token.SecureElement))
	if err == nil {
		p.opened = append(p.opened, w)
	}
	return w, err
}

func (p *play) provisionOn(ctx context.Context, s *Step, w *wallet.Wallet) (messages.ActivationAnswer, error) {
	told := p.Host.Notices()
	got, err := w.Provision(ctx, p.card)
	if err != nil {
		return got.Answer, err
	}
	outcome, t := got.Answer.Outcome, got.Answer.Token
	if t == nil {
		s.Decided = fmt.Sprintf("no token: response %s, 44.10 %s", outcome.Response, outcome.Additional.CVV2)
		return got.Answer, p.refused(ctx, s, got.Answer.TransactionID, outcome)
	}
	s.Decided = fmt.Sprintf("token %s %s", t.Number, t.Status.Word())
	if got.Approved() {
		s.Decided += "; key " + got.KeyCheck + " on the phone"
	} else {
		s.Decided += "; it waits for " + waitsFor(got.Answer.Method)
	}
	if outcome.Additional.AnsweredBy == token.ByIssuer { // a silent one is told later
		if err := p.awaitNotices(ctx, told+noticesOf(got.Answer)); err != nil {
			return got.Answer, err
		}
	}
	if got.Answer.Method == token.ByPasscode {
		if p.passcode, err = p.Person.Passcode(ctx, p.page, t.Reference); err != nil {
			return got.Answer, err
		}
	}
	s.Why = p.reason(ctx, got.Answer.TransactionID)
	p.report.Token = &Token{
		Status: t.Status.Word(), Number: t.Number.Masked(), Reference: t.Reference,
		KeyCheck: got.KeyCheck, CVV2: outcome.Additional.CVV2.String(),
	}
	return got.Answer, nil
}

// noticesOf is how many notices an issuer gets of a token: that it is there, and
// that it is on the phone or which passcode it waits for.
func noticesOf(a messages.ActivationAnswer) int {
	if a.Token.Status == token.Inactive && a.Method != token.ByPasscode {
		return 1
	}
	return 2
}

func waitsFor(m token.Method) string {
	switch m {
	case token.ByCallCentre:
		return "the call centre"
	case token.ByIssuerApp:
		return "the issuer's app"
	default:
		return "a passcode"
	}
}

// awaitNotices waits until the issuer has acknowledged n notices.
func (p *play) awaitNotices(ctx context.Context, n int) error {
	return p.await(ctx, "told of the token by 0620", func() bool { return p.Host.Notices() >= n })
}

func (p *play) tap(ctx context.Context, s *Step) error {
	if err := p.openMerchant(ctx); err != nil {
		return err
	}
	return p.tapWith(ctx, s, p.wallet.Phone().Card())
}

// openMerchant opens the shop, once.
func (p *play) openMerchant(ctx context.Context) error {
	if p.merchant != nil {
		return nil
	}
	m, err := p.OpenMerchant(ctx, p.wrong.open)
	if err != nil {
		return err
	}
	p.merchant = m
	p.opened = append(p.opened, m)
	return nil
}

func (p *play) tapWith(ctx context.Context, s *Step, card terminal.Card) error {
	receipt, err := p.merchant.Tap(ctx, card, p.Amount)
	if err != nil {
		return err
	}
	p.receipt = receipt
	outcome := receipt.Answer.Outcome
	arqc := receipt.ARQC()
	p.report.Tap = &Tap{
		ResponseCode: string(outcome.Response), AuthorizationID: outcome.AuthorizationID, ARQC: arqc,
		ARPC: string(receipt.ARPC), ATC: receipt.ATC, Amount: p.Amount,
	}
	if outcome.Response != token.Approved {
		s.Decided = fmt.Sprintf("declined: response %s, cryptogram %s", outcome.Response, arqc)
		return p.refused(ctx, s, receipt.Answer.TransactionID, outcome)
	}
	s.Decided = fmt.Sprintf("approved %s; cryptogram %s", money(p.Amount), arqc)
	switch {
	case receipt.ARPC == merchant.ARPCVerified:
		s.Decided += ", issuer's answer verified by the phone"
	case p.wrong.kind != token.Cloud:
		return fmt.Errorf("the phone did not verify the issuer's answer: ARPC %s", receipt.ARPC)
	}
	s.Why = p.reason(ctx, receipt.Answer.TransactionID)
	return nil
}

func money(minor uint64) string { return fmt.Sprintf("%d.%02d", minor/100, minor%100) }
