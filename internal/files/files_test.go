package files_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/firsttap/firsttap/internal/files"
)

func TestFilesWithSecretsAreTheOwnersAlone(t *testing.T) {
	for _, mode := range []fs.FileMode{0o600, 0o400, 0o601, 0o604, 0o610, 0o640, 0o660} {
		path := filepath.Join(t.TempDir(), "file")
		if err := errors.Join(os.WriteFile(path, []byte("wxyz"), 0o600), os.Chmod(path, mode)); err != nil {
			t.Fatal(err)
		}
		text, err := files.ReadOwn(path, 4)
		switch own := mode&0o077 == 0 || runtime.GOOS == "windows"; {
		case own && (err != nil || string(text) != "wxyz"):
			t.Errorf("%04o: %q, %v", mode, text, err)
		case !own && (!errors.Is(err, files.ErrOthers) || !strings.Contains(err.Error(), path) || text != nil):
			t.Errorf("%04o: %q, %v", mode, text, err)
		}
		if text, err := files.Read(path, 4); err != nil || string(text) != "wxyz" {
			t.Errorf("%04o, for all: %q, %v", mode, text, err)
		}
		if _, err := files.Read(path, 3); !errors.Is(err, files.ErrLarge) || strings.Contains(err.Error(), "wxyz") {
			t.Errorf("one byte too many: %v", err)
		}
	}
	if _, err := files.ReadOwn(filepath.Join(t.TempDir(), "none"), 4); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

func TestFilesAreWrittenWhole(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	want := func(text string, mode fs.FileMode) {
		t.Helper()
		got, err := os.ReadFile(path)
		info, err2 := os.Stat(path)
		if err := errors.Join(err, err2); err != nil {
			t.Fatal(err)
		}
		if string(got) != text || info.Mode().Perm() != mode && runtime.GOOS != "windows" {
			t.Errorf("%q, %04o", got, info.Mode().Perm())
		}
		if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
			t.Errorf("beside it: %v, %v", entries, err)
		}
	}
	for _, step := range []struct {
		write func(string, []byte, fs.FileMode) error
		text  string
		mode  fs.FileMode
		want  string
	}{
		{files.Add, "first", 0o600, "first"},
		{files.Add, "second", 0o600, "first"},
		{files.Replace, "third", 0o600, "third"},
		{files.Replace, "for all", 0o644, "for all"},
	} {
		if err := step.write(path, []byte(step.text), step.mode); err != nil {
			t.Fatal(err)
		}
		want(step.want, step.mode)
	}
	if err := files.Replace(filepath.Join(dir, "no folder", "file"), nil, 0o600); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no folder: %v", err)
	}
}
