// Package messages gives the wire its meaning: one typed pair of request and
// answer for each message of the family, and the only place besides specs
// where field numbers are known.
//
// Each type describes itself once, in its bind method, which serves both
// directions: encoding and decoding cannot drift apart. The package never does
// I/O and never decides. Start at Decode, and at Encode for the way back.
package messages

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/specs"
)

// Message is one typed message of the family.
type Message interface {
	// MTI is the message type identifier, four digits.
	MTI() string
	bind(b *binding)
}

// FieldError says which field of a well-formed message does not hold what its
// message type needs. It carries no value.
type FieldError struct {
	Path    string // "63.3", or "55" of chip data as a whole
	Problem string // in words, to be read after the path
	Err     error  // what the value's type says of it; nil for a field that is missing
}

// Unwrap is Err.
func (e *FieldError) Unwrap() error { return e.Err }

// Error is the path and the problem.
func (e *FieldError) Error() string { return fmt.Sprintf("field %s: %s", e.Path, e.Problem) }

// UnknownError says that no message of the family has this type and marks.
type UnknownError struct {
	MTI string
}

// Error names the type.
func (e *UnknownError) Error() string {
	return fmt.Sprintf("message type %s with these fields is not one of the family", e.MTI)
}

// Decode gives the typed message, or *UnknownError, or *FieldError for the
// first field that is missing or does not fit.
func Decode(m *specs.Message) (Message, error) {
	typed := blank(m)
	if typed == nil {
		return nil, &UnknownError{MTI: m.MTI()}
	}
	b := &binding{message: m, decoding: true}
	typed.bind(b)
	if b.err != nil {
		return nil, b.err
	}
	return typed, nil
}

// Encode gives the fields of a typed message, or *FieldError for the first
// mandatory one that is empty and for a value that Decode would not give back.
// Lengths and characters of texts are checked by the codec.
func Encode(typed Message) (*specs.Message, error) {
	b := encoding(typed)
	if b.err != nil {
		return nil, b.err
	}
	return b.message, nil
}

func encoding(typed Message) *binding {
	b := &binding{message: specs.NewMessage(typed.MTI())}
	switch typed.MTI()[:3] {
	case "010":
		b.message.Grow(requestValuesGuess)
	case "011":
		b.message.Grow(answerValuesGuess)
	}
	typed.bind(b)
	return b
}

// Room for the values of a request or answer: a tap on its way to the issuer
// has 40, the answer to an activation 21.
const (
	requestValuesGuess = 48
	answerValuesGuess  = 24
)

// blank chooses the type by the message type identifier and the marks that
// the family uses: the message reason (63.3), for a tap chip data (55) or the
// entry mode of contactless chip (22 = 07xx), and the condition (25) of a
// request without a terminal.
func blank(m *specs.Message) Message {
	repeat := strings.HasSuffix(m.MTI(), "1")
	switch m.MTI() {
	case "0100", "0101":
		return blankRequest(m, repeat)
	case "0110":
		return blankAnswer(m)
	case "0120", "0121":
		return &Advice{Repeat: repeat}
	case "0130":
		return &AdviceAnswer{}
	case "0302":
		return &FileUpdate{}
	case "0312":
		return &FileUpdateAnswer{}
	case "0400", "0401", "0420", "0421":
		return &Reversal{Advice: m.MTI()[2] == '2', Repeat: repeat}
	case "0410", "0430":
		return &ReversalAnswer{Advice: m.MTI()[2] == '3'}
	case "0620":
		return &Notification{}
	case "0630":
		return &NotificationAnswer{}
	case "0800":
		return &NetworkRequest{}
	case "0810":
		return &NetworkAnswer{}
	}
	return nil
}

func blankRequest(m *specs.Message, repeat bool) Message {
	switch {
	case isActivation(m):
		return &ActivationRequest{Repeat: repeat}
	case m.HasField(fieldChip), strings.HasPrefix(m.Text(fieldEntryMode), contactlessChip):
		return &TapRequest{Repeat: repeat}
	case isRemote(m):
		return &RemoteRequest{Repeat: repeat}
	}
	return nil
}

func blankAnswer(m *specs.Message) Message {
	switch {
	case isActivation(m):
		return &ActivationAnswer{}
	case isRemote(m):
		return &RemoteAnswer{}
	}
	return &TapAnswer{}
}

func isActivation(m *specs.Message) bool { return m.Text(fieldReason) == string(reasonActivation) }

// contactlessChip begins field 22 of a tap.
const contactlessChip = "07"

// AnswerMTI is the type of the answer to a request: its third digit goes up by
// one, and a repeat, whose last digit is odd, is answered like its original
// (ISO 8583:1987). It is "" for the type of an answer, whose third digit is
// odd, and for what is no type.
func AnswerMTI(mti string) string {
	if len(mti) != 4 || !strings.ContainsRune("02468", rune(mti[2])) {
		return ""
	}
	const repeatBit = 1 // the last digit says who began, in pairs: itself, then its repeat
	return mti[:2] + string(mti[2]+1) + string(mti[3]&^repeatBit)
}

// Key names a message among those under way on one connection: the class of
// its type and fields 7, 11, 32, 37 and 41. A question and its answer have the
// same key.
func Key(m *specs.Message) string {
	mti := m.MTI()
	if len(mti) != 4 {
		return ""
	}
	var room [keyBytesGuess]byte
	key := append(room[:0], mti[0], mti[1], (mti[2]-'0')/2*2+'0')
	for _, p := range keyFields {
		key = append(append(key, '/'), m.Text(p)...)
	}
	return string(key)
}

// keyBytesGuess is room for a key: one of a message of visa-style has 54 bytes.
const keyBytesGuess = 64

// KeyFields names the parts of a Key, in their order.
func KeyFields() []string {
	return []string{"message class", "field 7", "field 11", "field 32", "field 37", "field 41"}
}

// Refusal is the answer to a request that cannot be served as typed, such as
// one with a format error (39 = 30): its trace elements come back as they came,
// and what else an answer repeats as far as the answer can then be read. It is
// nil for a message that has no answer, being one itself.
func Refusal(request *specs.Message, response string) *specs.Message {
	mti := AnswerMTI(request.MTI())
	if mti == "" {
		return nil
	}
	answer := specs.NewMessage(mti)
	for _, p := range echoed {
		if request.Has(p) && echoes(request, p) {
			answer.Set(p, request.Text(p))
		}
	}
	answer.Set(fieldResponse, response)
	return answer
}

// echoes reports whether an answer may repeat a field and still be read: not a
// number that is no PAN, and not the mark of another answer.
func echoes(request *specs.Message, p specs.Path) bool {
	switch p {
	case fieldPAN:
		_, err := card.ParsePAN(request.Text(p))
		return err == nil
	case fieldCondition:
		_, tap := blank(request).(*TapRequest)
		return !tap || !isRemote(request)
	}
	return true
}

// contentOf is every value of a typed message but its type and its times, each
// with its path and its length, so that no two messages have the same.
func contentOf(typed Message) []byte {
	b := encoding(typed)
	for _, p := range times {
		b.message.Delete(p)
	}
	content := make([]byte, 0, contentBytesGuess)
	for p, text := range b.message.All() {
		content = append(p.Append(content), ' ')
		content = append(strconv.AppendInt(content, int64(len(text)), 10), ' ')
		content = append(append(content, text...), '\n')
	}
	return content
}

// contentBytesGuess is room for a content: one of an activation has about 700
// bytes.
const contentBytesGuess = 768
