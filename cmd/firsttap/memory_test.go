package main

import (
	"math"
	"runtime/debug"
	"testing"
)

// TestMemoryIsGiven holds giveMemory to the environment's word.
func TestMemoryIsGiven(t *testing.T) {
	percent, limit := debug.SetGCPercent(100), debug.SetMemoryLimit(math.MaxInt64)
	t.Cleanup(func() {
		debug.SetGCPercent(percent)
		debug.SetMemoryLimit(limit)
	})
	t.Setenv("GOGC", "100")
	t.Setenv("GOMEMLIMIT", "1GiB")
	giveMemory()
	if p, l := debug.SetGCPercent(100), debug.SetMemoryLimit(-1); p != 100 || l != math.MaxInt64 {
		t.Errorf("the environment says both, and they are %d %% and %d bytes", p, l)
	}
	t.Setenv("GOGC", "")
	t.Setenv("GOMEMLIMIT", "")
	giveMemory()
	if p, l := debug.SetGCPercent(100), debug.SetMemoryLimit(-1); p != garbagePercent || l != memoryLimitBytes {
		t.Errorf("the environment says nothing, and they are %d %% and %d bytes", p, l)
	}
}
