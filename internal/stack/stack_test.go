package stack_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/firsttap/firsttap/internal/stack"
)

// TestAStackNamesFunctionsAndNoArguments panics below a function that was given
// a code by value, which a traceback of the runtime prints.
func TestAStackNamesFunctionsAndNoArguments(t *testing.T) {
	var calls string
	func() {
		defer func() {
			if recover() == nil {
				t.Fatal("it did not panic")
			}
			calls = stack.Calls()
		}()
		panics([3]byte{'0', '7', '5'}, nil)
	}()
	if !regexp.MustCompile(`(?m)^github\.com/\S+\.panics \S+stack_test\.go:\d+$`).MatchString(calls) {
		t.Errorf("the function that panicked is not named: %s", calls)
	}
	if strings.Contains(calls, "0x") {
		t.Errorf("an argument is shown: %s", calls)
	}
}

//go:noinline
func panics(code [3]byte, digits []byte) byte { return digits[code[0]] }
