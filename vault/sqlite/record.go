package sqlite

import (
	"time"

	"github.com/firsttap/firsttap/token"
	"github.com/firsttap/firsttap/vault"
)

// nanoseconds is how a time is stored: Unix nanoseconds, 0 for no time.
func nanoseconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

func fromNanoseconds(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(0, n).UTC()
}

// fromOutcome gives nil, which the database stores as NULL, for no outcome.
func fromOutcome(o *token.Outcome) ([]byte, error) {
	if o == nil {
		return nil, nil
	}
	return vault.EncodeOutcome(*o)
}

func toOutcome(stored []byte) (*token.Outcome, error) {
	if stored == nil {
		return nil, nil
	}
	o, err := vault.DecodeOutcome(stored)
	if err != nil {
		return nil, err
	}
	return &o, nil
}
