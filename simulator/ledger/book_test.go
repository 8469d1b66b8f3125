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
