package screening_test

import (
	"bytes"
	"errors"
	"io"
	"sync"
	"testing"

	"github.com/firsttap/firsttap/gateway/screening"
	"github.com/firsttap/firsttap/token"
)

func TestTransactionIDsFollowEachOther(t *testing.T) {
	for first, then := range map[string][]string{
		"012345678901299": {"012345678901300", "012345678901301"},
		"999999999999998": {"999999999999999", "000000000000000", "000000000000001"},
	} {
		digits := make([]byte, 0, token.TransactionIDDigits)
		for _, digit := range first {
			digits = append(digits, byte(digit-'0'))
		}
		ids := screening.NewTransactionIDs(bytes.NewReader(digits))
		for _, want := range append([]string{first}, then...) {
			if got, err := ids.Next(); err != nil || got != want {
				t.Errorf("got %s, %v, want %s", got, err, want)
			}
		}
	}
}

// Where there is no chance there is no first identifier, until there is some.
func TestTransactionIDsWaitForChance(t *testing.T) {
	var random bytes.Buffer
	ids := screening.NewTransactionIDs(&random)
	if id, err := ids.Next(); !errors.Is(err, io.EOF) {
		t.Errorf("got %s, %v", id, err)
	}
	random.Write(make([]byte, token.TransactionIDDigits))
	if id, err := ids.Next(); err != nil || id != "000000000000000" {
		t.Errorf("got %s, %v", id, err)
	}
}

func TestTransactionIDsAreForMany(t *testing.T) {
	const callers, each = 8, 100
	ids := screening.NewTransactionIDs(bytes.NewReader(make([]byte, token.TransactionIDDigits)))
	var given sync.Map
	var callersDone sync.WaitGroup
	for range callers {
		callersDone.Go(func() {
			for range each {
				id, err := ids.Next()
				if _, before := given.LoadOrStore(id, nil); before || err != nil {
					t.Errorf("%s came before, or %v", id, err)
				}
			}
		})
	}
	callersDone.Wait()
}
