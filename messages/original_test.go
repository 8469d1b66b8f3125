package messages_test

import (
	"testing"

	"github.com/firsttap/firsttap/messages"
)

// Field 90 as it is written, and read again.
func TestOriginals(t *testing.T) {
	for _, c := range []struct {
		original messages.Original
		wire     string
	}{
		{messages.OriginalOf("0100", trace()), "0100" + "000123" + "1122123456" + "00000400552" + "00000000000"},
		{
			messages.Original{MTI: "0101", STAN: "999999", Transmitted: "0101000000", Acquirer: "12345678901", Forwarder: "1"},
			"0101" + "999999" + "0101000000" + "12345678901" + "00000000001",
		},
		{messages.Original{MTI: "0120", STAN: "000001", Transmitted: "0101000000"}, "0120" + "000001" + "0101000000" + "0000000000000000000000"},
	} {
		r := reversal()
		r.Original = c.original
		m := encoded(t, example{typed: r})
		if got := m.Text(path(t, "90")); got != c.wire {
			t.Errorf("%+v is written %s, want %s", c.original, got, c.wire)
		}
		typed, err := messages.Decode(m)
		if err != nil || typed.(*messages.Reversal).Original != c.original {
			t.Errorf("%s is read as %+v, %v", c.wire, typed, err)
		}
	}
}

func TestOriginalNames(t *testing.T) {
	asked := trace()
	asked.Acquirer = "000400552" // zeros in front are no part of an institution's number
	o := messages.OriginalOf("0100", asked)
	if !o.Names(asked) || !o.Names(trace()) {
		t.Error("does not name the request that it was made of")
	}
	for what, change := range map[string]func(*messages.Trace){
		"trace number": func(t *messages.Trace) { t.STAN = "000124" },
		"time":         func(t *messages.Trace) { t.Transmitted = "1122123457" },
		"acquirer":     func(t *messages.Trace) { t.Acquirer = "400553" },
	} {
		other := trace()
		change(&other)
		if o.Names(other) {
			t.Errorf("names a request with another %s", what)
		}
	}
}

// A reversal of every kind and its answer have their types.
func TestReversalTypes(t *testing.T) {
	for _, c := range []struct {
		advice, repeat bool
		mti, answer    string
	}{
		{false, false, "0400", "0410"}, {false, true, "0401", "0410"}, {true, false, "0420", "0430"}, {true, true, "0421", "0430"},
	} {
		r := reversal()
		r.Advice, r.Repeat = c.advice, c.repeat
		answer := r.Answer("00", transactionID)
		if r.MTI() != c.mti || answer.MTI() != c.answer || messages.AnswerMTI(r.MTI()) != answer.MTI() {
			t.Errorf("%+v: a %s is answered by %s", c, r.MTI(), answer.MTI())
		}
	}
}
