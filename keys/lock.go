package keys

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

const (
	lockFile = "keys.lock"
	// lockWait is how long a writer waits for another one, lockPause how often
	// it looks: a writer holds the folder for milliseconds (ours).
	lockWait  = 10 * time.Second
	lockPause = 5 * time.Millisecond
)

// ErrLocked says that another process kept the folder for itself too long.
var ErrLocked = errors.New("another process is writing to the key ring: try again when it has ended")

// lock keeps other writers, in this process and in others, out of the folder
// until the function it gives is called. Readers need none: keys.json is
// replaced whole. The operating system gives the lock free when the process
// ends, however it ends.
func (f folder) lock(wait time.Duration) (func() error, error) {
	path := filepath.Join(f.dir, lockFile)
	for end := time.Now().Add(wait); ; time.Sleep(lockPause) {
		file, err := openExclusive(path)
		switch {
		case err == nil:
			return file.Close, nil // the file stays: removing it could take it from under another
		case !errors.Is(err, errHeldElsewhere):
			return nil, fmt.Errorf("taking the lock of the key ring: %w", err)
		case time.Now().After(end):
			return nil, fmt.Errorf("%w (lock %s)", ErrLocked, path)
		}
	}
}

// locked runs write while no other writer has the folder.
func (f folder) locked(write func() error) (err error) {
	release, err := f.lock(lockWait)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, release()) }()
	return write()
}

// exclusiveFlags of the lock file.
const exclusiveFlags = os.O_RDWR | os.O_CREATE
