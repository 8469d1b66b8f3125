package keys

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/firsttap/firsttap/internal/filelock"
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
// replaced whole.
func (f folder) lock(wait time.Duration) (func() error, error) {
	path := filepath.Join(f.dir, lockFile)
	file, err := filelock.Wait(path, wait, lockPause)
	switch {
	case errors.Is(err, filelock.ErrHeld):
		return nil, fmt.Errorf("%w (lock %s)", ErrLocked, path)
	case err != nil:
		return nil, fmt.Errorf("taking the lock of the key ring: %w", err)
	}
	return file.Close, nil
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
