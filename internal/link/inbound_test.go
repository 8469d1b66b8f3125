package link

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/firsttap/firsttap/specs"
)

func TestAnswerSwapsTheStations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, far := begin(t, t.Context(), options(t.Output(), answering))
		far.send(echo(1))
		frame := far.read()
		if want := (specs.Header{Destination: 200001, Source: 400000}); frame.Header != want {
			t.Errorf("the answer's header is %+v, not %+v", frame.Header, want)
		}
	})
}

func TestHalfFrame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log logbook
		c, far := begin(t, t.Context(), options(&log, silent))
		time.Sleep(time.Minute) // idle is no fault
		far.write([]byte{0x00})
		began := time.Now()
		<-c.Done()
		if took := time.Since(began); took != frameTimeout {
			t.Errorf("closed after %v, not %v", took, frameTimeout)
		}
		log.wantWarnings(t, "bad frame, connection closed")
	})
}

func TestSilentPeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log logbook
		c, _ := begin(t, t.Context(), options(&log, silent))
		began := time.Now()
		<-c.Done()
		if took := time.Since(began); took != idleTimeout {
			t.Errorf("closed after %v, not %v", took, idleTimeout)
		}
		log.wantWarnings(t)
	})
}

func TestBadFrames(t *testing.T) {
	for name, bytes := range map[string]string{
		"a length over the limit":    "\xFF\xFF\x00\x00",
		"one byte over the limit":    "\x08\x01\x00\x00",
		"reserved bytes in use":      "\x00\x20\x01\x00",
		"a header that is none":      "\x00\x04\x00\x00\xDE\xAD\xBE\xEF",
		"another protocol":           "GET / HTTP/1.1\r\n\r\n",
		"an end inside of the frame": "\x00\x40\x00\x00\x16",
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log logbook
				var troubles []string
				o := options(&log, silent)
				o.Trouble = func(why string) { troubles = append(troubles, why) }
				c, far := begin(t, t.Context(), o)
				_, _ = far.Write([]byte(bytes)) // the near end may close before the last byte
				_ = far.Conn.Close()
				<-c.Done()
				synctest.Wait()
				log.wantWarnings(t, "bad frame, connection closed")
				if len(troubles) != 1 || troubles[0] != BadFrame {
					t.Errorf("told of %v", troubles)
				}
			})
		})
	}
}

func TestKeepAliveIsAnsweredInKind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, far := begin(t, t.Context(), options(t.Output(), answering))
		for range 3 {
			far.write(framing.AppendKeepAlive(nil))
			if frame := far.read(); !frame.KeepAlive {
				t.Fatal("answered with a message")
			}
		}
	})
}

func TestUndecodableBodies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		seen := make(chan Inbound, 1)
		_, far := begin(t, t.Context(), options(t.Output(), func(_ context.Context, in Inbound) *specs.Message {
			seen <- in
			return nil
		}))
		far.sendBody(specs.Header{}, badBody(t, echo(1)))
		in := <-seen
		if in.Fault == nil || in.Fault.Path != "70" || in.Message == nil || in.Message.Text(fieldTrace) != "000001" {
			t.Errorf("with type and trace: fault %v, message %v", in.Fault, in.Message)
		}
		far.sendBody(specs.Header{}, []byte{0xFF})
		if in = <-seen; in.Fault == nil || in.Message != nil || in.Bytes != 1 {
			t.Errorf("without: fault %v, message %v, %d bytes", in.Fault, in.Message, in.Bytes)
		}
	})
}

// TestUndecodableAnswer holds that an answer nobody can read is never answered
// itself, which would be an answer to an answer.
func TestUndecodableAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log logbook
		_, far := begin(t, t.Context(), options(&log, func(_ context.Context, in Inbound) *specs.Message {
			if in.Fault != nil {
				t.Error("the handler got an answer")
			}
			return answerTo(in.Message)
		}))
		far.sendBody(specs.Header{}, badBody(t, answerTo(echo(1))))
		far.send(echo(2))
		if m := far.readMessage(); m.Text(fieldTrace) != "000002" {
			t.Errorf("it was answered with %v", m)
		}
		log.wantWarnings(t, "an answer cannot be decoded")
	})
}

func TestFaultsInARow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log logbook
		var handled atomic.Int32
		var troubles []string
		o := options(&log, func(_ context.Context, in Inbound) *specs.Message {
			handled.Add(1)
			return nil
		})
		o.Trouble = func(why string) { troubles = append(troubles, why) }
		c, far := begin(t, t.Context(), o)
		bad := badBody(t, echo(1))
		for range faultsInRowMax - 1 {
			far.sendBody(specs.Header{}, bad)
		}
		far.send(echo(2)) // begins the count anew
		for range faultsInRowMax - 1 {
			far.sendBody(specs.Header{}, bad)
		}
		synctest.Wait()
		if n := handled.Load(); n != 2*faultsInRowMax-1 {
			t.Errorf("%d messages handled", n)
		}
		log.wantWarnings(t)
		far.sendBody(specs.Header{}, bad)
		<-c.Done()
		log.wantWarnings(t, "too many undecodable messages in a row, connection closed")
		if len(troubles) != 1 || troubles[0] != TooManyFaults {
			t.Errorf("told of %v", troubles)
		}
	})
}

func TestPanicInAHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log logbook
		_, far := begin(t, t.Context(), options(&log, func(_ context.Context, in Inbound) *specs.Message {
			if in.Message.Text(fieldTrace) == "000001" {
				panic("a secret that must not be logged")
			}
			return answerTo(in.Message)
		}))
		far.send(echo(1))
		far.send(echo(2))
		if m := far.readMessage(); m.Text(fieldTrace) != "000002" {
			t.Errorf("the connection goes on with %v", m)
		}
		synctest.Wait()
		log.wantWarnings(t, "a handler panicked")
		if strings.Contains(strings.Join(log.events, ""), "a secret") {
			t.Error("the log quotes the panic")
		}
	})
}

func TestPanicInTheReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log logbook
		opts := options(&log, silent)
		opts.Trace = func(bool, []byte) { panic("at the first frame") }
		c, far := begin(t, t.Context(), opts)
		far.send(echo(1))
		<-c.Done()
		log.wantWarnings(t, "reading a frame panicked, connection closed")
	})
}

func TestHandlerThatIsTooSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, far := begin(t, t.Context(), options(t.Output(), func(ctx context.Context, in Inbound) *specs.Message {
			<-ctx.Done()
			return answerTo(in.Message)
		}))
		for n := range 10 { // sent by decision, not by chance
			began := time.Now()
			far.send(echo(n))
			far.readMessage()
			if took := time.Since(began); took != handlerTimeout {
				t.Errorf("the handler was told after %v, not %v", took, handlerTimeout)
			}
		}
	})
}

func TestMoreQuestionsThanWorkers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var under atomic.Int32
		release := make(chan struct{})
		_, far := begin(t, t.Context(), options(t.Output(), func(_ context.Context, in Inbound) *specs.Message {
			under.Add(1)
			defer under.Add(-1)
			<-release
			return answerTo(in.Message)
		}))
		const more = 50
		written := make(chan struct{})
		go func() {
			defer close(written)
			for n := range workersPerConn + more {
				far.send(echo(n))
			}
		}()
		synctest.Wait()
		if n := under.Load(); n != workersPerConn {
			t.Errorf("%d handlers at once, the limit is %d", n, workersPerConn)
		}
		close(release)
		seen := make(map[string]bool)
		for range workersPerConn + more {
			seen[far.readMessage().Text(fieldTrace)] = true
		}
		if len(seen) != workersPerConn+more {
			t.Errorf("%d of %d questions were answered", len(seen), workersPerConn+more)
		}
		<-written
	})
}

func TestEndWhileAllWorkersAreBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, far := begin(t, t.Context(), options(t.Output(), func(ctx context.Context, _ Inbound) *specs.Message {
			<-ctx.Done()
			return nil
		}))
		go func() {
			frame, err := framing.Append(nil, specs.Header{}, badBody(t, echo(1)))
			for n := 0; err == nil; n++ {
				if n%2 == 0 {
					_, err = far.Write(frame)
					continue
				}
				body, _ := codec.Append(nil, echo(n))
				good, _ := framing.Append(nil, specs.Header{}, body)
				_, err = far.Write(good)
			}
		}()
		synctest.Wait()
		c.Close()
		<-c.Done()
	})
}

func TestBurstsAreJoined(t *testing.T) {
	noLeaks(t)
	c, far := beginLoopback(t, options(t.Output(), answering))
	const burst = 3 * inFlight
	go func() {
		for n := range burst {
			far.send(echo(n))
		}
	}()
	seen := make(map[string]bool)
	for range burst {
		seen[far.readMessage().Text(fieldTrace)] = true
	}
	if len(seen) != burst {
		t.Errorf("%d of %d questions were answered", len(seen), burst)
	}
	if c.Remote() != far.LocalAddr().String() {
		t.Errorf("the peer's address is %s, not %s", c.Remote(), far.LocalAddr())
	}
}
