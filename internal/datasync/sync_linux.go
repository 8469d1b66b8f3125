package datasync

import (
	"errors"
	"os"
	"syscall"
)

func sync(f *os.File) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var fault error
	err = raw.Control(func(fd uintptr) {
		for fault = syscall.EINTR; errors.Is(fault, syscall.EINTR); {
			fault = syscall.Fdatasync(int(fd))
		}
	})
	if err == nil && fault != nil {
		err = &os.PathError{Op: "fdatasync", Path: f.Name(), Err: fault}
	}
	return err
}
