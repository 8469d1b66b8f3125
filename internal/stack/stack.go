// Package stack tells where a panic came from, and nothing of what it was about.
package stack

import (
	"fmt"
	"runtime"
	"strings"
)

// framesMax is how many calls Calls names (ours): the deepest are the first.
const framesMax = 64

// Calls names the functions that called it, one a line with file and line, from
// the inside out. It stands for debug.Stack, which prints arguments: a code or
// half a key passed by value would be read there.
func Calls() string {
	var callers [framesMax]uintptr
	frames := runtime.CallersFrames(callers[:runtime.Callers(2, callers[:])])
	var b strings.Builder
	for {
		frame, more := frames.Next()
		if frame.Function != "" {
			fmt.Fprintf(&b, "%s %s:%d\n", frame.Function, frame.File, frame.Line)
		}
		if !more {
			return b.String()
		}
	}
}
