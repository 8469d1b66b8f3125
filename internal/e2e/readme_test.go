package e2e_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// said is what each part prints when the next may be started, as the README
// tells.
var said = map[string]string{
	"gateway": "gateway is up", "issuer": "the gateway has signed on", "wallet": "phone is held out",
}

// TestREADMEFourTerminals runs exactly the README's commands for four
// terminals, in their order.
func TestREADMEFourTerminals(t *testing.T) {
	h := newHouse(t)
	lines := readmeLines(t, "## The same in four terminals")
	if len(lines) != 4 {
		t.Fatalf("the README must show four commands, it shows %d: %q", len(lines), lines)
	}
	for _, line := range lines[:3] {
		p := h.start(t, line)
		p.awaits(t, said[strings.Fields(line)[1]])
	}
	merchant := h.start(t, lines[3])
	if code := merchant.ends(t); code != 0 {
		t.Fatalf("exit code %d:\n%s", code, merchant.output())
	}
	for _, want := range []string{"approved", "arqc                 verified", "arpc                 verified"} {
		if !strings.Contains(merchant.output(), want) {
			t.Errorf("the receipt does not say %q:\n%s", want, merchant.output())
		}
	}
}

// readmeLines are the command lines in the code blocks below a heading.
func readmeLines(t *testing.T, heading string) []string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(root(t), "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(raw), heading+"\n")
	if !found {
		t.Fatalf("the README has no heading %q", heading)
	}
	section, _, _ = strings.Cut(section, "\n## ")
	var lines []string
	for line := range strings.Lines(section) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "bin/firsttap ") {
			lines = append(lines, line)
		}
	}
	return lines
}
