package e2e_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/firsttap/firsttap/internal/need"
)

// TestIssuerWalk types the lines of docs/issuer-walk.md into bash, one after
// the other, and holds each to what the walk says that it prints. Only the
// addresses are others, and what the walk builds is there.
func TestIssuerWalk(t *testing.T) {
	for _, tool := range []string{"bash", "curl", "jq"} {
		need.Tool(t, tool)
	}
	h := newHouse(t)
	elsewhere := h.movedExamples(t)
	text, err := os.ReadFile(filepath.Join(root(t), "docs", "issuer-walk.md"))
	if err != nil {
		t.Fatal(err)
	}
	s := h.shell(t)
	lines := 0
	for _, line := range shellLines(string(text)) {
		if strings.HasPrefix(line, "make build") || strings.HasPrefix(line, "go build") {
			continue
		}
		command, want, _ := strings.Cut(line, "  # prints ")
		out := s.run(t, elsewhere(command))
		if !strings.Contains(out, want) {
			t.Fatalf("%s\ndoes not print %q but:\n%s", command, want, out)
		}
		lines++
	}
	if lines < 25 {
		t.Errorf("the walk has %d lines: too few are found", lines)
	}
}

// shellLines are the lines in the shell blocks of a document.
func shellLines(text string) []string {
	var lines []string
	for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(text, -1) {
		lines = append(lines, strings.Split(strings.TrimSpace(block[1]), "\n")...)
	}
	return lines
}

var anAddress = regexp.MustCompile(`127\.0\.0\.1:[0-9]+`)

// movedExamples puts examples into the house whose addresses are free ones,
// builds the programs among them, and gives what moves other text alike.
func (h house) movedExamples(t *testing.T) func(string) string {
	t.Helper()
	moved := map[string]string{}
	move := func(text string) string {
		return anAddress.ReplaceAllStringFunc(text, func(address string) string {
			if moved[address] == "" {
				moved[address] = free(t)
			}
			return moved[address]
		})
	}
	if err := os.Remove(filepath.Join(h.dir, "examples")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(h.dir, "examples"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"examples/gateway.yaml", "examples/issuer.yaml"} {
		text, err := os.ReadFile(filepath.Join(root(t), name))
		if err != nil {
			t.Fatal(err)
		}
		h.write(t, name, move(string(text)))
	}
	build := exec.Command("go", "build", "-o", filepath.Join(h.dir, "bin")+string(filepath.Separator), "./examples/client", "./examples/issuercodes")
	build.Dir = root(t)
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return move
}

// shell is a bash that a person types into.
type shell struct {
	in    io.Writer
	lines chan string
}

// ended comes after what a command printed, with its exit code.
const ended = "walk-test-line-ended "

func (h house) shell(t *testing.T) *shell {
	t.Helper()
	c := exec.Command("bash", "--norc", "--noprofile")
	c.Dir, c.Env = h.dir, append(os.Environ(), "XDG_DATA_HOME="+h.data)
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, printed := io.Pipe()
	c.Stdout, c.Stderr = printed, printed
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	s := &shell{in: in, lines: make(chan string, 1024)}
	go func() {
		defer close(s.lines)
		for scanner := bufio.NewScanner(out); scanner.Scan(); {
			s.lines <- scanner.Text()
		}
	}()
	t.Cleanup(func() {
		fmt.Fprintln(in, "kill $(jobs -p) 2>/dev/null; wait")
		_ = in.Close()
		_ = c.Wait()
		_ = printed.Close()
	})
	return s
}

// run types a line and gives what it printed. A line that fails fails the test.
func (s *shell) run(t *testing.T, line string) string {
	t.Helper()
	fmt.Fprintf(s.in, "%s\necho \"%s$?\"\n", line, ended)
	var out strings.Builder
	for {
		select {
		case said, open := <-s.lines:
			if code, found := strings.CutPrefix(said, ended); found {
				if code != "0" {
					t.Fatalf("%s\nends with %s:\n%s", line, code, &out)
				}
				return out.String()
			}
			out.WriteString(said + "\n")
			if !open {
				t.Fatalf("bash ended at %s:\n%s", line, &out)
			}
		case <-time.After(patience):
			t.Fatalf("%s\ndoes not end:\n%s", line, &out)
		}
	}
}
