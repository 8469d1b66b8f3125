package client

import (
	"fmt"
	"strconv"
	"time"

	"github.com/firsttap/firsttap/api/wire"
	"github.com/firsttap/firsttap/internal/secret"
)

// answer reads members one after the other and keeps the first fault. Members
// it does not know are left alone: servers may add some.
type answer struct {
	doc   wire.Document
	fault error
}

func (a *answer) wrong(path, what string) {
	if a.fault == nil {
		a.fault = fmt.Errorf("%w: %s is not %s", ErrAnswer, path, what)
	}
}

func (a *answer) secret(path string) secret.Text {
	value, ok := a.doc.Text(path)
	if !ok {
		a.wrong(path, "a string")
	}
	return value
}

func (a *answer) text(path string) string { return a.secret(path).Reveal() }

func (a *answer) number(path string, low, high int64) int64 {
	sent, ok := a.doc.Number(path)
	n, err := strconv.ParseInt(sent.Reveal(), 10, 64)
	if !ok || err != nil || n < low || n > high {
		a.wrong(path, fmt.Sprintf("an integer from %d to %d", low, high))
		return low
	}
	return n
}

func (a *answer) time(path string) time.Time {
	t, err := time.Parse(time.RFC3339, a.text(path))
	if err != nil {
		a.wrong(path, "a time")
	}
	return t.UTC()
}

func (a *answer) optionalTime(path string) time.Time {
	if !a.doc.Has(path) {
		return time.Time{}
	}
	return a.time(path)
}

func (a *answer) bool(path string) bool {
	value, ok := a.doc.Bool(path)
	if !ok {
		a.wrong(path, "true or false")
	}
	return value
}

// parsed makes a domain value of a string.
func parsed[T any](a *answer, path string, parse func(string) (T, error)) T {
	value, err := parse(a.text(path))
	if err != nil {
		a.wrong(path, "a good value")
	}
	return value
}
