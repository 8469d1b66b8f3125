// Package filelock keeps two programs, or two parts of one, from working on the
// same files at once: a file that one of them holds at a time.
//
// The operating system gives a lock free when its process ends, however it
// ends. A lock's file stays behind: removing it could take it from under another
// that has just opened it. The package neither reads nor writes what it locks,
// and does not lock readers out. Start at Take.
package filelock

import (
	"errors"
	"os"
	"time"
)

// ErrHeld says that another process, or another part of this one, has the lock.
var ErrHeld = errors.New("held elsewhere")

// Take takes the lock of a file, which it makes with mode 0600 when it is
// missing, or gives ErrHeld at once. To close the file gives the lock free.
// What is written into the file is for people, and may be gone the next time.
func Take(path string) (*os.File, error) { return open(path) }

// Wait is Take that looks again after each pause, until it has the lock or most
// has gone by; then it gives ErrHeld.
func Wait(path string, most, pause time.Duration) (*os.File, error) {
	for end := time.Now().Add(most); ; time.Sleep(pause) {
		file, err := Take(path)
		if !errors.Is(err, ErrHeld) || time.Now().After(end) {
			return file, err
		}
	}
}
