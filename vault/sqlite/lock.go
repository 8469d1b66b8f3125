package sqlite

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/firsttap/firsttap/internal/filelock"
)

// ErrHeld says that another process, or another opening in this one, has the
// file. The error's text names the holder.
var ErrHeld = errors.New("the vault file is already open")

// holderBytesMax bounds what is read of a lock file to name its holder.
const holderBytesMax = 256

// fileLock is a lock whose file says who has it.
type fileLock struct {
	file *os.File
}

// holdFile takes the lock and writes into it who has it.
func holdFile(path string) (*fileLock, error) {
	file, err := filelock.Take(path)
	if errors.Is(err, filelock.ErrHeld) {
		return nil, fmt.Errorf("%w by %s (lock %s): stop that process first", ErrHeld, holder(path), path)
	}
	if err != nil {
		return nil, fmt.Errorf("taking the lock %s: %w", path, err)
	}
	if err := signFile(file); err != nil {
		return nil, errors.Join(fmt.Errorf("writing the lock %s: %w", path, err), file.Close())
	}
	return &fileLock{file: file}, nil
}

// signFile writes into a lock who has it.
func signFile(file *os.File) error {
	host, err := os.Hostname()
	if err != nil {
		host = "this machine"
	}
	who := fmt.Sprintf("process %d on %s\n", os.Getpid(), host)
	if _, err := file.WriteAt([]byte(who), 0); err != nil {
		return err
	}
	return file.Truncate(int64(len(who)))
}

// release gives the lock free.
func (l *fileLock) release() error {
	return errors.Join(l.file.Truncate(0), l.file.Close())
}

func holder(path string) string {
	unknown := "an unknown process"
	file, err := os.Open(path)
	if err != nil {
		return unknown
	}
	defer file.Close()
	who, err := io.ReadAll(io.LimitReader(file, holderBytesMax))
	if err != nil || len(who) == 0 {
		return unknown
	}
	return strings.TrimSpace(string(who))
}
