package messages_test

import (
	"testing"

	"github.com/firsttap/firsttap/messages"
)

// TestMessagesAllocateLittle holds what becomes of a message on its way to
// ceilings (ours), a little above what it allocates today.
func TestMessagesAllocateLittle(t *testing.T) {
	for _, c := range []struct {
		name                    string
		decode, encode, content float64
	}{
		{"0800-echo", 3, 4, 0},
		{"0810-echo", 3, 4, 0},
		{"0100-activation-requestor", 4, 6, 7},
		{"0110-activation-approved", 4, 5, 0},
		{"0100-tap-merchant", 9, 10, 11},
		{"0100-tap-issuer", 10, 11, 12},
		{"0110-tap-approved", 5, 9, 0},
	} {
		e := find(t, c.name)
		fields := encoded(t, e)
		atMost(t, c.name+": decoding", c.decode, func() { _, _ = messages.Decode(fields) })
		atMost(t, c.name+": encoding", c.encode, func() { _, _ = messages.Encode(e.typed) })
		atMost(t, c.name+": its key", 1, func() { messages.Key(fields) })
		if r, ok := e.typed.(interface{ Content() []byte }); ok {
			atMost(t, c.name+": its content", c.content, func() { r.Content() })
		}
	}
}

func atMost(t *testing.T, what string, most float64, f func()) {
	t.Helper()
	if got := testing.AllocsPerRun(100, f); got > most {
		t.Errorf("%s allocates %v times, the most is %v", what, got, most)
	}
}
