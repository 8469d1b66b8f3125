package site

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/simulator/ledger"
)

const (
	panDigits   = 16
	numberDraws = 100 // until a free number is found; more means the range is full
)

// issued is a card with the address of its page and the codes it has.
type issued struct {
	id      string
	account ledger.Account
	codes   []Code
}

// current is the code that may be used at now.
func (c *issued) current(now time.Time) (Code, bool) {
	for _, code := range c.codes {
		if !now.Before(code.ValidFrom) && now.Before(code.Expires) {
			return code, true
		}
	}
	return Code{}, false
}

// Approve decides for an application: it draws a card, enrols the account,
// puts the card into the book and asks for codes. When the account cannot be
// enrolled the application keeps waiting and may be approved again; when codes
// cannot be had the card is issued without. Approving again changes nothing.
func (s *Site) Approve(ctx context.Context, id string) error {
	a, err := s.take(id)
	if err != nil {
		return err
	}
	log := s.options.Log.With().Int("application", a.number).Logger()
	c, err := s.issue(ctx, a)
	if err != nil {
		s.release(a, nil)
		log.Warn().Err(err).Msg("application not approved")
		return err
	}
	if err := s.fetchCodes(ctx, c); err != nil {
		log.Warn().Err(err).Stringer("pan", c.account.PAN).Msg("no codes")
	}
	s.release(a, c)
	log.Info().Stringer("pan", c.account.PAN).Msg("application approved")
	return nil
}

// Decline decides against an application.
func (s *Site) Decline(id string) error {
	a, err := s.take(id)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	a.inHand, a.status = false, Declined
	s.options.Log.Info().Int("application", a.number).Msg("application declined")
	return nil
}

// take gives an undecided application to one decider.
func (s *Site) take(id string) (*application, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, ok := s.applications[id]
	switch {
	case !ok:
		return nil, ErrNoApplication
	case a.status != Waiting:
		return nil, ErrDecided
	case a.inHand:
		return nil, ErrInHand
	}
	a.inHand, a.fault = true, ""
	return a, nil
}

// release gives an application back: approved with its card, or waiting.
func (s *Site) release(a *application, c *issued) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a.inHand = false
	if c == nil {
		a.fault = "The account could not be enrolled for dynamic codes. Approve again to retry."
		return
	}
	a.status = Approved
	s.cards[c.id] = c
}

// issue makes the card of an application that the caller has in hand.
func (s *Site) issue(ctx context.Context, a *application) (*issued, error) {
	ctx, cancel := context.WithTimeout(ctx, CodesTimeout)
	defer cancel()
	c, err := s.drawCard(a)
	if err != nil {
		return nil, err
	}
	if err := s.options.Codes.Enroll(ctx, c.account.PAN); err != nil {
		return nil, fmt.Errorf("enrolling the account: %w", err)
	}
	return c, s.book.Add(c.account)
}

// drawCard gives an application its card once, so that a second approval after
// a failed enrolment enrols the same account.
func (s *Site) drawCard(a *application) (*issued, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a.card != nil {
		return a.card, nil
	}
	pan, err := s.drawPAN()
	if err != nil {
		return nil, err
	}
	id, err := s.drawAddress()
	if err != nil {
		return nil, err
	}
	now := s.options.Now()
	a.card = &issued{id: id, account: ledger.Account{
		PAN: pan, Expiry: card.ExpiryAfter(now, ExpiryYears),
		Holder: a.name, Product: a.product, Balance: ledger.OpeningBalance, Issued: now,
	}}
	return a.card, nil
}

// drawPAN draws a number that is not in the book. It needs s.mu.
func (s *Site) drawPAN() (card.PAN, error) {
	for range numberDraws {
		pan, err := card.DrawPAN(s.options.Random, s.options.Range, panDigits)
		if err != nil {
			return card.PAN{}, err
		}
		if _, taken := s.book.Find(pan); !taken {
			return pan, nil
		}
	}
	return card.PAN{}, errors.New("the account range has no free card numbers left")
}

// fetchCodes asks for new codes for a card and keeps them in place of the old.
func (s *Site) fetchCodes(ctx context.Context, c *issued) error {
	ctx, cancel := context.WithTimeout(ctx, CodesTimeout)
	defer cancel()
	a := c.account
	codes, err := s.options.Codes.Generate(ctx, a.PAN, a.Sequence, a.Expiry, CodesCount)
	if err != nil {
		return fmt.Errorf("asking for codes: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c.codes = codes
	return nil
}
