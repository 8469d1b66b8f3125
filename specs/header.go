package specs

import (
	"encoding/binary"
	"encoding/hex"
	"strings"
)

// Header is what a vap frame says before its message (jPOS BASE1Header).
type Header struct {
	Destination uint32 // station that the message is for, 6 digits
	Source      uint32 // station that the message is from, 6 digits
	// Reject is set when the message is one of ours that the peer refused as a
	// whole: his reject code, 4 hexadecimal digits in upper case. Log it, match
	// it, never answer it.
	Reject string
}

// Answer is the header of the answer: the stations change places.
func (h Header) Answer() Header { return Header{Destination: h.Source, Source: h.Destination} }

// StationMax is the highest station number: six decimal digits.
const StationMax = 999999

// Layout of the header in bytes: H1 length, H2 and H3 formats, H4 total length,
// H5 and H6 stations, H7 to H12 flags that we leave zero and ignore; in a
// reject H13 bitmap and H14 reject code.
const (
	headerBytes       = 22
	rejectHeaderBytes = 26

	atFormat      = 1
	atTextFormat  = 2
	atTotal       = 3
	atDestination = 5
	atSource      = 8
	atRejectBits  = 22
	atRejectCode  = 24
)

const (
	headerFormat = 0x01 // H2
	textFormat   = 0x02 // H3
	// anotherHeader in H2 says that the header of the message that was
	// rejected follows.
	anotherHeader = 0x80
	// rejectBit in H13 says that H14 is there.
	rejectBit = 0x80
)

// size is the number of bytes that append writes.
func (h Header) size() int {
	if h.Reject != "" {
		return rejectHeaderBytes
	}
	return headerBytes
}

// append writes the header of a frame of total bytes.
func (h Header) append(dst []byte, total int) ([]byte, error) {
	if h.Destination > StationMax || h.Source > StationMax {
		return dst, frameFault(FrameHeader, "a station has more than six digits")
	}
	var room [rejectHeaderBytes]byte
	b := room[:h.size()]
	b[0], b[atFormat], b[atTextFormat] = byte(len(b)), headerFormat, textFormat
	binary.BigEndian.PutUint16(b[atTotal:], uint16(total))
	putStation(b[atDestination:], h.Destination)
	putStation(b[atSource:], h.Source)
	if h.Reject != "" {
		code, err := hex.DecodeString(h.Reject)
		if err != nil || len(code) != 2 {
			return dst, frameFault(FrameHeader, "a reject code has 4 hexadecimal digits")
		}
		b[atRejectBits] = rejectBit
		copy(b[atRejectCode:], code)
	}
	return append(dst, b...), nil
}

// parseHeader reads the header at the start of a frame's content and tells
// where the message begins.
func parseHeader(content []byte) (h Header, size int, err error) {
	if size, err = headerSize(content); err != nil {
		return Header{}, 0, err
	}
	if total := int(binary.BigEndian.Uint16(content[atTotal:])); total != len(content) {
		return Header{}, 0, frameFault(FrameHeader, "it says %d bytes, the frame has %d", total, len(content))
	}
	var goodDestination, goodSource bool
	h.Destination, goodDestination = station(content[atDestination:])
	h.Source, goodSource = station(content[atSource:])
	if !goodDestination || !goodSource {
		return Header{}, 0, frameFault(FrameHeader, "a station is not six decimal digits")
	}
	if size >= rejectHeaderBytes {
		h.Reject = strings.ToUpper(hex.EncodeToString(content[atRejectCode : atRejectCode+2]))
		size, err = passRejected(content, size)
	}
	if err == nil && size == len(content) {
		err = frameFault(FrameLength, "there is no message")
	}
	return h, size, err
}

// headerSize checks H1 to H3 and H13.
func headerSize(content []byte) (int, error) {
	if len(content) < headerBytes {
		return 0, frameFault(FrameHeader, "a header has %d bytes, the frame has %d", headerBytes, len(content))
	}
	size := int(content[0])
	format := content[atFormat] &^ anotherHeader
	switch {
	case size != headerBytes && size < rejectHeaderBytes:
		return 0, frameFault(FrameHeader, "it says to have %d bytes", size)
	case size > len(content):
		return 0, frameFault(FrameHeader, "it says to have %d bytes, the frame has %d", size, len(content))
	case format != headerFormat || content[atTextFormat] != textFormat:
		return 0, frameFault(FrameHeader, "its formats are %02X and %02X, not %02X and %02X",
			content[atFormat], content[atTextFormat], headerFormat, textFormat)
	case size == headerBytes && content[atFormat]&anotherHeader != 0:
		return 0, frameFault(FrameHeader, "another header follows one that is no reject")
	case size >= rejectHeaderBytes && content[atRejectBits]&rejectBit == 0:
		return 0, frameFault(FrameHeader, "it has %d bytes and no reject code", size)
	}
	return size, nil
}

// passRejected passes over the header of the rejected message, if it is there.
func passRejected(content []byte, size int) (int, error) {
	if content[atFormat]&anotherHeader == 0 {
		return size, nil
	}
	if len(content) <= size || content[size] < headerBytes || len(content)-size < int(content[size]) {
		return 0, frameFault(FrameHeader, "the rejected message's header is not complete")
	}
	return size + int(content[size]), nil
}

func putStation(dst []byte, station uint32) {
	for i := 2; i >= 0; i-- {
		dst[i], station = byte(station/10%10<<4|station%10), station/100
	}
}

func station(src []byte) (uint32, bool) {
	var number uint32
	for _, b := range src[:3] {
		if b>>4 > 9 || b&0x0F > 9 {
			return 0, false
		}
		number = number*100 + uint32(b>>4)*10 + uint32(b&0x0F)
	}
	return number, true
}
