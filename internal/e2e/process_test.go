package e2e_test

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// patience bounds every wait; nothing is measured by it.
const patience = 60 * time.Second

// house is a folder like a fresh clone after `make build`: bin/firsttap and
// examples.
type house struct {
	dir  string
	data string
}

var build = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "firsttap-e2e-")
	if err != nil {
		return "", err
	}
	binary := filepath.Join(dir, "firsttap")
	out, err := exec.Command("go", "build", "-o", binary, "github.com/firsttap/firsttap/cmd/firsttap").CombinedOutput()
	if err != nil {
		return "", &exec.Error{Name: string(out), Err: err}
	}
	return binary, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if binary, err := build(); err == nil {
		_ = os.RemoveAll(filepath.Dir(binary))
	}
	os.Exit(code)
}

func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func newHouse(t *testing.T) house {
	t.Helper()
	binary, err := build()
	if err != nil {
		t.Fatal(err)
	}
	h := house{dir: t.TempDir(), data: t.TempDir()}
	if err := os.Mkdir(filepath.Join(h.dir, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	for link, target := range map[string]string{
		"bin/firsttap": binary, "examples": filepath.Join(root(t), "examples"),
	} {
		if err := os.Symlink(target, filepath.Join(h.dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	return h
}

// process is a command that runs until the test ends it.
type process struct {
	cmd   *exec.Cmd
	lines chan string
	mu    sync.Mutex
	all   bytes.Buffer
	done  chan struct{}
}

// start runs a command line in the house and ends it with the test.
func (h house) start(t *testing.T, line string) *process {
	t.Helper()
	words := strings.Fields(line)
	p := &process{cmd: exec.Command(filepath.Join(h.dir, words[0]), words[1:]...), lines: make(chan string, 1024), done: make(chan struct{})}
	p.cmd.Dir, p.cmd.Env = h.dir, append(os.Environ(), "XDG_DATA_HOME="+h.data)
	out, in := io.Pipe()
	p.cmd.Stdout, p.cmd.Stderr = in, in
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go p.collect(out)
	go func() {
		_ = p.cmd.Wait()
		_ = in.Close()
		close(p.done)
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Signal(os.Interrupt)
		select {
		case <-p.done:
		case <-time.After(patience):
			_ = p.cmd.Process.Kill()
			t.Errorf("%s does not end on an interrupt", line)
		}
		if t.Failed() {
			t.Logf("%s printed:\n%s", line, p.output())
		}
	})
	return p
}

func (p *process) collect(out io.Reader) {
	scanner := bufio.NewScanner(out)
	for scanner.Scan() {
		p.mu.Lock()
		p.all.WriteString(scanner.Text() + "\n")
		p.mu.Unlock()
		select {
		case p.lines <- scanner.Text():
		default:
		}
	}
}

func (p *process) output() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.all.String()
}

// awaits waits for a line that holds text and gives it.
func (p *process) awaits(t *testing.T, text string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for {
		select {
		case line := <-p.lines:
			if strings.Contains(line, text) {
				return line
			}
		case <-p.done:
			t.Fatalf("ended before it said %q:\n%s", text, p.output())
		case <-ctx.Done():
			t.Fatalf("never said %q:\n%s", text, p.output())
		}
	}
}

// ends waits for the process's own end and gives its exit code.
func (p *process) ends(t *testing.T) int {
	t.Helper()
	select {
	case <-p.done:
		return p.cmd.ProcessState.ExitCode()
	case <-time.After(patience):
		t.Fatalf("does not end:\n%s", p.output())
		return -1
	}
}

// kill ends the process as a power cut would: no clean-up.
func (p *process) kill(t *testing.T) {
	t.Helper()
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-p.done
}
