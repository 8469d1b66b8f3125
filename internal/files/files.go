// Package files reads small files whole and writes them whole: settings, keys
// and certificates. What holds a secret is read only where nobody but its owner
// may open it. The package knows nothing of what is in a file and quotes none of
// it. Start at ReadOwn and Replace.
package files

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// Errors of files. Each text names the file.
var (
	ErrOthers = errors.New("others than its owner may open the file")
	ErrLarge  = errors.New("it is too large")
)

// Read reads a file of at most bytesMax bytes, or gives ErrLarge.
func Read(path string, bytesMax int64) ([]byte, error) { return read(path, bytesMax, false) }

// ReadOwn is Read of a file with a secret: one that its group or others may
// open is refused (ErrOthers), on Windows nothing is. What is looked at is the
// file that is read, not what has its name a moment earlier.
func ReadOwn(path string, bytesMax int64) ([]byte, error) {
	return read(path, bytesMax, runtime.GOOS != "windows")
}

func read(path string, bytesMax int64, own bool) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if mode := info.Mode().Perm(); own && mode&0o077 != 0 {
		return nil, fmt.Errorf("%w %s: its mode is %04o; make it 0600", ErrOthers, path, mode)
	}
	text, err := io.ReadAll(io.LimitReader(file, bytesMax+1))
	if err == nil && int64(len(text)) > bytesMax {
		err = fmt.Errorf("%w: %s has more than %d bytes", ErrLarge, path, bytesMax)
	}
	return text, err
}

// Replace writes a file in the place of an older one, if there is one. Whoever
// reads meanwhile sees the one or the other, whole, also after a power cut.
func Replace(path string, content []byte, mode fs.FileMode) error {
	return place(path, content, mode, os.Rename)
}

// Add writes a file where there is none of its name. Where another process was
// first, its file stands, and that is no error.
func Add(path string, content []byte, mode fs.FileMode) error {
	return place(path, content, mode, func(from, to string) error {
		if err := os.Link(from, to); !errors.Is(err, fs.ErrExist) {
			return err
		}
		return nil
	})
}

// place writes a file under another name, makes it durable, and gives it its
// own name.
func place(path string, content []byte, mode fs.FileMode, settle func(from, to string) error) error {
	temporary, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(temporary.Name())
	_, err = temporary.Write(content)
	if err = errors.Join(err, temporary.Chmod(mode), temporary.Sync(), temporary.Close()); err != nil {
		return err
	}
	if err := settle(temporary.Name(), path); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

// syncFolder makes the names in a folder durable, where the system can.
func syncFolder(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
