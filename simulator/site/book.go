package site

import (
	"errors"
	"sync"
	"time"

	"github.com/firsttap/firsttap/card"
)

// OpeningBalance is what a new account holds, in minor units (ours).
const OpeningBalance = 1_000_00

// Errors of a Book.
var (
	ErrNoSuchCard = errors.New("the issuer has no such card")
	ErrIssued     = errors.New("the card number is issued already")
	ErrBlocked    = errors.New("the card is blocked")
	ErrBalance    = errors.New("the account does not hold so much")
)

// Account is one card in the issuer's book.
type Account struct {
	PAN      card.PAN
	Sequence card.Sequence
	Expiry   card.Expiry
	Holder   string // name as the cardholder gave it
	Product  string
	Blocked  bool
	Balance  uint64 // minor units of the issuer's currency
	Issued   time.Time
}

// Book is the issuer's book of cards, in memory. Its methods may be called by
// many goroutines.
type Book struct {
	mu       sync.Mutex
	accounts map[card.PAN]*Account
	inOrder  []*Account
}

// NewBook makes an empty book.
func NewBook() *Book { return &Book{accounts: map[card.PAN]*Account{}} }

// Add issues a card, or gives ErrIssued.
func (b *Book) Add(a Account) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, taken := b.accounts[a.PAN]; taken {
		return ErrIssued
	}
	b.accounts[a.PAN] = &a
	b.inOrder = append(b.inOrder, &a)
	return nil
}

// Find looks a card up by its number.
func (b *Book) Find(pan card.PAN) (Account, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if a, ok := b.accounts[pan]; ok {
		return *a, true
	}
	return Account{}, false
}

// All lists the cards in the order they were issued.
func (b *Book) All() []Account {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := make([]Account, 0, len(b.inOrder))
	for _, a := range b.inOrder {
		all = append(all, *a)
	}
	return all
}

// Block blocks a card or frees it, or gives ErrNoSuchCard.
func (b *Book) Block(pan card.PAN, blocked bool) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	a, ok := b.accounts[pan]
	if !ok {
		return ErrNoSuchCard
	}
	a.Blocked = blocked
	return nil
}

// Spend takes amount, in minor units, off the account and gives what it then
// is. ErrNoSuchCard, ErrBlocked and ErrBalance change nothing.
func (b *Book) Spend(pan card.PAN, amount uint64) (Account, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	a, ok := b.accounts[pan]
	switch {
	case !ok:
		return Account{}, ErrNoSuchCard
	case a.Blocked:
		return *a, ErrBlocked
	case a.Balance < amount:
		return *a, ErrBalance
	}
	a.Balance -= amount
	return *a, nil
}

// Refund gives amount, in minor units, back to the account, or ErrNoSuchCard.
func (b *Book) Refund(pan card.PAN, amount uint64) (Account, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	a, ok := b.accounts[pan]
	if !ok {
		return Account{}, ErrNoSuchCard
	}
	a.Balance += amount
	return *a, nil
}
