// Package datasync waits until what was written into a file is on the disk.
//
// On Linux that is fdatasync, which leaves out what a file's bytes can be found
// without, such as when it was changed: where a file is written over, and does
// not grow, it takes half as long as fsync. Elsewhere it is fsync. Start at Sync.
package datasync

import "os"

// Sync returns when all that any program has written into the file is on the
// disk. After an error nobody knows what is: the file must not be trusted until
// it was read anew.
func Sync(f *os.File) error { return sync(f) }
