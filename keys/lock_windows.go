package keys

import (
	"errors"
	"os"
)

var errHeldElsewhere = errors.New("held elsewhere")

// openExclusive makes the file anew. A file that is open cannot be removed on
// Windows, so that fails exactly while another process has it.
func openExclusive(path string) (*os.File, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, errHeldElsewhere
	}
	file, err := os.OpenFile(path, exclusiveFlags|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return nil, errHeldElsewhere
	}
	return file, err
}
