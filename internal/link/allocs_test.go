package link

import (
	"io"
	"testing"
)

// echoAllocsMax is how often an echo that comes alone may allocate, at both
// ends together (ours): for two messages that are read, for the answer, for the
// wait, and eight times in iso8583-connection. Under the race detector pools
// lose some of what they are given.
const echoAllocsMax = 32

func TestEchoAllocatesLittle(t *testing.T) {
	noLeaks(t)
	l := listen(t)
	serving(t, l, options(io.Discard, answering))
	c, err := Dial(t.Context(), l.Addr().String(), nil, options(io.Discard, silent))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	question := echo(1)
	got := testing.AllocsPerRun(1000, func() {
		if _, err := c.Ask(t.Context(), question); err != nil {
			t.Error(err)
		}
	})
	if got > echoAllocsMax {
		t.Errorf("an echo allocates %v times, the most is %d", got, echoAllocsMax)
	}
}
