// Package ledger is what the simulated issuer knows of its cards: the accounts in
// its Book, and their tokens in its Register.
//
// The issuer's host and its web site share one Book. The package keeps
// everything in memory and decides nothing. Start at NewBook.
package ledger

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
	Number   int // what the issuer calls the account, from 1; Book gives it
	PAN      card.PAN
	Sequence card.Sequence
	Expiry   card.Expiry
	Holder   string // name as the cardholder gave it
	Product  string
	Blocked  bool
	Balance  uint64 // minor units of the issuer's currency
	Owed     uint64 // likewise: what the network granted in the issuer's place beyond Balance
	Issued   time.Time

	Successor card.PAN // that replaced it; zero while it is in use
}

// Book is the issuer's book of cards, in memory. Its methods may be called by
// many goroutines.
type Book struct {
	tokens   *Register
	mu       sync.Mutex
	accounts map[card.PAN]*Account
	inOrder  []*Account
}

// NewBook makes an empty book.
func NewBook() *Book { return &Book{tokens: NewRegister(), accounts: map[card.PAN]*Account{}} }

// Tokens is the register of the cards' tokens.
func (b *Book) Tokens() *Register { return b.tokens }

// Add issues a card, or gives ErrIssued.
func (b *Book) Add(a Account) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, taken := b.accounts[a.PAN]; taken {
		return ErrIssued
	}
	b.add(a)
	return nil
}

// add needs b.mu.
func (b *Book) add(a Account) {
	a.Number = len(b.inOrder) + 1
	b.accounts[a.PAN] = &a
	b.inOrder = append(b.inOrder, &a)
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

// Numbered looks a card up by what the issuer calls its account.
func (b *Book) Numbered(number int) (Account, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if number < 1 || number > len(b.inOrder) {
		return Account{}, false
	}
	return *b.inOrder[number-1], true
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

// Settle takes amount, in minor units, off an account that the network granted
// it from in the issuer's place, whatever the issuer would have said: what the
// account does not hold is owed. It gives ErrNoSuchCard for an unknown card.
func (b *Book) Settle(pan card.PAN, amount uint64) (Account, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	a, ok := b.accounts[pan]
	if !ok {
		return Account{}, ErrNoSuchCard
	}
	held := min(a.Balance, amount)
	a.Balance -= held
	a.Owed += amount - held
	return *a, nil
}

// Refund gives amount, in minor units, back to the account, what is owed first,
// or ErrNoSuchCard. Of a card that was replaced it is its successor's.
func (b *Book) Refund(pan card.PAN, amount uint64) (Account, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	a, ok := b.accounts[pan]
	if !ok {
		return Account{}, ErrNoSuchCard
	}
	for next, replaced := b.accounts[a.Successor]; replaced; next, replaced = b.accounts[a.Successor] {
		a = next
	}
	owed := min(a.Owed, amount)
	a.Owed -= owed
	a.Balance += amount - owed
	return *a, nil
}

// Renew gives a card another expiry date, or gives ErrNoSuchCard.
func (b *Book) Renew(pan card.PAN, expiry card.Expiry) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	a, ok := b.accounts[pan]
	if !ok {
		return ErrNoSuchCard
	}
	a.Expiry = expiry
	return nil
}

// Replace issues a card in the place of another: it gets what the old one holds
// and owes, and the old one is blocked. ErrNoSuchCard, and ErrIssued for a new
// number that is taken or an old card that was replaced before, change nothing.
func (b *Book) Replace(old card.PAN, a Account) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	before, ok := b.accounts[old]
	if !ok {
		return ErrNoSuchCard
	}
	if _, taken := b.accounts[a.PAN]; taken || !before.Successor.IsZero() {
		return ErrIssued
	}
	a.Balance, a.Owed = before.Balance, before.Owed
	before.Balance, before.Owed, before.Blocked, before.Successor = 0, 0, true, a.PAN
	b.add(a)
	return nil
}
