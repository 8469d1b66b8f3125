package pkcs11

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPINFile(t *testing.T) {
	for _, one := range []struct {
		name, text string
		mode       os.FileMode
		says       string // "" for a good file
	}{
		{"a PIN", "271828", 0o600, ""},
		{"with a line's end", "271828\r\n", 0o400, ""},
		{"the shortest", "2718", 0o600, ""},
		{"one shorter", "271", 0o600, "4 to 255 characters"},
		{"the longest", strings.Repeat("9", 255), 0o600, ""},
		{"one longer", strings.Repeat("9", 256), 0o600, "4 to 255 characters"},
		{"endless", strings.Repeat("9", 10_000), 0o600, "more than 510 bytes"},
		{"two lines", "2718\n2818", 0o600, "one line"},
		{"nothing", "", 0o600, "one line"},
		{"for the group", "271828", 0o640, "0640"},
		{"for others", "271828", 0o606, "0606"},
	} {
		path := filepath.Join(t.TempDir(), "pin")
		if err := errors.Join(os.WriteFile(path, []byte(one.text), 0o600), os.Chmod(path, one.mode)); err != nil {
			t.Fatal(err)
		}
		pin, err := readPIN(path)
		if good := one.says == ""; good != (err == nil) || pin.IsZero() == good {
			t.Errorf("%s: %v", one.name, err)
		}
		if err == nil {
			continue
		}
		said := strings.ReplaceAll(err.Error(), path, "") // whose folder has a number by chance
		if !errors.Is(err, ErrPIN) || !strings.Contains(said, one.says) || strings.Contains(said, "2718") {
			t.Errorf("%s: %v", one.name, err)
		}
	}
	if _, err := readPIN(filepath.Join(t.TempDir(), "none")); !errors.Is(err, ErrPIN) {
		t.Errorf("no file: %v", err)
	}
}

func TestSessions(t *testing.T) {
	for given, want := range map[int]int{0: SessionsDefault, 1: 1, SessionsMax: SessionsMax, SessionsMax + 1: -1, -1: -1} {
		got, err := Settings{Sessions: given}.sessions()
		if good := want > 0; good != (err == nil) || good && got != want {
			t.Errorf("%d: %d, %v", given, got, err)
		}
	}
}
