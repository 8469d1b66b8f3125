package terminal

import (
	"fmt"
	"strings"

	"github.com/firsttap/firsttap/emv"
)

// Exchange is one command and its answer, fit to be shown: numbers, expiry
// dates, tracks and cryptograms are masked.
type Exchange struct {
	Command string `json:"command"`          // as EMV Book 3 names it
	Sent    string `json:"sent,omitempty"`   // what the command carried
	Status  uint16 `json:"status"`           // status word
	Answer  string `json:"answer,omitempty"` // data objects, in the order of the answer
}

// String is the exchange in one line.
func (e Exchange) String() string {
	line := e.Command
	if e.Sent != "" {
		line += " " + e.Sent
	}
	line += fmt.Sprintf(" -> %04X", e.Status)
	if e.Answer != "" {
		line += " " + e.Answer
	}
	return line
}

// shown names the data objects whose values may be shown. All others are
// hidden, so a tag that nobody thought of cannot leak.
var shown = map[emv.Tag]bool{
	emv.TagAID: true, emv.TagDFName: true, emv.TagPriority: true, emv.TagPDOL: true,
	emv.TagAIP: true, emv.TagAFL: true, emv.TagATC: true, emv.TagIAD: true, emv.TagCID: true,
	emv.TagPANSequence: true, tagTokenRequestor: true, emv.TagCTQ: true, emv.TagFormFactor: true,
}

// describe writes the data objects of an answer as "82 2000 · 9F36 0001".
func describe(answer []byte) string {
	list, err := emv.ParseTLV(answer)
	if err != nil {
		return fmt.Sprintf("[%d bytes that are not data objects]", len(answer))
	}
	return strings.Join(describeList(nil, list), " · ")
}

func describeList(lines []string, list []emv.TLV) []string {
	for _, object := range list {
		switch {
		case len(object.Children) > 0:
			lines = describeList(lines, object.Children)
		case object.Tag == emv.TagLabel:
			lines = append(lines, fmt.Sprintf("%s %q", object.Tag, object.Value))
		case shown[object.Tag]:
			lines = append(lines, fmt.Sprintf("%s %X", object.Tag, object.Value))
		default:
			lines = append(lines, fmt.Sprintf("%s [%d bytes hidden]", object.Tag, len(object.Value)))
		}
	}
	return lines
}
