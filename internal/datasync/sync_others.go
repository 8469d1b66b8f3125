//go:build !linux

package datasync

import "os"

func sync(f *os.File) error { return f.Sync() }
