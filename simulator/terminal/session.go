package terminal

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/firsttap/firsttap/emv"
)

// Status words with a meaning here (ISO/IEC 7816-4).
const (
	statusOK         = 0x9000
	statusAuthFailed = 0x6300
)

const directory = "2PAY.SYS.DDF01" // the contactless directory, EMV Book B 3.3.1

const (
	aidBytesMin = 5
	aidBytesMax = 16
	dataMax     = 255
)

// session is one card in the field.
type session struct {
	card       Card
	transcript []Exchange
}

// send puts one command to the card and takes its answer apart. shown is what
// the transcript tells of the command's data.
func (s *session) send(ctx context.Context, name, shown string, header, data []byte) ([]byte, error) {
	command := bytes.Clone(header)
	if len(data) > dataMax {
		return nil, &CommandError{Command: name, Err: fmt.Errorf("%w: it wants %d bytes of data, more than %d", ErrAnswer, len(data), dataMax)}
	}
	if len(data) > 0 {
		command = append(append(command, byte(len(data))), data...)
	}
	answer, err := s.card.Transmit(ctx, append(command, 0))
	if err != nil {
		return nil, &CommandError{Command: name, Err: err}
	}
	if len(answer) < 2 || len(answer) > AnswerBytesMax {
		return nil, &CommandError{Command: name, Err: fmt.Errorf("%w: it has %d bytes, 2 to %d are allowed", ErrAnswer, len(answer), AnswerBytesMax)}
	}
	body, status := answer[:len(answer)-2], binary.BigEndian.Uint16(answer[len(answer)-2:])
	s.transcript = append(s.transcript, Exchange{Command: name, Sent: shown, Status: status, Answer: describe(body)})
	if status != statusOK {
		return nil, &CommandError{Command: name, Status: status}
	}
	return body, nil
}

// ask is send for commands that answer with data objects inside template.
func (s *session) ask(ctx context.Context, name, shown string, header, data []byte, template emv.Tag) ([]emv.TLV, error) {
	body, err := s.send(ctx, name, shown, header, data)
	if err != nil {
		return nil, err
	}
	list, err := emv.ParseTLV(body)
	if err != nil {
		return nil, &CommandError{Command: name, Err: fmt.Errorf("%w: %w", ErrAnswer, err)}
	}
	if len(list) != 1 || list[0].Tag != template {
		return nil, &CommandError{Command: name, Err: fmt.Errorf("%w: it is not one template %s", ErrAnswer, template)}
	}
	return list, nil
}

// selectDirectory asks which applications the card has and takes the first,
// which is the one its owner prefers.
func (s *session) selectDirectory(ctx context.Context) ([]byte, error) {
	const name = "SELECT PPSE"
	list, err := s.ask(ctx, name, directory, []byte{0x00, 0xA4, 0x04, 0x00}, []byte(directory), emv.TagFCI)
	if err != nil {
		return nil, err
	}
	aid, ok := emv.Find(list, emv.TagAID)
	if !ok || len(aid) < aidBytesMin || len(aid) > aidBytesMax {
		return nil, &CommandError{Command: name, Err: missing(emv.TagAID, "application identifier")}
	}
	return aid, nil
}

// selectApplication gives the list of what the card wants to know (PDOL). A
// card without one wants nothing.
func (s *session) selectApplication(ctx context.Context, aid []byte) ([]byte, error) {
	list, err := s.ask(ctx, "SELECT AID", fmt.Sprintf("%X", aid), []byte{0x00, 0xA4, 0x04, 0x00}, aid, emv.TagFCI)
	if err != nil {
		return nil, err
	}
	pdol, _ := emv.Find(list, emv.TagPDOL)
	return pdol, nil
}

// processingOptions begins the transaction. The answer holds the cryptogram.
func (s *session) processingOptions(ctx context.Context, pdol []byte, purchase Purchase) (objects, error) {
	const name = "GET PROCESSING OPTIONS"
	data, err := purchase.dataFor(pdol)
	if err != nil {
		return nil, &CommandError{Command: name, Err: err}
	}
	list, err := s.ask(ctx, name, fmt.Sprintf("%X", data), []byte{0x80, 0xA8, 0x00, 0x00},
		emv.AppendTLV(nil, emv.TagCommand, data), emv.TagResponse)
	if err != nil {
		return nil, err
	}
	found := objects{}
	if err := found.add(list); err != nil {
		return nil, &CommandError{Command: name, Err: err}
	}
	return found, nil
}

// readRecords reads what the application file locator points to (EMV Book 3
// 10.2): entries of four bytes with file, first, last and a count.
func (s *session) readRecords(ctx context.Context, found objects) error {
	locator := found[emv.TagAFL]
	if len(locator)%4 != 0 {
		return &CommandError{Command: "READ RECORD", Err: fmt.Errorf("%w: the file locator has %d bytes, not a multiple of 4", ErrAnswer, len(locator))}
	}
	left := RecordsMax
	for entry := range slices.Chunk(locator, 4) {
		file, first, last := entry[0]>>3, int(entry[1]), int(entry[2])
		if first == 0 || last < first || file == 0 || file > 30 {
			return &CommandError{Command: "READ RECORD", Err: fmt.Errorf("%w: the file locator points to no record", ErrAnswer)}
		}
		if left -= last - first + 1; left < 0 {
			return &CommandError{Command: "READ RECORD", Err: fmt.Errorf("%w: the file locator names more than %d records", ErrAnswer, RecordsMax)}
		}
		for record := first; record <= last; record++ {
			if err := s.readRecord(ctx, file, byte(record), found); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *session) readRecord(ctx context.Context, file, record byte, found objects) error {
	name := fmt.Sprintf("READ RECORD %d of file %d", record, file)
	list, err := s.ask(ctx, name, "", []byte{0x00, 0xB2, record, file<<3 | 4}, nil, emv.TagRecord)
	if err != nil {
		return err
	}
	if err := found.add(list); err != nil {
		return &CommandError{Command: name, Err: err}
	}
	return nil
}

func meaning(status uint16) string {
	switch {
	case status == statusAuthFailed:
		return "authentication failed"
	case status == 0x6700:
		return "wrong length"
	case status == 0x6985:
		return "conditions of use not satisfied"
	case status == 0x6A80:
		return "wrong data"
	case status == 0x6A82:
		return "no such application or file"
	case status == 0x6A83:
		return "no such record"
	case status == 0x6A86:
		return "wrong parameters"
	case status>>8 == 0x6D:
		return "unknown command"
	case status>>8 == 0x6E:
		return "unknown command class"
	default:
		return "see ISO/IEC 7816-4"
	}
}
