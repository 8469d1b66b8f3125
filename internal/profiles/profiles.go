// Package profiles takes profiles of the running program, as `go tool pprof`
// reads them: where its time and its memory go.
//
// It gives the compact form only, which holds names of functions, lines, counts
// and sizes. What could show a value stays out: the texts of goroutines' stacks,
// whose arguments are words of memory; the command line; execution traces; and
// dumps of the heap. Nothing is kept. Start at Process.
package profiles

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime/pprof"
	"slices"
	"time"
)

// ErrBusy is given while another CPU profile is taken: the runtime takes one at a
// time.
var ErrBusy = errors.New("another CPU profile is being taken")

// Names are the profiles that Process.Snapshot gives: memory allocated since the
// start, goroutines by where they are, and memory in use.
func Names() []string { return []string{"allocs", "goroutine", "heap"} }

// Process is the program that this runs in. Its methods may be called by many
// goroutines.
type Process struct{}

// Snapshot gives one of Names as it stands: gzipped protocol buffers.
func (Process) Snapshot(name string) ([]byte, error) {
	if !slices.Contains(Names(), name) {
		return nil, fmt.Errorf("there is no profile %q", name)
	}
	var profile bytes.Buffer
	if err := pprof.Lookup(name).WriteTo(&profile, 0); err != nil {
		return nil, fmt.Errorf("taking the profile %s: %w", name, err)
	}
	return profile.Bytes(), nil
}

// CPU gives where processors spent their time from now on for as long as
// lasting: gzipped protocol buffers. It ends early, with an error, when ctx does.
func (Process) CPU(ctx context.Context, lasting time.Duration) ([]byte, error) {
	var profile bytes.Buffer
	if err := pprof.StartCPUProfile(&profile); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBusy, err)
	}
	over := time.NewTimer(lasting)
	defer over.Stop()
	select {
	case <-over.C:
	case <-ctx.Done():
	}
	pprof.StopCPUProfile()
	return profile.Bytes(), ctx.Err()
}
