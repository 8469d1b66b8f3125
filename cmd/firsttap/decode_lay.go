package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/firsttap/firsttap/specs"
)

// decoded is what decode prints with --json.
type decoded struct {
	OK        bool           `json:"ok"`
	KeepAlive bool           `json:"keepAlive,omitempty"` // a frame without a message
	Header    *decodedHeader `json:"header,omitempty"`
	Elements  []element      `json:"elements"`
	Fault     *fault         `json:"fault,omitempty"`
}

type decodedHeader struct {
	Destination string `json:"destination"`
	Source      string `json:"source"`
	Reject      string `json:"reject,omitempty"`
}

type element struct {
	Offset int    `json:"offset"`
	Length int    `json:"length"`
	Depth  int    `json:"depth"`
	Path   string `json:"path"`
	Name   string `json:"name"`
	Value  string `json:"value,omitempty"`
}

// framePath is the path of a fault that is not in the message.
const framePath = "frame"

type fault struct {
	Kind   string `json:"kind"`
	Offset int    `json:"offset"`
	Path   string `json:"path,omitempty"`
	Detail string `json:"detail"`
}

// lay takes a frame apart. Offsets count from the first byte given.
func lay(codec *specs.Codec, framing specs.Framing, raw []byte, unsafe bool) decoded {
	frame, rest, err := framing.Split(raw)
	if err != nil {
		return decoded{Elements: []element{}, Fault: frameFault(err, len(raw))}
	}
	d := decoded{KeepAlive: frame.KeepAlive, Elements: []element{}}
	start := len(raw) - len(rest) - len(frame.Body)
	if framing.Name() == specs.FramingVAP && !frame.KeepAlive {
		d.Header = &decodedHeader{
			Destination: fmt.Sprintf("%06d", frame.Header.Destination),
			Source:      fmt.Sprintf("%06d", frame.Header.Source), Reject: frame.Header.Reject,
		}
	}
	if !frame.KeepAlive {
		d.inspect(codec, frame.Body, start, unsafe)
	}
	if d.Fault == nil && len(rest) > 0 {
		d.Fault = &fault{
			Kind: "trailing", Offset: len(raw) - len(rest), Path: framePath,
			Detail: fmt.Sprintf("the frame ends here, %d more to come", len(rest)),
		}
	}
	d.OK = d.Fault == nil
	return d
}

func (d *decoded) inspect(codec *specs.Codec, body []byte, start int, unsafe bool) {
	found := codec.Inspect(body)
	clear := (*specs.Message)(nil)
	if unsafe {
		clear, _ = codec.Salvage(body)
	}
	for _, e := range found.Elements {
		d.Elements = append(d.Elements, element{
			Offset: start + e.Offset, Length: e.Length, Depth: e.Depth, Path: e.Path, Name: e.Name, Value: valueOf(e, clear),
		})
	}
	if f := found.Fault; f != nil {
		d.Fault = &fault{Kind: f.Kind.String(), Offset: start + f.Offset, Path: f.Path, Detail: f.Detail}
	}
}

// valueOf is an element's value, in clear where clear has it.
func valueOf(e specs.Element, clear *specs.Message) string {
	path, err := specs.ParsePath(e.Path)
	if err != nil || clear == nil || e.Value == "" || !clear.Has(path) {
		return e.Value
	}
	text := clear.Text(path)
	if isBinary := len(e.Value) == 2*len(text); isBinary { // it is shown in hexadecimal, also behind stars
		return fmt.Sprintf("%X", text)
	}
	return text
}

// Where the parts of a vap frame begin.
const (
	reservedOffset = 2
	headerOffset   = 4
)

// frameFault places a frame's fault: where the bytes end, or at the part of
// the frame that is wrong.
func frameFault(err error, given int) *fault {
	var broken *specs.FrameError
	if !errors.As(err, &broken) {
		return &fault{Kind: "frame", Path: framePath, Detail: err.Error()}
	}
	f := &fault{Kind: string(broken.Kind), Path: framePath, Detail: broken.Detail}
	switch broken.Kind {
	case specs.FrameShort:
		f.Offset = given
	case specs.FrameReserved:
		f.Offset = reservedOffset
	case specs.FrameHeader:
		f.Offset = headerOffset
	}
	return f
}

func (d decoded) table() string {
	var b strings.Builder
	if d.KeepAlive {
		b.WriteString("keep-alive: a frame without a message\n")
	}
	if d.Header != nil {
		fmt.Fprintf(&b, "header: from %s to %s", d.Header.Source, d.Header.Destination)
		if d.Header.Reject != "" {
			fmt.Fprintf(&b, ", rejected with code %s", d.Header.Reject)
		}
		b.WriteByte('\n')
	}
	if len(d.Elements) > 0 {
		fmt.Fprintf(&b, "%5s %4s  %-12s %-36s %s\n", "byte", "len", "field", "name", "value")
	}
	for _, e := range d.Elements {
		indent := strings.Repeat("  ", e.Depth)
		line := fmt.Sprintf("%5d %4d  %-12s %-36s %s", e.Offset, e.Length, indent+e.Path, indent+e.Name, e.Value)
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	if d.Fault != nil {
		fmt.Fprintf(&b, "broken at byte %d, %s: %s: %s\n", d.Fault.Offset, d.Fault.place(), d.Fault.Kind, d.Fault.Detail)
	}
	return b.String()
}

// place is the fault's path in words.
func (f fault) place() string {
	if f.Path == framePath {
		return "in the frame"
	}
	return "field " + f.Path
}
