package phone_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/firsttap/firsttap/simulator/phone"
)

// serve offers a phone at a port of the system's choice until the test ends.
func serve(t *testing.T, p *phone.Phone) (addr string, stop func() error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	done := make(chan error, 1)
	go func() { done <- p.Serve(ctx, l) }()
	return l.Addr().String(), func() error { cancel(); return <-done }
}

func connect(t *testing.T, addr string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// exchange sends one frame and gives the frame that comes back.
func exchange(conn net.Conn, command []byte) ([]byte, error) {
	if _, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(command))), command...)); err != nil {
		return nil, err
	}
	var length [2]byte
	if _, err := io.ReadFull(conn, length[:]); err != nil {
		return nil, err
	}
	answer := make([]byte, binary.BigEndian.Uint16(length[:]))
	_, err := io.ReadFull(conn, answer)
	return answer, err
}

func TestFrameLimits(t *testing.T) {
	addr, _ := serve(t, loaded(t))
	for size, answered := range map[int]bool{
		0: false, 1: true, phone.CommandBytesMax: true, phone.CommandBytesMax + 1: false, 65535: false,
	} {
		answer, err := exchange(connect(t, addr), make([]byte, size))
		if answered && (err != nil || !bytes.Equal(answer, []byte{0x67, 0x00})) {
			t.Errorf("%d bytes: %X, %v", size, answer, err)
		}
		if !answered && err == nil {
			t.Errorf("%d bytes: answered %X, but the connection must be closed", size, answer)
		}
	}
}

func TestTooManyTerminals(t *testing.T) {
	addr, _ := serve(t, loaded(t))
	for i := range phone.ConnectionsMax {
		if _, err := exchange(connect(t, addr), []byte{0}); err != nil {
			t.Fatalf("terminal %d: %v", i+1, err)
		}
	}
	if _, err := exchange(connect(t, addr), []byte{0}); err == nil {
		t.Error("one terminal more was answered")
	}
}

func TestServeEndsWithItsContext(t *testing.T) {
	addr, stop := serve(t, loaded(t))
	conn := connect(t, addr)
	if _, err := exchange(conn, []byte{0}); err != nil {
		t.Fatal(err)
	}
	if err := stop(); err != nil {
		t.Errorf("Serve gave %v", err)
	}
	if _, err := exchange(conn, []byte{0}); err == nil {
		t.Error("a connection outlived its phone")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	if err := loaded(t).Serve(context.Background(), l); err == nil {
		t.Error("a listener that fails must be an error")
	}
}

func TestASilentPhoneIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		defer far.Close()
		remote := phone.NewRemote(near)
		go io.Copy(io.Discard, far)

		began := time.Now()
		if _, err := remote.Transmit(t.Context(), []byte{0, 0, 0, 0}); !errors.Is(err, phone.ErrGone) {
			t.Errorf("Transmit gave %v", err)
		}
		if took := time.Since(began); took != phone.AnswerTimeout {
			t.Errorf("it took %v, not %v", took, phone.AnswerTimeout)
		}
		if _, err := remote.Transmit(t.Context(), []byte{0, 0, 0, 0}); !errors.Is(err, phone.ErrGone) {
			t.Errorf("a second command gave %v", err)
		}
	})
}

func TestTransmitEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		defer far.Close()
		go io.Copy(io.Discard, far)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := phone.NewRemote(near).Transmit(ctx, []byte{0, 0, 0, 0}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Transmit gave %v", err)
		}
	})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := loaded(t).Card().Transmit(ctx, []byte{0, 0, 0, 0}); !errors.Is(err, context.Canceled) {
		t.Errorf("a phone near by gave %v", err)
	}
}

func TestCommandsTooLongStayHere(t *testing.T) {
	near, far := net.Pipe()
	defer far.Close()
	if _, err := phone.NewRemote(near).Transmit(t.Context(), make([]byte, phone.CommandBytesMax+1)); !errors.Is(err, phone.ErrFrame) {
		t.Errorf("Transmit gave %v", err)
	}
}
