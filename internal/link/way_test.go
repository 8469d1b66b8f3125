package link

import (
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/firsttap/firsttap/specs"
)

// oneAtATime has goroutines take turns on one processor: who runs when hangs on
// nothing else.
func oneAtATime(t *testing.T) {
	before := runtime.GOMAXPROCS(1)
	t.Cleanup(func() { runtime.GOMAXPROCS(before) })
}

// Who waits for something that has come runs before the second turn ends.
func TestGiveWay(t *testing.T) {
	oneAtATime(t)
	from, to, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	var seen atomic.Int64
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for b := make([]byte, 1); ; seen.Add(1) {
			if _, err := from.Read(b); err != nil {
				return
			}
		}
	}()
	for n := range int64(100) {
		if _, err := to.Write([]byte{1}); err != nil {
			t.Fatal(err)
		}
		giveWay()
		giveWay()
		if seen.Load() != n+1 {
			t.Fatalf("it did not run: %d of %d", seen.Load(), n+1)
		}
	}
	_ = to.Close()
	<-ended
}

// While a peer floods, a request of another is served within a few turns.
func TestQuietPeerBesideAFlood(t *testing.T) {
	noLeaks(t)
	oneAtATime(t)
	const flood, comes, turns = 256, 32, 4
	var taken atomic.Int64
	at := make(chan int64, 1) // how many were taken when the quiet peer was served
	quiet := unixPeer(t, func(context.Context, Inbound) *specs.Message {
		at <- taken.Load()
		return nil
	})
	done := make(chan struct{})
	loud := unixPeer(t, func(context.Context, Inbound) *specs.Message {
		switch taken.Add(1) {
		case comes:
			quiet.send(echo(1))
		case flood:
			close(done)
		}
		return nil
	})
	var frames []byte
	for n := range flood {
		body, err := codec.Append(nil, echo(n))
		if err != nil {
			t.Fatal(err)
		}
		if frames, err = framing.Append(frames, specs.Header{}, body); err != nil {
			t.Fatal(err)
		}
	}
	loud.write(frames)
	got(t, done, "the flood's end")
	if n := got(t, at, "the quiet peer's turn"); n > comes+turns*turnFrames {
		t.Errorf("it came after %d and was served after %d", comes, n)
	}
}

// unixPeer is the far end of a socket of the system that has no network behind
// it: what is written is there at once.
func unixPeer(t *testing.T, handle Handler) peer {
	t.Helper()
	folder, err := os.MkdirTemp("", "way") // a socket's name must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	l, err := net.Listen("unix", filepath.Join(folder, "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	far, err := net.Dial("unix", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	near, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	_, p := beginOn(t, t.Context(), near, far, options(io.Discard, handle))
	return p
}
