package specs

import (
	"errors"
	"fmt"
	"io"
	"sort"
	"strings"
)

// FrameBytesMax is the most bytes that may follow a frame's length, header
// included. The longest message of visa-style has fewer than 1300, and the
// longest of the family in ascii87 fewer than 1000; a bigger length is a lost
// or hostile peer.
const FrameBytesMax = 2048

// Names of the framings.
const (
	FramingVAP     = "vap"     // 2 bytes length, 2 zero bytes, 22-byte header, message
	FramingBinary2 = "binary2" // 2 bytes length, big-endian, message
	FramingASCII4  = "ascii4"  // 4 decimal digits length, message
	FramingNone    = "none"    // the message alone; a stream holds one
)

// Framing cuts a stream into frames. A length of zero is a keep-alive: only
// vap has it from its source, the others have it too, ours.
type Framing interface {
	// Name is the name that FramingByName knows.
	Name() string
	// Read reads one frame. It calls begun, which may be nil, when the frame's
	// first byte has arrived, so that the caller can set a deadline for the
	// rest. The error is io.EOF before the first byte, io.ErrUnexpectedEOF
	// inside a frame, the reader's own, or a *FrameError, after which the
	// stream's next frame cannot be found.
	Read(r io.Reader, begun func()) (Frame, error)
	// Append appends a frame. The error is a *FrameError.
	Append(dst []byte, h Header, body []byte) ([]byte, error)
	// AppendKeepAlive appends a keep-alive; with none there is none.
	AppendKeepAlive(dst []byte) []byte
	// Split takes the first frame off b. The body is a part of b.
	Split(b []byte) (frame Frame, rest []byte, err error)
}

// Frame is what came in one frame.
type Frame struct {
	Header    Header // zero where the framing has none
	Body      []byte // the message
	KeepAlive bool   // no message: answer with AppendKeepAlive
}

// FrameFault says what is wrong with a frame.
type FrameFault string

// Kinds of faults of frames.
const (
	FrameLength   FrameFault = "bad length"   // not a length, or more than FrameBytesMax
	FrameShort    FrameFault = "short"        // Split only: the frame is not complete
	FrameReserved FrameFault = "bad reserved" // bytes that must be zero are not
	FrameHeader   FrameFault = "bad header"   // the header contradicts itself or the frame
)

// FrameError says why a stream's bytes are no frame. It never holds them.
type FrameError struct {
	Kind   FrameFault
	Detail string
}

// Error is kind and detail.
func (e *FrameError) Error() string { return fmt.Sprintf("frame: %s: %s", e.Kind, e.Detail) }

func frameFault(kind FrameFault, detail string, args ...any) error {
	return &FrameError{Kind: kind, Detail: fmt.Sprintf(detail, args...)}
}

var framings = map[string]Framing{
	FramingVAP:     &lengthFraming{name: FramingVAP, head: vapHead{}, header: true},
	FramingBinary2: &lengthFraming{name: FramingBinary2, head: binary2Head{}},
	FramingASCII4:  &lengthFraming{name: FramingASCII4, head: ascii4Head{}},
	FramingNone:    bareFraming{},
}

// FramingByName finds a framing.
func FramingByName(name string) (Framing, error) {
	f, ok := framings[name]
	if !ok {
		return nil, fmt.Errorf("there is no framing %q: take one of %s", name, strings.Join(FramingNames(), ", "))
	}
	return f, nil
}

// FramingNames lists the framings, sorted.
func FramingNames() []string {
	names := make([]string, 0, len(framings))
	for name := range framings {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// lengthFraming is a framing with a length in front.
type lengthFraming struct {
	name   string
	head   frameHead
	header bool // a 22-byte header stands before the message
}

func (f *lengthFraming) Name() string { return f.name }

func (f *lengthFraming) Read(r io.Reader, begun func()) (Frame, error) {
	var room [4]byte
	head := room[:f.head.size()]
	if _, err := io.ReadFull(r, head[:1]); err != nil {
		return Frame{}, err
	}
	if begun != nil {
		begun()
	}
	if _, err := io.ReadFull(r, head[1:]); err != nil {
		return Frame{}, inside(err)
	}
	length, err := f.length(head)
	if err != nil || length == 0 {
		return Frame{KeepAlive: err == nil}, err
	}
	content := make([]byte, length)
	if _, err := io.ReadFull(r, content); err != nil {
		return Frame{}, inside(err)
	}
	return f.frame(content)
}

// inside makes the end of a stream inside a frame unexpected.
func inside(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// length reads and bounds the length in the head, before anything is allocated.
func (f *lengthFraming) length(head []byte) (int, error) {
	length, err := f.head.length(head)
	if err == nil && length > FrameBytesMax {
		err = frameFault(FrameLength, "%d bytes, the most is %d", length, FrameBytesMax)
	}
	if err != nil {
		return 0, err
	}
	return length, nil
}

func (f *lengthFraming) frame(content []byte) (Frame, error) {
	if !f.header {
		return Frame{Body: content}, nil
	}
	h, size, err := parseHeader(content)
	if err != nil {
		return Frame{}, err
	}
	return Frame{Header: h, Body: content[size:]}, nil
}

func (f *lengthFraming) Split(b []byte) (Frame, []byte, error) {
	size := f.head.size()
	if len(b) < size {
		return Frame{}, b, frameFault(FrameShort, "%d of %d bytes of the length", len(b), size)
	}
	length, err := f.length(b[:size])
	if err != nil {
		return Frame{}, b, err
	}
	if len(b)-size < length {
		return Frame{}, b, frameFault(FrameShort, "%d of %d bytes", len(b)-size, length)
	}
	content, rest := b[size:size+length], b[size+length:]
	if length == 0 {
		return Frame{KeepAlive: true}, rest, nil
	}
	frame, err := f.frame(content)
	if err != nil {
		return Frame{}, b, err
	}
	return frame, rest, nil
}

func (f *lengthFraming) Append(dst []byte, h Header, body []byte) ([]byte, error) {
	length := len(body)
	if f.header {
		length += h.size()
	}
	switch {
	case len(body) == 0:
		return dst, frameFault(FrameLength, "there is no message")
	case length > FrameBytesMax:
		return dst, frameFault(FrameLength, "%d bytes, the most is %d", length, FrameBytesMax)
	}
	out := f.head.append(dst, length)
	if f.header {
		var err error
		if out, err = h.append(out, length); err != nil {
			return dst, err
		}
	}
	return append(out, body...), nil
}

func (f *lengthFraming) AppendKeepAlive(dst []byte) []byte { return f.head.append(dst, 0) }
