package phone

import "fmt"

// Sizes of short commands and answers (ISO/IEC 7816-4, 7816-3).
const (
	CommandBytesMax = 5 + 255 + 1 // header, length, data, expected length
	AnswerBytesMax  = 256 + 2     // data and status word

	headerBytes = 4
	aidBytesMin = 5
	aidBytesMax = 16
)

// Status is a status word, the last two bytes of an answer (ISO/IEC 7816-4).
type Status uint16

// Status words that a phone gives.
const (
	statusOK              Status = 0x9000
	statusAuthFailed      Status = 0x6300
	statusWrongLength     Status = 0x6700
	statusWrongOrder      Status = 0x6985
	statusWrongData       Status = 0x6A80
	statusNotFound        Status = 0x6A82
	statusRecordNotFound  Status = 0x6A83
	statusWrongParameters Status = 0x6A86
	statusUnknownCommand  Status = 0x6D00
	statusUnknownClass    Status = 0x6E00
	statusFault           Status = 0x6F00
)

// String is the four hexadecimal digits.
func (s Status) String() string { return fmt.Sprintf("%04X", uint16(s)) }

func (s Status) append(answer []byte) []byte { return append(answer, byte(s>>8), byte(s)) }

// apdu is one command without its expected length, which phones may ignore:
// every answer is given whole.
type apdu struct {
	class, instruction, p1, p2 byte
	data                       []byte
}

// parseCommand takes a short command of any of the four cases apart.
func parseCommand(b []byte) (apdu, Status) {
	if len(b) < headerBytes || len(b) > CommandBytesMax {
		return apdu{}, statusWrongLength
	}
	c := apdu{class: b[0], instruction: b[1], p1: b[2], p2: b[3]}
	body := b[headerBytes:]
	if len(body) <= 1 {
		return c, statusOK
	}
	length, rest := int(body[0]), body[1:]
	if length == 0 || len(rest) < length || len(rest) > length+1 {
		return apdu{}, statusWrongLength
	}
	c.data = rest[:length]
	return c, statusOK
}
