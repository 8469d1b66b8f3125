package main

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/firsttap/firsttap/internal/need"
)

// TestDCVV2DocumentTellsTheTruth runs each `$ firsttap codes` line of
// docs/dcvv2.md and compares what it prints with what stands below it.
func TestDCVV2DocumentTellsTheTruth(t *testing.T) {
	document, err := os.ReadFile("../../docs/dcvv2.md")
	if err != nil {
		t.Fatal(err)
	}
	ran := 0
	for i, part := range strings.Split(string(document), "```") {
		block, console := strings.CutPrefix(part, "console\n")
		if i%2 == 0 || !console {
			continue
		}
		for _, one := range strings.Split("\n"+block, "\n$ firsttap ")[1:] {
			line, shown, _ := strings.Cut(one, "\n")
			out, errs, err := firsttap(t, strings.Fields(line)...)
			if err != nil && !errors.Is(err, errSaid) {
				t.Errorf("firsttap %s: %v %s", line, err, errs)
			}
			if diff := cmp.Diff(strings.TrimSpace(shown), strings.TrimSpace(out)); diff != "" {
				t.Errorf("firsttap %s (-document +command):\n%s", line, diff)
			}
			ran++
		}
	}
	if ran < 9 {
		t.Errorf("the document shows %d commands only", ran)
	}
}

// TestDCVV2DocumentByHand runs the lines for openssl as they stand, in one
// shell: each profile comes to the code of the worked case.
func TestDCVV2DocumentByHand(t *testing.T) {
	shell := need.Tool(t, "bash")
	need.Tool(t, "openssl")
	need.Tool(t, "xxd")
	document, err := os.ReadFile("../../docs/dcvv2.md")
	if err != nil {
		t.Fatal(err)
	}
	var script strings.Builder
	for _, part := range strings.Split(string(document), "```sh\n")[1:] {
		lines, _, _ := strings.Cut(part, "```")
		script.WriteString(lines)
	}
	out, err := exec.CommandContext(t.Context(), shell, "-euo", "pipefail", "-c", script.String()).Output()
	want := "7C89E2651E4FE8CCFD8989B02FF048CA\n075729BD367F18A2\n948\n004\n"
	if diff := cmp.Diff(want, string(out)); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}
