package profiles_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"runtime"
	"testing"
	"time"

	"github.com/firsttap/firsttap/internal/profiles"
)

// unzipped is a profile's content, which names functions in clear.
func unzipped(t *testing.T, profile []byte) []byte {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(profile))
	if err != nil {
		t.Fatalf("it is no gzip: %v", err)
	}
	content, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func TestSnapshots(t *testing.T) {
	for _, name := range profiles.Names() {
		profile, err := profiles.Process{}.Snapshot(name)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if content := unzipped(t, profile); len(content) == 0 {
			t.Errorf("%s is empty", name)
		}
	}
	for _, name := range []string{"", "cmdline", "trace", "symbol", "block", "profile", "../heap"} {
		if _, err := (profiles.Process{}).Snapshot(name); err == nil {
			t.Errorf("%q is a profile", name)
		}
	}
}

// park waits with what must not be seen in its arguments and on its heap.
//
//go:noinline
func park(secret string, words [2]uint64, ready chan<- struct{}, leave <-chan struct{}) int {
	ready <- struct{}{}
	<-leave
	return len(secret) + int(words[0])
}

// TestAProfileShowsNoValue holds that a goroutine shows where it is, and nothing
// of what it works on.
func TestAProfileShowsNoValue(t *testing.T) {
	secret := string(bytes.Repeat([]byte("4761739001010010"), 4096)) // large, so that the heap's profile has it
	words := [2]uint64{0x0123456789ABCDEF, 0xFEDCBA9876543210}
	ready, leave := make(chan struct{}), make(chan struct{})
	go park(secret, words, ready, leave)
	<-ready
	defer close(leave)
	for _, name := range profiles.Names() {
		profile, err := profiles.Process{}.Snapshot(name)
		if err != nil {
			t.Fatal(err)
		}
		content := unzipped(t, profile)
		if name == "goroutine" && !bytes.Contains(content, []byte("profiles_test.park")) {
			t.Error("the goroutine is not in the profile")
		}
		for _, value := range []string{"4761739001010010", "0123456789abcdef", "fedcba9876543210", "\xef\xcd\xab\x89\x67\x45\x23\x01"} {
			if bytes.Contains(bytes.ToLower(content), []byte(value)) {
				t.Errorf("%s shows a value", name)
			}
		}
	}
	runtime.KeepAlive(secret)
}

func TestOneCPUProfileAtATime(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 2)
	for range 2 {
		go func() {
			_, err := profiles.Process{}.CPU(ctx, time.Hour)
			ended <- err
		}()
	}
	if err := <-ended; !errors.Is(err, profiles.ErrBusy) {
		t.Errorf("the second ends with %v", err)
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("who went away gets %v", err)
	}
	profile, err := profiles.Process{}.CPU(t.Context(), time.Millisecond)
	if err != nil {
		t.Fatalf("after it there is none to be had: %v", err)
	}
	unzipped(t, profile)
}
