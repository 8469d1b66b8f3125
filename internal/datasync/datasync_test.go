package datasync_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/firsttap/firsttap/internal/datasync"
)

// That the bytes are on the disk is for the system to see to; here it is asked.
func TestSync(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "file"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString("something"); err != nil {
		t.Fatal(err)
	}
	if err := datasync.Sync(f); err != nil {
		t.Error(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if datasync.Sync(f) == nil {
		t.Error("a closed file was synced")
	}
	from, to, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	defer to.Close()
	if datasync.Sync(to) == nil {
		t.Error("a pipe was synced, which the system refuses")
	}
}
