package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/firsttap/firsttap/keys"
)

// screen is what a terminal shows.
type screen struct {
	mu   sync.Mutex
	text bytes.Buffer
	grew chan struct{}
}

func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text.Write(b)
	select {
	case s.grew <- struct{}{}:
	default:
	}
	return len(b), nil
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// waitFor waits until the screen shows text.
func (s *screen) waitFor(t *testing.T, text string) {
	t.Helper()
	limit := time.After(time.Minute)
	for !strings.Contains(s.String(), text) {
		select {
		case <-s.grew:
		case <-limit:
			t.Fatalf("%q never appeared", text)
		}
	}
}

// pseudoTerminal gives a keyboard, the terminal that a program sees, and what
// it shows: the program's words and the echo of what is typed.
func pseudoTerminal(t *testing.T) (keyboard, terminal *os.File, shown *screen) {
	t.Helper()
	keyboard, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = keyboard.Close() })
	if err := unix.IoctlSetPointerInt(int(keyboard.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(keyboard.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = terminal.Close() })
	shown = &screen{grew: make(chan struct{}, 1)}
	go func() {
		b := make([]byte, 256)
		for {
			n, err := keyboard.Read(b)
			_, _ = shown.Write(b[:n])
			if err != nil {
				return
			}
		}
	}()
	return keyboard, terminal, shown
}

func echoes(t *testing.T, terminal *os.File) bool {
	t.Helper()
	state, err := unix.IoctlGetTermios(int(terminal.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return state.Lflag&unix.ECHO != 0
}

// TestComponentsAreTypedWithoutEcho plays the ceremony at a terminal.
func TestComponentsAreTypedWithoutEcho(t *testing.T) {
	keyboard, terminal, shown := pseudoTerminal(t)
	ring, err := keys.Create(t.TempDir(), seedless{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	var info keys.Info
	go func() {
		var err error
		info, err = importComponents(t.Context(), newTypist(terminal, terminal), 2, ringPlace{ring}, keys.Wanted{Usage: keys.Token, Version: 1})
		ended <- err
	}()
	for _, step := range []struct{ prompt, answer string }{
		{"Component 1 of 2, hexadecimal: ", "1122334455667788A1B2C3D4E5F60718"},
		{"Check value of component 1, six digits: ", "A13F4A"},
		{"Component 2 of 2, hexadecimal: ", "10017623DCCDBA675F6E794C93A23508"},
		{"Check value of component 2, six digits: ", "B69DE3"},
		{"type it to take the key in: ", "08D7B4"},
	} {
		shown.waitFor(t, step.prompt)
		hidden := strings.HasPrefix(step.prompt, "Component")
		for hidden && echoes(t, terminal) { // the prompt comes a moment before
			time.Sleep(time.Millisecond)
		}
		if _, err := keyboard.WriteString(step.answer + "\n"); err != nil {
			t.Fatal(err)
		}
		if !hidden {
			shown.waitFor(t, step.answer)
		}
	}
	if err := <-ended; err != nil || info.CheckValue != "08D7B4" {
		t.Errorf("%+v, %v", info, err)
	}
	for _, digits := range []string{"11223344", "10017623"} {
		if strings.Contains(shown.String(), digits) {
			t.Errorf("the terminal shows a component:\n%s", shown)
		}
	}
	if !echoes(t, terminal) {
		t.Error("the terminal does not echo any more")
	}
}

// TestAnInterruptGivesTheEchoBack ends the ceremony in the middle of a
// component.
func TestAnInterruptGivesTheEchoBack(t *testing.T) {
	keyboard, terminal, shown := pseudoTerminal(t)
	ctx, interrupt := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := newTypist(terminal, terminal).hidden(ctx, "Component: ")
		ended <- err
	}()
	shown.waitFor(t, "Component: ")
	for echoes(t, terminal) {
		time.Sleep(time.Millisecond)
	}
	interrupt()
	if err := <-ended; err == nil || !echoes(t, terminal) {
		t.Errorf("after an interrupt: %v, echo %v", err, echoes(t, terminal))
	}
	if _, err := keyboard.WriteString("\n"); err != nil { // lets the reader end
		t.Fatal(err)
	}
}

// seedless is chance that is none: nothing secret is made of it here.
type seedless struct{}

func (seedless) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = byte(i + 1)
	}
	return len(b), nil
}
