package specs

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// A frameHead is the fixed number of bytes before a frame that hold its length.
type frameHead interface {
	size() int
	length(head []byte) (int, error)
	append(dst []byte, length int) []byte
}

type vapHead struct{}

func (vapHead) size() int { return 4 }

func (vapHead) length(head []byte) (int, error) {
	if head[2] != 0 || head[3] != 0 {
		return 0, frameFault(FrameReserved, "bytes 3 and 4 are not zero")
	}
	return int(binary.BigEndian.Uint16(head)), nil
}

func (vapHead) append(dst []byte, length int) []byte {
	return append(dst, byte(length>>8), byte(length), 0, 0)
}

type binary2Head struct{}

func (binary2Head) size() int { return 2 }

func (binary2Head) length(head []byte) (int, error) { return int(binary.BigEndian.Uint16(head)), nil }

func (binary2Head) append(dst []byte, length int) []byte {
	return binary.BigEndian.AppendUint16(dst, uint16(length))
}

type ascii4Head struct{}

func (ascii4Head) size() int { return 4 }

func (ascii4Head) length(head []byte) (int, error) {
	length := 0
	for _, c := range head {
		if c < '0' || c > '9' {
			return 0, frameFault(FrameLength, "the length is not four decimal digits")
		}
		length = length*10 + int(c-'0')
	}
	return length, nil
}

func (ascii4Head) append(dst []byte, length int) []byte { return fmt.Appendf(dst, "%04d", length) }

// bareFraming is no framing.
type bareFraming struct{}

func (bareFraming) Name() string { return FramingNone }

func (f bareFraming) Read(r io.Reader, begun func()) (Frame, error) {
	body := make([]byte, FrameBytesMax+1)
	if _, err := io.ReadFull(r, body[:1]); err != nil {
		return Frame{}, err
	}
	if begun != nil {
		begun()
	}
	n, err := io.ReadFull(r, body[1:])
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return Frame{}, err
	}
	frame, _, err := f.Split(body[:1+n])
	return frame, err
}

func (bareFraming) Append(dst []byte, _ Header, body []byte) ([]byte, error) {
	if len(body) == 0 || len(body) > FrameBytesMax {
		return dst, frameFault(FrameLength, "%d bytes, from 1 to %d can be", len(body), FrameBytesMax)
	}
	return append(dst, body...), nil
}

func (bareFraming) AppendKeepAlive(dst []byte) []byte { return dst }

func (bareFraming) Split(b []byte) (Frame, []byte, error) {
	switch {
	case len(b) == 0:
		return Frame{}, b, frameFault(FrameShort, "there is no message")
	case len(b) > FrameBytesMax:
		return Frame{}, b, frameFault(FrameLength, "more than %d bytes", FrameBytesMax)
	}
	return Frame{Body: b}, nil, nil
}
