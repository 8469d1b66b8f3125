package load

import (
	"bytes"
	"errors"
	"net"
	"testing"

	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/specs"
	"github.com/firsttap/firsttap/token"
)

// asking is a question with this trace number, of this million.
func asking(stan, terminal string) *Question {
	return &Question{Kind: Echo, Trace: messages.Trace{STAN: stan, RRN: "633220" + stan, Terminal: terminal}, answer: make(chan Answer, 1)}
}

// When the trace numbers have come round, a late answer is not taken for the
// answer to the request that has its number now.
func TestALateAnswerAfterARound(t *testing.T) {
	var tally Tally
	o := NewOracle(&tally)
	old, young := asking("000001", "ABCDE000"), asking("000001", "ABCDE001")
	if !o.Sent(old) || !o.Expired(old) || !o.Sent(young) {
		t.Fatal("the number was not free")
	}
	o.Answered(Answer{Trace: old.Trace})
	if tally.Count(Late) != 1 || tally.Sum() != 1 || len(young.answer) != 0 {
		t.Errorf("it is counted %v, and %d waits", tally.Examples(), len(young.answer))
	}
	o.Answered(Answer{Trace: young.Trace})
	if tally.Sum() != 1 || len(young.answer) != 1 {
		t.Errorf("the right one is counted %v", tally.Examples())
	}
}

// What nobody is interested in any more is no fault, whether it comes or not.
func TestWithdrawnQuestions(t *testing.T) {
	var tally Tally
	o := NewOracle(&tally)
	q := asking("000001", "ABCDE000")
	if !o.Sent(q) || !o.Withdrawn(q) || o.Withdrawn(q) || o.Expired(q) {
		t.Error("it is withdrawn once")
	}
	o.Answered(Answer{Trace: q.Trace})
	if tally.Sum() != 0 {
		t.Errorf("it is counted %v", tally.Examples())
	}
}

// A connection's end is told to all who wait, once, and nobody waits any more.
func TestTheEndOfAConnection(t *testing.T) {
	var tally Tally
	o := NewOracle(&tally)
	q := asking("000001", "ABCDE000")
	o.Sent(q)
	why := errors.New("reset")
	o.Close(why)
	o.Close(why)
	if a := <-q.answer; a.err != why || tally.Count(Lost) != 1 || o.Sent(asking("000002", "ABCDE000")) {
		t.Errorf("it ended with %v, %d lost", a.err, tally.Count(Lost))
	}
}

// The tally counts without end and describes the first faults only.
func TestExamplesHaveALimit(t *testing.T) {
	var tally Tally
	for range examplesMax {
		tally.Add(Lost, "x")
	}
	if len(tally.Examples()) != examplesMax {
		t.Errorf("%d examples", len(tally.Examples()))
	}
	tally.Add(Lost, "x")
	if len(tally.Examples()) != examplesMax || tally.Count(Lost) != examplesMax+1 {
		t.Errorf("%d examples of %d", len(tally.Examples()), tally.Count(Lost))
	}
}

// A gateway that makes the load write and reads nothing is given up.
func TestTheQueueHasALimit(t *testing.T) {
	near, far := net.Pipe()
	defer far.Close()
	c := &conn{station: Station{Codec: specs.VisaStyleCodec(), Framing: vap}, socket: near, oracle: NewOracle(&Tally{}), wake: make(chan struct{}, 1), done: make(chan struct{})}
	c.waiting = make([]byte, queueBytesMax)
	if err := c.send(specs.Header{}, []byte{1}); err != nil {
		t.Errorf("a full queue takes no more: %v", err)
	}
	if err := c.send(specs.Header{}, []byte{1}); err != errStuck || c.ended() != errStuck {
		t.Errorf("one past it: %v", err)
	}
}

// Requests of the gateway are answered: echoes and notices with approval, all
// else with a refusal.
func TestRequestsOfTheGateway(t *testing.T) {
	for _, q := range []struct {
		message messages.Message
		want    token.Response
	}{
		{&messages.NetworkRequest{Transmitted: "1122123456", STAN: "000001", Code: messages.Echo}, token.Approved},
		{&messages.FileUpdate{
			Trace:  messages.Trace{Transmitted: "1122123456", STAN: "000001", RRN: "632612000001", Acquirer: "200001"},
			Action: messages.FileInquiry, Reference: "0123456789abcdef0123456789abcdef",
		}, token.InvalidTransaction},
	} {
		c := &conn{station: Station{Codec: specs.VisaStyleCodec(), Framing: vap}, tally: &Tally{}, wake: make(chan struct{}, 1)}
		raw, err := messages.Encode(q.message)
		if err != nil {
			t.Fatal(err)
		}
		body, err := c.station.Codec.Append(nil, raw)
		if err != nil {
			t.Fatal(err)
		}
		if !c.take(specs.Frame{Body: body}) {
			t.Errorf("a %s is not taken", raw.MTI())
		}
		frame, err := vap.Read(bytes.NewReader(c.waiting), nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := c.station.Codec.Parse(frame.Body)
		if err != nil {
			t.Fatal(err)
		}
		if got := responseOf(t, answer); got != q.want {
			t.Errorf("a %s is answered with response %s, not %s", raw.MTI(), got, q.want)
		}
	}
}

func responseOf(t *testing.T, m *specs.Message) token.Response {
	t.Helper()
	typed, err := messages.Decode(m)
	if err != nil {
		t.Fatal(err)
	}
	switch a := typed.(type) {
	case *messages.NetworkAnswer:
		return a.Response
	case *messages.FileUpdateAnswer:
		return a.Response
	}
	t.Fatalf("it is a %T", typed)
	return ""
}

// FuzzTake holds that no frame breaks the load.
func FuzzTake(f *testing.F) {
	for _, seed := range []string{"", "\x08\x10", "\x08\x00\x82\x20\x00\x00\x00\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00\x11\x22\x12\x34\x56\x00\x00\x01\x03\x01"} {
		f.Add([]byte(seed), "")
	}
	f.Fuzz(func(t *testing.T, body []byte, reject string) {
		tally := &Tally{}
		c := &conn{station: Station{Codec: specs.VisaStyleCodec(), Framing: vap}, tally: tally, oracle: NewOracle(tally), wake: make(chan struct{}, 1)}
		ok := c.take(specs.Frame{Body: body, Header: specs.Header{Reject: reject}})
		if !ok && tally.Count(Unreadable) != 1 {
			t.Errorf("a body that cannot be decoded is counted %d times", tally.Count(Unreadable))
		}
	})
}

// FuzzParseMix holds that what ParseMix takes is within its limits and reads
// back.
func FuzzParseMix(f *testing.F) {
	for _, seed := range []string{"", "echo", "activation=70,tap=30", "tap=1001", "tap=1,tap=2"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		m, err := ParseMix(text)
		if err != nil {
			return
		}
		again, err := ParseMix(m.String())
		if err != nil || again.String() != m.String() {
			t.Errorf("%q reads back as %v, %v", text, again, err)
		}
	})
}
