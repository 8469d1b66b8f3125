package ledger_test

import (
	"errors"
	"sync"
	"testing"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/simulator/ledger"
)

func TestBook(t *testing.T) {
	book, pan, other := ledger.NewBook(), card.MustPAN("4761739001010010"), card.MustPAN("4761739001010119")
	if err := book.Add(ledger.Account{PAN: pan, Balance: 100}); err != nil {
		t.Fatal(err)
	}
	steps := []struct {
		name    string
		do      func() error
		want    error
		balance uint64
	}{
		{"a number is issued once", func() error { return book.Add(ledger.Account{PAN: pan}) }, ledger.ErrIssued, 100},
		{"all but one unit", func() error { _, err := book.Spend(pan, 99); return err }, nil, 1},
		{"one unit too many", func() error { _, err := book.Spend(pan, 2); return err }, ledger.ErrBalance, 1},
		{"the last unit", func() error { _, err := book.Spend(pan, 1); return err }, nil, 0},
		{"given back", func() error { _, err := book.Refund(pan, 50); return err }, nil, 50},
		{"blocked", func() error { return book.Block(pan, true) }, nil, 50},
		{"spending when blocked", func() error { _, err := book.Spend(pan, 1); return err }, ledger.ErrBlocked, 50},
		{"freed", func() error { return book.Block(pan, false) }, nil, 50},
		{"an unknown card spends", func() error { _, err := book.Spend(other, 1); return err }, ledger.ErrNoSuchCard, 50},
		{"an unknown card gets back", func() error { _, err := book.Refund(other, 1); return err }, ledger.ErrNoSuchCard, 50},
		{"an unknown card is blocked", func() error { return book.Block(other, true) }, ledger.ErrNoSuchCard, 50},
	}
	for _, step := range steps {
		if err := step.do(); !errors.Is(err, step.want) {
			t.Errorf("%s: %v, want %v", step.name, err, step.want)
		}
		if a, ok := book.Find(pan); !ok || a.Balance != step.balance {
			t.Errorf("%s: the account holds %d, want %d", step.name, a.Balance, step.balance)
		}
	}
	if _, ok := book.Find(other); ok || len(book.All()) != 1 {
		t.Error("the book has a card that nobody issued")
	}
}

func TestSpendingAtOnceNeverOverdraws(t *testing.T) {
	book, pan := ledger.NewBook(), card.MustPAN("4761739001010010")
	if err := book.Add(ledger.Account{PAN: pan, Balance: 10}); err != nil {
		t.Fatal(err)
	}
	var spenders sync.WaitGroup
	for range 50 {
		spenders.Go(func() { book.Spend(pan, 1) })
	}
	spenders.Wait()
	if a, _ := book.Find(pan); a.Balance != 0 {
		t.Errorf("the account holds %d", a.Balance)
	}
}

// What the network granted in the issuer's place is the issuer's to pay, and
// what comes back pays that first.
func TestSettling(t *testing.T) {
	book, pan := ledger.NewBook(), card.MustPAN("4761739001010010")
	if err := book.Add(ledger.Account{PAN: pan, Balance: 100, Blocked: true}); err != nil {
		t.Fatal(err)
	}
	steps := []struct {
		name          string
		do            func(card.PAN, uint64) (ledger.Account, error)
		amount        uint64
		balance, owed uint64
	}{
		{"what it holds, blocked as it is", book.Settle, 100, 0, 0},
		{"one more", book.Settle, 1, 0, 1},
		{"and more", book.Settle, 9, 0, 10},
		{"part of what is owed", book.Refund, 4, 0, 6},
		{"the rest and more", book.Refund, 7, 1, 0},
	}
	for _, step := range steps {
		a, err := step.do(pan, step.amount)
		if err != nil || a.Balance != step.balance || a.Owed != step.owed {
			t.Errorf("%s: holds %d and owes %d, %v", step.name, a.Balance, a.Owed, err)
		}
	}
	if _, err := book.Settle(card.MustPAN("4761739001010119"), 1); !errors.Is(err, ledger.ErrNoSuchCard) {
		t.Errorf("an unknown card: %v", err)
	}
}

func TestReplacing(t *testing.T) {
	book := ledger.NewBook()
	pans := []card.PAN{card.MustPAN("4761739001010010"), card.MustPAN("4761739001010119"), card.MustPAN("4761739001010028")}
	if err := book.Add(ledger.Account{PAN: pans[0], Balance: 100, Holder: "Ada"}); err != nil {
		t.Fatal(err)
	}
	replace := func(old, new card.PAN, want error) {
		t.Helper()
		if err := book.Replace(old, ledger.Account{PAN: new, Holder: "Ada"}); !errors.Is(err, want) {
			t.Errorf("replacing gave %v, want %v", err, want)
		}
	}
	replace(pans[1], pans[2], ledger.ErrNoSuchCard)
	replace(pans[0], pans[0], ledger.ErrIssued)
	replace(pans[0], pans[1], nil)
	replace(pans[0], pans[2], ledger.ErrIssued) // it was replaced
	replace(pans[1], pans[2], nil)

	old, _ := book.Numbered(1)
	last, ok := book.Numbered(3)
	if !old.Blocked || old.Balance != 0 || old.Successor != pans[1] || !ok || last.Balance != 100 || last.PAN != pans[2] || last.Blocked {
		t.Errorf("the old card is %+v, the last %+v", old, last)
	}
	if _, err := book.Spend(pans[0], 1); !errors.Is(err, ledger.ErrBlocked) {
		t.Errorf("the old card pays: %v", err)
	}
	if a, err := book.Refund(pans[0], 5); err != nil || a.PAN != pans[2] || a.Balance != 105 {
		t.Errorf("what comes back for the first card goes to the last: %+v, %v", a, err)
	}
	for _, number := range []int{0, 4} {
		if _, ok := book.Numbered(number); ok {
			t.Errorf("there is an account %d", number)
		}
	}
}

func TestRenewing(t *testing.T) {
	book, pan := ledger.NewBook(), card.MustPAN("4761739001010010")
	if err := book.Add(ledger.Account{PAN: pan, Expiry: card.MustExpiry("2912")}); err != nil {
		t.Fatal(err)
	}
	if err := book.Renew(pan, card.MustExpiry("3012")); err != nil {
		t.Fatal(err)
	}
	if a, _ := book.Find(pan); a.Expiry != card.MustExpiry("3012") {
		t.Error("the date is the old one")
	}
	if err := book.Renew(card.MustPAN("4761739001010119"), card.MustExpiry("3012")); !errors.Is(err, ledger.ErrNoSuchCard) {
		t.Errorf("an unknown card: %v", err)
	}
}
