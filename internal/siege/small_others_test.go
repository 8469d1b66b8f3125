//go:build !unix

package siege_test

import "syscall"

// small changes nothing: a flood to who does not read takes longer.
func small(string, string, syscall.RawConn) error { return nil }
