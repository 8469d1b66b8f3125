// Package need is the one place where a test may step aside: when the machine
// lacks something that firsttap itself does not need, such as a browser.
//
// It never hides that: the reason stands in the last lines of make test, and
// under REQUIRE=all (as in continuous integration) the test fails instead.
// Start at Tool.
package need

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// All reports whether REQUIRE=all is set, which makes every skip a failure.
func All() bool { return os.Getenv("REQUIRE") == "all" }

// Tool gives the path of the first of these programs that is installed. When
// none is, the test is skipped, or fails under REQUIRE=all.
func Tool(t testing.TB, names ...string) string {
	t.Helper()
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	That(t, false, "needs one of these programs in PATH: %v", names)
	return ""
}

// File gives the first of these files that exists, such as a library that
// systems keep in several places. When none does, the test is skipped, or fails
// under REQUIRE=all.
func File(t testing.TB, paths ...string) string {
	t.Helper()
	for _, path := range paths {
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	That(t, false, "needs one of these files: %v", paths)
	return ""
}

// PIN opens every token that SoftHSM makes.
const PIN = "271828"

// HSM is a token of SoftHSM that is there for one test.
type HSM struct {
	Module  string // path of the PKCS#11 module
	Token   string // label
	PINFile string
	Conf    string // what SOFTHSM2_CONF must be; it is so in the test's own process
}

// SoftHSM makes a token (package softhsm2 of Debian, softhsm of others).
func SoftHSM(t testing.TB) HSM {
	t.Helper()
	tool, module := Tool(t, "softhsm2-util"), File(t, "/usr/lib/softhsm/libsofthsm2.so",
		"/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so", "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
		"/usr/lib64/libsofthsm2.so", "/usr/local/lib/softhsm/libsofthsm2.so", "/opt/homebrew/lib/softhsm/libsofthsm2.so")
	dir := t.TempDir()
	tokens := filepath.Join(dir, "tokens")
	h := HSM{Module: module, Token: "firsttap test", PINFile: filepath.Join(dir, "pin"), Conf: filepath.Join(dir, "softhsm2.conf")}
	err := errors.Join(os.Mkdir(tokens, 0o700),
		os.WriteFile(h.PINFile, []byte(PIN+"\n"), 0o600),
		os.WriteFile(h.Conf, []byte("directories.tokendir = "+tokens+"\nobjectstore.backend = file\nlog.level = ERROR\n"), 0o600))
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("SOFTHSM2_CONF", h.Conf)
	made := exec.Command(tool, "--init-token", "--free", "--label", h.Token, "--so-pin", "314159", "--pin", PIN)
	if out, err := made.CombinedOutput(); err != nil {
		t.Fatalf("making a token: %v\n%s", err, out)
	}
	return h
}

// That goes on when ok, and otherwise skips the test for the reason given, or
// fails it under REQUIRE=all. The reason says what is missing.
func That(t testing.TB, ok bool, reason string, args ...any) {
	t.Helper()
	switch {
	case ok:
	case All():
		t.Fatalf("REQUIRE=all: "+reason, args...)
	default:
		t.Skipf(reason, args...)
	}
}
