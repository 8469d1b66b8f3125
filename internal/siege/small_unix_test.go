//go:build unix

package siege_test

import (
	"errors"
	"syscall"
)

// segmentBytes is the smallest segment that every host must take (RFC 9293).
const segmentBytes = 536

// small has a peer's socket hold little, and take it in small segments. What the
// gateway's system takes for it ahead hangs on both: on loopback, whose segments
// are large, it is megabytes else. It is set before there is a connection: a
// system that has offered more than it holds drops what comes, and with it hears
// of its own requests no more, so that a flood ends before the gateway must wait.
func small(_, _ string, socket syscall.RawConn) error {
	var fault error
	err := socket.Control(func(fd uintptr) {
		fault = errors.Join(
			syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, bufferBytes),
			syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_MAXSEG, segmentBytes),
		)
	})
	return errors.Join(err, fault)
}
