package api

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestTheOldestIDIsForgottenFirst(t *testing.T) {
	r, err := newRepeats(strings.NewReader(strings.Repeat("k", sha256.Size)))
	if err != nil {
		t.Fatal(err)
	}
	at := time.Unix(0, 0)
	first := func(id string) (fresh bool) {
		_, err := r.once(context.Background(), "greenbank", id, [sha256.Size]byte{}, at, func() (answered, error) {
			fresh = true
			return answered{at: at}, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return fresh
	}
	for i := range RepeatsPerClientMax {
		first(fmt.Sprint(i))
	}
	if first("0") {
		t.Error("at the limit every id is known")
	}
	first("one more")
	if first("1") || !first("0") {
		t.Error("past the limit the oldest id is forgotten, and only that")
	}
	if known := r.clients["greenbank"]; known.order.Len() != RepeatsPerClientMax || len(known.byID) != RepeatsPerClientMax {
		t.Errorf("%d and %d are kept", known.order.Len(), len(known.byID))
	}
}

func TestARepeatDoesNotWaitForEver(t *testing.T) {
	r, err := newRepeats(strings.NewReader(strings.Repeat("k", sha256.Size)))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	never := func() (answered, error) { return answered{}, errors.New("done twice") }
	_, err = r.once(ctx, "greenbank", "id", [sha256.Size]byte{}, time.Time{}, func() (answered, error) {
		_, inner := r.once(ctx, "greenbank", "id", [sha256.Size]byte{}, time.Time{}, never)
		return answered{}, inner
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if len(r.clients["greenbank"].byID) != 0 {
		t.Error("what failed is forgotten")
	}
}
