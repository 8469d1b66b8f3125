package link

import (
	"context"
	"errors"
	"fmt"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/firsttap/firsttap/specs"
)

func TestQuestionAndAnswer(t *testing.T) {
	noLeaks(t)
	c, far := beginLoopback(t, options(t.Output(), silent))
	answer := asking(t.Context(), c, echo(1))
	question := far.read()
	if want := (specs.Header{Destination: 200001, Source: 400000}); question.Header != want {
		t.Errorf("the question's header is %+v, not %+v", question.Header, want)
	}
	m, err := codec.Parse(question.Body)
	if err != nil {
		t.Fatal(err)
	}
	far.send(answerTo(m))
	a := got(t, answer, "the answer")
	if a.err != nil || a.answer.MTI() != "0810" || a.answer.Text(fieldTrace) != "000001" {
		t.Errorf("answer %v, %v", a.answer, a.err)
	}
}

// inFlight is how many questions one connection must carry at once.
const inFlight = 256

func TestAnswersInReverseOrder(t *testing.T) {
	noLeaks(t)
	c, far := beginLoopback(t, options(t.Output(), silent))
	var answers []<-chan asked
	for n := range inFlight {
		answers = append(answers, asking(t.Context(), c, echo(n)))
	}
	var questions []*specs.Message
	for range inFlight {
		questions = append(questions, far.readMessage())
	}
	for i := len(questions) - 1; i >= 0; i-- {
		far.send(answerTo(questions[i]))
	}
	for n, answer := range answers {
		a := got(t, answer, "an answer")
		if want := fmt.Sprintf("%06d", n); a.err != nil || a.answer.Text(fieldTrace) != want {
			t.Fatalf("question %s got %v, %v", want, a.answer, a.err)
		}
	}
}

func TestSameKeyIsRefusedWhileOneWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, far := begin(t, t.Context(), options(t.Output(), silent))
		first := asking(t.Context(), c, echo(1))
		question := far.readMessage()
		if _, err := c.Ask(t.Context(), echo(1)); !errors.Is(err, ErrDuplicate) {
			t.Errorf("the second question: %v", err)
		}
		far.send(answerTo(question))
		if a := <-first; a.err != nil {
			t.Errorf("the first question: %v", a.err)
		}
		again := asking(t.Context(), c, echo(1))
		far.send(answerTo(far.readMessage()))
		if a := <-again; a.err != nil {
			t.Errorf("the same key after the answer: %v", a.err)
		}
	})
}

func TestLateAnswerIsLoggedAndHarmless(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log logbook
		c, far := begin(t, t.Context(), options(&log, silent))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		late := asking(ctx, c, echo(1))
		question := far.readMessage()
		if a := <-late; !errors.Is(a.err, context.DeadlineExceeded) {
			t.Fatalf("without an answer: %v", a.err)
		}
		far.send(answerTo(question))
		next := asking(t.Context(), c, echo(2))
		far.send(answerTo(far.readMessage()))
		if a := <-next; a.err != nil || a.answer.Text(fieldTrace) != "000002" {
			t.Errorf("the next question got %v, %v", a.answer, a.err)
		}
		log.wantWarnings(t, "nobody waits for this answer: it came late, twice, or its key differs")
	})
}

func TestAnswerNobodyAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log logbook
		_, far := begin(t, t.Context(), options(&log, answering))
		far.send(answerTo(echo(7)))
		far.send(echo(8))
		if m := far.readMessage(); m.MTI() != "0810" || m.Text(fieldTrace) != "000008" {
			t.Errorf("the connection goes on with %v", m)
		}
		log.wantWarnings(t, "nobody waits for this answer: it came late, twice, or its key differs")
	})
}

// TestAnswerAndTimeoutTogether holds that an answer which beats the asker's
// timeout by a hair is not lost, whichever of the two the asker sees first.
func TestAnswerAndTimeoutTogether(t *testing.T) {
	p := new(pending)
	waiting, err := p.add("key")
	if err != nil {
		t.Fatal(err)
	}
	if !p.deliver("key", answer{message: echo(1)}) {
		t.Fatal("the question does not wait")
	}
	other, err := p.add("key")
	if err != nil {
		t.Fatal(err)
	}
	if p.remove("key", waiting) {
		t.Error("an answered question was removed")
	}
	if a := <-waiting; a.message == nil {
		t.Error("the answer is lost")
	}
	if !p.remove("key", other) {
		t.Error("the next question of this key was removed in its place")
	}
}

func TestPeerClosesWithQuestionsInFlight(t *testing.T) {
	noLeaks(t)
	var log logbook
	c, far := beginLoopback(t, options(&log, silent))
	var answers []<-chan asked
	for n := range inFlight {
		answers = append(answers, asking(t.Context(), c, echo(n)))
	}
	for range inFlight {
		far.readMessage()
	}
	if err := far.Conn.Close(); err != nil {
		t.Fatal(err)
	}
	for _, answer := range answers {
		if a := got(t, answer, "the end of a question"); !errors.Is(a.err, ErrClosed) {
			t.Fatalf("a question in flight ended with %v", a.err)
		}
	}
	got(t, c.Done(), "the end of the connection")
	if _, err := c.Ask(t.Context(), echo(1)); !errors.Is(err, ErrClosed) {
		t.Errorf("a question after the end: %v", err)
	}
	log.wantWarnings(t)
}

func TestContextEndsTheConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		c, far := begin(t, ctx, options(t.Output(), silent))
		answer := asking(t.Context(), c, echo(1))
		far.readMessage()
		cancel()
		if a := <-answer; !errors.Is(a.err, ErrClosed) {
			t.Errorf("the question in flight ended with %v", a.err)
		}
		<-c.Done()
		far.wantEnd()
		if _, err := c.Ask(t.Context(), echo(2)); !errors.Is(err, ErrClosed) {
			t.Errorf("a question after the end: %v", err)
		}
	})
}

func TestPeerThatNeverReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := begin(t, t.Context(), options(t.Output(), silent))
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := c.Ask(ctx, echo(1)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the question ended with %v", err)
		}
		if took := time.Since(began); took != time.Second {
			t.Errorf("it took %v", took)
		}
		answer := asking(t.Context(), c, echo(2))
		<-c.Done()
		if took := time.Since(began); took != writeTimeout {
			t.Errorf("the connection ended after %v, not %v", took, writeTimeout)
		}
		if a := <-answer; !errors.Is(a.err, ErrClosed) {
			t.Errorf("the question in the queue ended with %v", a.err)
		}
	})
}

func TestQueueToASlowPeerIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := begin(t, t.Context(), options(t.Output(), silent))
		another := fillQueue(t, c)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := c.queue(ctx, another); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("one more frame: %v", err)
		}
	})
}

// fillQueue queues as many frames as there is room for, to a peer that reads none,
// and gives one more.
func fillQueue(t testing.TB, c *Conn) (another *[]byte) {
	t.Helper()
	bytes := make([]byte, writeBurstBytes)
	frame := func() *[]byte {
		room := bytes
		return &room
	}
	for range writeQueueFrames + 1 { // one is with the writer
		if err := c.queue(t.Context(), frame()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
	}
	return frame()
}

func TestQuestionsThatWaitAreBounded(t *testing.T) {
	p := new(pending)
	for n := range pendingMax {
		if _, err := p.add(fmt.Sprint(n)); err != nil {
			t.Fatalf("question %d: %v", n, err)
		}
	}
	if _, err := p.add("one more"); !errors.Is(err, ErrBusy) {
		t.Errorf("one more: %v", err)
	}
}

func TestRejectEndsItsQuestion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log logbook
		c, far := begin(t, t.Context(), options(&log, answering))
		answer := asking(t.Context(), c, echo(1))
		question := far.read()
		rejected := specs.Header{Destination: 400000, Source: 200001, Reject: "0010"}
		far.sendBody(rejected, question.Body)
		if a := <-answer; !errors.Is(a.err, ErrRejected) {
			t.Errorf("the rejected question ended with %v", a.err)
		}
		far.sendBody(rejected, question.Body) // of nothing that waits
		far.send(echo(2))
		if m := far.readMessage(); m.Text(fieldTrace) != "000002" {
			t.Errorf("a reject was answered with %v", m)
		}
		log.wantWarnings(t, "peer rejected a message of ours", "peer rejected a message of ours")
	})
}

func TestQuestionThatCannotBeEncoded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := begin(t, t.Context(), options(t.Output(), silent))
		bad := echo(1)
		bad.Set(fieldCode, "not digits")
		var fault *specs.FormatError
		for range 2 { // the key is free again
			if _, err := c.Ask(t.Context(), bad); !errors.As(err, &fault) {
				t.Errorf("it ended with %v", err)
			}
		}
	})
}

// idlePing is called on a connection that sends nothing.
func TestIdlePing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		began := time.Now()
		pinged := make(chan time.Duration, 1)
		c, err := newConn(t.Context(), near, options(t.Output(), silent), func(*Conn) { pinged <- time.Since(began) })
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		defer func() { _ = far.Close() }()
		if after := <-pinged; after != idleEcho {
			t.Errorf("pinged after %v, not %v", after, idleEcho)
		}
	})
}
