//go:build !windows

package keys

import (
	"errors"
	"os"
	"syscall"
)

var errHeldElsewhere = errors.New("held elsewhere")

// openExclusive opens the file and takes its advisory lock (flock).
func openExclusive(path string) (*os.File, error) {
	file, err := os.OpenFile(path, exclusiveFlags, 0o600)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = errHeldElsewhere
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}
