package site

import (
	"context"
	"fmt"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/simulator/ledger"
)

// renew gives a card one more year, and tells the network. It needs s.clerk.
func (s *Site) renew(ctx context.Context, pan card.PAN) error {
	account, ok := s.book.Find(pan)
	switch {
	case !ok:
		return errNoAccount
	case !account.Successor.IsZero():
		return errReplaced
	}
	expiry, err := yearLater(account.Expiry)
	if err != nil {
		return err
	}
	if err := s.book.Renew(pan, expiry); err != nil {
		return err
	}
	account.Expiry = expiry
	s.show(ctx, pan, account)
	s.options.Log.Info().Int("account", account.Number).Msg("card has a new expiry date")
	s.tell(pan, func(reference string) (Reply, error) { return s.options.Desk.UpdateExpiry(ctx, reference, expiry) })
	return nil
}

// yearLater is the same month of the next year; after 2099 there is none.
func yearLater(e card.Expiry) (card.Expiry, error) {
	yymm := e.YYMM()
	year := int(yymm[0]-'0')*10 + int(yymm[1]-'0') + 1
	return card.ParseExpiry(fmt.Sprintf("%02d%s", year, yymm[2:]))
}

// replace gives an account another card, and tells the network. Where that was
// done before, it tells the network of the tokens that were left behind. It
// needs s.clerk.
func (s *Site) replace(ctx context.Context, pan card.PAN) error {
	old, ok := s.book.Find(pan)
	if !ok {
		return errNoAccount
	}
	fresh, err := s.successor(ctx, old)
	if err != nil {
		return err
	}
	s.tell(pan, func(reference string) (Reply, error) {
		return s.options.Desk.ReplacePAN(ctx, reference, fresh.PAN, fresh.Sequence, fresh.Expiry)
	})
	return nil
}

// successor is the card in use in the place of one, which is issued now if there
// is none yet.
func (s *Site) successor(ctx context.Context, old ledger.Account) (ledger.Account, error) {
	if !old.Successor.IsZero() {
		return s.lastOf(old), nil
	}
	fresh, err := s.reissue(ctx, old)
	if err != nil {
		return ledger.Account{}, err
	}
	s.show(ctx, old.PAN, fresh)
	s.options.Log.Info().Int("account", old.Number).Stringer("pan", fresh.PAN).Msg("card replaced")
	return fresh, nil
}

// lastOf is the card that is in use now for one that was replaced, or itself.
func (s *Site) lastOf(a ledger.Account) ledger.Account {
	for next, ok := s.book.Find(a.Successor); ok; next, ok = s.book.Find(a.Successor) {
		a = next
	}
	return a
}

// reissue draws a card, enrols it and puts it in the place of another.
func (s *Site) reissue(ctx context.Context, old ledger.Account) (ledger.Account, error) {
	ctx, cancel := context.WithTimeout(ctx, CodesTimeout)
	defer cancel()
	s.mu.Lock()
	pan, err := s.drawPAN()
	s.mu.Unlock()
	if err != nil {
		return ledger.Account{}, err
	}
	if err := s.options.Codes.Enroll(ctx, pan); err != nil {
		return ledger.Account{}, fmt.Errorf("enrolling the account: %w", err)
	}
	now := s.options.Now()
	fresh := ledger.Account{
		PAN: pan, Expiry: card.ExpiryAfter(now, ExpiryYears), Holder: old.Holder, Product: old.Product, Issued: now,
	}
	return fresh, s.book.Replace(old.PAN, fresh)
}

// show puts a card as it now is on its holder's page, with codes of its own.
func (s *Site) show(ctx context.Context, before card.PAN, now ledger.Account) {
	s.mu.Lock()
	var shown *issued
	for _, c := range s.cards {
		if c.account.PAN == before {
			c.account, c.codes = now, nil
			shown = c
		}
	}
	s.mu.Unlock()
	if shown == nil {
		return
	}
	if err := s.fetchCodes(ctx, shown); err != nil {
		s.options.Log.Warn().Err(err).Stringer("pan", now.PAN).Msg("no codes")
	}
}
