package need_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/firsttap/firsttap/internal/need"
)

// recorder stands in for a test, to see how it would have ended.
type recorder struct {
	testing.TB
	skipped, failed string
}

func (r *recorder) Helper()                   {}
func (r *recorder) Skipf(f string, a ...any)  { r.skipped = fmt.Sprintf(f, a...) }
func (r *recorder) Fatalf(f string, a ...any) { r.failed = fmt.Sprintf(f, a...) }

func TestToolThatIsThere(t *testing.T) {
	t.Setenv("REQUIRE", "all")
	if path := need.Tool(t, "no-such-program", "go"); !strings.Contains(path, "go") {
		t.Errorf("found %q", path)
	}
}

func TestToolThatIsMissing(t *testing.T) {
	t.Setenv("REQUIRE", "")
	r := &recorder{TB: t}
	need.Tool(r, "no-such-program")
	if !strings.Contains(r.skipped, "no-such-program") || r.failed != "" {
		t.Errorf("want a skip that names the program, got %+v", r)
	}
}

func TestRequireAllFailsInsteadOfSkipping(t *testing.T) {
	t.Setenv("REQUIRE", "all")
	r := &recorder{TB: t}
	need.Tool(r, "no-such-program")
	if !strings.Contains(r.failed, "no-such-program") || r.skipped != "" {
		t.Errorf("want a failure that names the program, got %+v", r)
	}
}

func TestFile(t *testing.T) {
	t.Setenv("REQUIRE", "")
	if path := need.File(t, "no-such-file", "need.go"); path != "need.go" {
		t.Errorf("found %q", path)
	}
	r := &recorder{TB: t}
	need.File(r, "no-such-file", "nor-this")
	if !strings.Contains(r.skipped, "[no-such-file nor-this]") || r.failed != "" {
		t.Errorf("want a skip that names the files, got %+v", r)
	}
}
