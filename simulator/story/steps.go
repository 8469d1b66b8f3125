package story

import (
	"context"
	"errors"
	"fmt"
	"time"

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
	return p.provisionOn(ctx, s, w)
}

func (p *play) openWallet(ctx context.Context) (*wallet.Wallet, error) {
	w, err := p.OpenWallet(ctx)
	if err == nil {
		p.opened = append(p.opened, w)
	}
	return w, err
}

func (p *play) provisionOn(ctx context.Context, s *Step, w *wallet.Wallet) error {
	told := p.Host.Notices()
	got, err := w.Provision(ctx, p.card)
	if err != nil {
		return err
	}
	outcome := got.Answer.Outcome
	if !got.Approved() {
		s.Decided = fmt.Sprintf("no token: response %s, 44.10 %s", outcome.Response, outcome.Additional.CVV2)
		p.refused(ctx, s, got.Answer.TransactionID, outcome)
		return nil
	}
	if err := p.awaitNotices(ctx, told+2); err != nil {
		return err
	}
	t := got.Answer.Token
	s.Decided = fmt.Sprintf("token %s %s; key %s on the phone", t.Number, t.Status.Word(), got.KeyCheck)
	s.Why = p.reason(ctx, got.Answer.TransactionID)
	p.report.Token = &Token{
		Status: t.Status.Word(), Number: t.Number.Masked(), Reference: t.Reference,
		KeyCheck: got.KeyCheck, CVV2: outcome.Additional.CVV2.String(),
	}
	return nil
}

// awaitNotices waits until the issuer has acknowledged n notices.
func (p *play) awaitNotices(ctx context.Context, n int) error {
	ctx, cancel := context.WithTimeout(ctx, noticesTimeout)
	defer cancel()
	for {
		changed := p.Wire.Changed()
		if p.Host.Notices() >= n {
			return nil
		}
		select {
		case <-changed:
		case <-time.After(10 * time.Millisecond): // the host counts a little after the wire has seen
		case <-ctx.Done():
			return errors.New("the issuer was not told of the token by 0620")
		}
	}
}

func (p *play) tap(ctx context.Context, s *Step) error {
	m, err := p.OpenMerchant(ctx, p.wrong.tamper)
	if err != nil {
		return err
	}
	p.merchant = m
	p.opened = append(p.opened, m)
	return p.tapWith(ctx, s, p.wallet.Phone().Card())
}

func (p *play) tapWith(ctx context.Context, s *Step, card terminal.Card) error {
	receipt, err := p.merchant.Tap(ctx, card, p.Amount)
	if err != nil {
		return err
	}
	outcome := receipt.Answer.Outcome
	arqc := receipt.ARQC()
	p.report.Tap = &Tap{
		ResponseCode: string(outcome.Response), AuthorizationID: outcome.AuthorizationID, ARQC: arqc,
		ARPC: string(receipt.ARPC), ATC: receipt.ATC, Amount: p.Amount,
	}
	if outcome.Response != token.Approved {
		s.Decided = fmt.Sprintf("declined: response %s, cryptogram %s", outcome.Response, arqc)
		p.refused(ctx, s, receipt.Answer.TransactionID, outcome)
		return nil
	}
	if receipt.ARPC != merchant.ARPCVerified {
		return fmt.Errorf("the phone did not verify the issuer's answer: ARPC %s", receipt.ARPC)
	}
	s.Decided = fmt.Sprintf("approved %s; cryptogram %s, issuer's answer verified by the phone", money(p.Amount), arqc)
	s.Why = p.reason(ctx, receipt.Answer.TransactionID)
	return nil
}

func money(minor uint64) string { return fmt.Sprintf("%d.%02d", minor/100, minor%100) }
