package story

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/simulator/issuer"
	"github.com/firsttap/firsttap/simulator/merchant"
	"github.com/firsttap/firsttap/simulator/phone"
	"github.com/firsttap/firsttap/token"
)

// runOut taps until the phone has no key left.
func (p *play) runOut(ctx context.Context, s *Step) error {
	taps := 0
	for p.wallet.Phone().Keys().Uses > 0 {
		if err := p.tapWith(ctx, s, p.wallet.Phone().Card()); err != nil || p.report.Refusal != nil {
			return err
		}
		taps++
	}
	if _, err := p.merchant.Tap(ctx, p.wallet.Phone().Card(), p.Amount); err == nil {
		return errors.New("the phone pays with a key that is used up")
	}
	s.Decided = fmt.Sprintf("%d taps more, and the phone declines: its key is used up", taps)
	return nil
}

func (p *play) replenish(ctx context.Context, s *Step) error {
	if err := p.wallet.Ready(ctx); err != nil {
		return err
	}
	keys := p.wallet.Phone().Keys()
	s.Decided = fmt.Sprintf("the phone was lent another key, good for %d taps", keys.Uses)
	if keys.Uses == 0 {
		return errors.New("the phone has no key that it could use")
	}
	return nil
}

// aDayOnAnOldClock lets a day pass that the phone does not notice.
func aDayOnAnOldClock(_ context.Context, p *play) error {
	p.Clock.Advance(token.LentKeyFor + time.Hour)
	p.PhoneClock.Skew(-token.LentKeyFor - time.Hour)
	return nil
}

func tapReplayed(ctx context.Context, p *play, s *Step) error {
	return p.tapWith(ctx, s, p.wallet.Phone().Card())
}

// tapMasked gives a second phone a token of the same card, and lets it pay with
// the first one's number.
func (p *play) tapMasked(ctx context.Context, s *Step) error {
	if err := p.openMerchant(ctx); err != nil {
		return err
	}
	held, err := p.foreignPhone(ctx)
	if err != nil {
		return err
	}
	return p.tapWith(ctx, s, held.Card())
}

// foreignPhone is a second phone with an active token of the same card, which
// shows the first token's number.
func (p *play) foreignPhone(ctx context.Context) (*phone.Phone, error) {
	p.Host.Follow(issuer.Persona{})
	p.Clock.Advance(time.Hour) // to a code that was not used
	card, err := p.Person.ReadPage(ctx, p.page)
	if err != nil {
		return nil, err
	}
	second, err := p.openWallet(ctx)
	if err != nil {
		return nil, err
	}
	got, err := second.Provision(ctx, card)
	if err != nil || !got.Approved() {
		return nil, fmt.Errorf("the second phone got no token: response %s: %w", got.Answer.Outcome.Response, err)
	}
	t := p.answer.Token
	return second.Phone().Masquerade(t.Number, 1, t.Expiry)
}

func (p *play) payInApp(ctx context.Context, s *Step) error {
	return p.online(ctx, s, func(m *merchant.Merchant) (messages.RemoteAnswer, error) {
		return m.SellByToken(ctx, p.wallet.Phone(), p.report.Token.Reference, p.Amount)
	})
}

func (p *play) payOnFile(ctx context.Context, s *Step) error {
	return p.online(ctx, s, func(m *merchant.Merchant) (messages.RemoteAnswer, error) {
		return m.SellOnFile(ctx, *p.answer.Token, p.Amount)
	})
}

func (p *play) payByCard(ctx context.Context, s *Step) error {
	return p.online(ctx, s, func(m *merchant.Merchant) (messages.RemoteAnswer, error) { return m.Sell(ctx, p.card, p.Amount) })
}

func (p *play) verifyAccount(ctx context.Context, s *Step) error {
	return p.online(ctx, s, func(m *merchant.Merchant) (messages.RemoteAnswer, error) { return m.Verify(ctx, p.card) })
}

// online plays a payment or verification without a terminal.
func (p *play) online(ctx context.Context, s *Step, ask func(*merchant.Merchant) (messages.RemoteAnswer, error)) error {
	if err := p.openMerchant(ctx); err != nil {
		return err
	}
	answer, err := ask(p.merchant)
	if err != nil {
		return err
	}
	p.remote = answer
	if answer.Outcome.Response != token.Approved {
		s.Decided = fmt.Sprintf("declined: response %s, 44.10 %s", answer.Outcome.Response, answer.Outcome.Additional.CVV2)
		return p.refused(ctx, s, answer.TransactionID, answer.Outcome)
	}
	s.Decided, s.Why = "approved "+money(answer.Amount), p.reason(ctx, answer.TransactionID)
	if answer.Amount == 0 {
		s.Decided = "the account is good"
	}
	return nil
}

func (p *play) reverseOnline(ctx context.Context, s *Step) error {
	before := p.Host.Reversals()
	answer, err := p.merchant.ReverseOnline(ctx, p.remote)
	if err != nil {
		return err
	}
	return p.reversed(ctx, s, answer, before)
}
