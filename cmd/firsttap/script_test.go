package main

import (
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain makes the test binary the command firsttap when a script calls it.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"firsttap": func() { os.Exit(execute()) }})
}

// TestScripts plays what a person types and compares what comes back:
// testdata/script. Rewrite the expectations with UPDATE=1.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script", UpdateScripts: os.Getenv("UPDATE") == "1", RequireUniqueNames: true, RequireExplicitExec: true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits},
		Setup: func(env *testscript.Env) error {
			env.Setenv("XDG_DATA_HOME", env.WorkDir+"/data")
			return nil
		},
	})
}

// exits is the script command `exits CODE PROGRAM ARGUMENTS...`: it runs a
// program and wants that exit code. What is said in words must be said once.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARGUMENTS...")
	}
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var ended *exec.ExitError
		if !errors.As(err, &ended) {
			ts.Fatalf("%v", err)
		}
		got = ended.ExitCode()
	}
	if want := args[0]; strconv.Itoa(got) != want {
		ts.Fatalf("exit code is %d, not %s", got, want)
	}
	said := make(map[string]bool)
	for line := range strings.Lines(ts.ReadFile("stderr")) {
		if said[line] {
			ts.Fatalf("said twice: %s", line)
		}
		said[line] = true
	}
}
