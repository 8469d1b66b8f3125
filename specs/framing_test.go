package specs_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/firsttap/firsttap/specs"
)

// testdata/frames.txt has one frame a line, good and bad.

func TestFrames(t *testing.T) {
	for _, row := range tableRows(t, "testdata/frames.txt", 4) {
		name, framing, want, raw := row[0], framingByName(t, row[1]), row[2], unhex(t, row[3])
		t.Run(framing.Name()+" "+name, func(t *testing.T) {
			frame, rest, err := framing.Split(raw)
			if got := describeFrame(frame, err); got != want {
				t.Errorf("Split gives %q, want %q", got, want)
			}
			if err != nil && !bytes.Equal(rest, raw) || err == nil && len(rest) != 0 {
				t.Errorf("Split leaves %X", rest)
			}
			begun := 0
			frame, err = framing.Read(iotest.OneByteReader(bytes.NewReader(raw)), func() { begun++ })
			if got := describeFrame(frame, err); got != want {
				t.Errorf("Read gives %q, want %q", got, want)
			}
			if wantBegun := min(len(raw), 1); begun != wantBegun {
				t.Errorf("begun was called %d times, want %d", begun, wantBegun)
			}
		})
	}
}

// describeFrame is a frame in one line. A frame that is cut is "short" to
// Split and io.ErrUnexpectedEOF, or io.EOF before its first byte, to Read.
func describeFrame(f specs.Frame, err error) string {
	fault := (*specs.FrameError)(nil)
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return string(specs.FrameShort)
	case errors.As(err, &fault):
		return string(fault.Kind)
	case err != nil:
		return err.Error()
	case f.KeepAlive:
		return "keep-alive"
	case f.Header.Reject != "":
		return "reject " + f.Header.Reject + " of " + strings.ToUpper(hex.EncodeToString(f.Body))
	}
	return "message " + strings.ToUpper(hex.EncodeToString(f.Body))
}

func framingByName(t testing.TB, name string) specs.Framing {
	t.Helper()
	f, err := specs.FramingByName(name)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestFramesAreReadOneAfterTheOther(t *testing.T) {
	for _, name := range []string{specs.FramingVAP, specs.FramingBinary2, specs.FramingASCII4} {
		framing := framingByName(t, name)
		h := specs.Header{Destination: 400552, Source: 12}
		stream, err := framing.Append(nil, h, []byte("first"))
		if err != nil {
			t.Fatal(err)
		}
		stream = framing.AppendKeepAlive(stream)
		if stream, err = framing.Append(stream, h.Answer(), []byte("second")); err != nil {
			t.Fatal(err)
		}
		r, rest := bytes.NewReader(stream), stream
		for _, want := range []string{"message 6669727374", "keep-alive", "message 7365636F6E64"} {
			read, err := framing.Read(r, nil)
			if got := describeFrame(read, err); got != want {
				t.Errorf("%s: Read gives %q, want %q", name, got, want)
			}
			var split specs.Frame
			split, rest, err = framing.Split(rest)
			if err != nil || !cmp.Equal(read, split) {
				t.Errorf("%s: Split gives %+v, Read %+v, %v", name, split, read, err)
			}
		}
		if _, err := framing.Read(r, nil); !errors.Is(err, io.EOF) {
			t.Errorf("%s: the end of the stream gives %v", name, err)
		}
	}
}

func TestHeaderComesBack(t *testing.T) {
	framing := framingByName(t, specs.FramingVAP)
	for _, h := range []specs.Header{
		{},
		{Destination: 1, Source: specs.StationMax},
		{Destination: 400552, Source: 12, Reject: "05FA"},
	} {
		raw, err := framing.Append(nil, h, []byte{0x08, 0x00})
		if err != nil {
			t.Fatal(err)
		}
		if frame, _, err := framing.Split(raw); err != nil || frame.Header != h {
			t.Errorf("%+v comes back as %+v, %v", h, frame.Header, err)
		}
	}
	h := specs.Header{Destination: 1, Source: 2, Reject: "0522"}
	if got := h.Answer(); got != (specs.Header{Destination: 2, Source: 1}) {
		t.Errorf("%+v is answered with %+v", h, got)
	}
}

func TestFrameLimits(t *testing.T) {
	heads := map[string]int{
		specs.FramingVAP: 22, specs.FramingBinary2: 0, specs.FramingASCII4: 0, specs.FramingNone: 0,
	}
	for _, name := range specs.FramingNames() {
		framing := framingByName(t, name)
		most := bytes.Repeat([]byte{1}, specs.FrameBytesMax-heads[name])
		raw, err := framing.Append(nil, specs.Header{}, most)
		if err != nil {
			t.Errorf("%s: %d bytes: %v", name, len(most), err)
		}
		if frame, err := framing.Read(bytes.NewReader(raw), nil); err != nil || !bytes.Equal(frame.Body, most) {
			t.Errorf("%s: %d bytes do not come back: %v", name, len(most), err)
		}
		for _, body := range [][]byte{nil, append(most, 1)} {
			out, err := framing.Append([]byte("before"), specs.Header{}, body)
			if got := describeFrame(specs.Frame{}, err); got != string(specs.FrameLength) || string(out) != "before" {
				t.Errorf("%s: %d bytes: %q, %q", name, len(body), got, out)
			}
		}
	}
}

func TestHeaderLimits(t *testing.T) {
	framing := framingByName(t, specs.FramingVAP)
	for _, h := range []specs.Header{
		{Destination: specs.StationMax + 1},
		{Source: specs.StationMax + 1},
		{Reject: "052"},
		{Reject: "05FA00"},
		{Reject: "05XX"},
	} {
		_, err := framing.Append(nil, h, []byte{0x08, 0x00})
		if got := describeFrame(specs.Frame{}, err); got != string(specs.FrameHeader) {
			t.Errorf("%+v: %q", h, got)
		}
	}
}

func TestReadPassesErrorsOn(t *testing.T) {
	broken := errors.New("the line is broken")
	for _, name := range specs.FramingNames() {
		framing := framingByName(t, name)
		whole, err := framing.Append(nil, specs.Header{}, []byte{0x08, 0x00})
		if err != nil {
			t.Fatal(err)
		}
		for cut := range whole {
			r := io.MultiReader(bytes.NewReader(whole[:cut]), iotest.ErrReader(broken))
			if _, err := framing.Read(r, nil); !errors.Is(err, broken) {
				t.Errorf("%s after %d bytes: %v", name, cut, err)
			}
		}
	}
}

func TestFramingByNameListsTheKnown(t *testing.T) {
	_, err := specs.FramingByName("tpdu")
	if err == nil || !strings.Contains(err.Error(), "ascii4, binary2, none, vap") {
		t.Errorf("got %v", err)
	}
}

func FuzzFrame(f *testing.F) {
	for _, row := range tableRows(f, "testdata/frames.txt", 4) {
		f.Add(unhex(f, row[3]))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, name := range specs.FramingNames() {
			fuzzFrame(t, framingByName(t, name), raw)
		}
	})
}

// fuzzFrame: Read and Split agree, and what they accept is written again as
// bytes that mean the same.
func fuzzFrame(t *testing.T, framing specs.Framing, raw []byte) {
	split, rest, splitErr := framing.Split(raw)
	read, readErr := framing.Read(bytes.NewReader(raw), nil)
	if a, b := describeFrame(split, splitErr), describeFrame(read, readErr); a != b || split.Header != read.Header {
		t.Fatalf("%s: Split gives %q, Read %q", framing.Name(), a, b)
	}
	if splitErr != nil || split.KeepAlive {
		return
	}
	if len(rest)+len(split.Body) > len(raw) {
		t.Fatalf("%s: more bytes than came", framing.Name())
	}
	again, err := framing.Append(nil, split.Header, split.Body)
	if err != nil {
		t.Fatal(err)
	}
	back, rest, err := framing.Split(again)
	if err != nil || len(rest) != 0 || !cmp.Equal(back, split) {
		t.Fatalf("%s: %+v comes back as %+v, %v", framing.Name(), split, back, err)
	}
}
