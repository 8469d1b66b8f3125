package terminal

import (
	"context"
	"errors"
	"fmt"

	"github.com/firsttap/firsttap/emv"
)

// Lengths of issuer authentication data (tag 91, EMV Book 2 8.2): an ARPC of
// method 1 and the response code, or one of method 2 and the card status
// update.
const (
	method1Bytes = emv.ARPC1Bytes + 2
	method2Bytes = emv.ARPC2Bytes + 4
)

// IssuerAnswer is what an issuer has for the card. The length of ARPC says
// which method it is by: 8 bytes are method 1 and cover ARC, 4 bytes are method
// 2 and cover CSU. ARPC prints masked. The zero value is nothing.
type IssuerAnswer struct {
	ARPC emv.Cryptogram
	ARC  [2]byte // response code as two characters, method 1
	CSU  [4]byte // card status update, method 2
}

// ParseIssuerAnswer reads the value of tag 91: 10 bytes by method 1, 8 by
// method 2. Another length gives ErrIssuerAnswer.
func ParseIssuerAnswer(tag91 []byte) (IssuerAnswer, error) {
	var a IssuerAnswer
	var err error
	switch len(tag91) {
	case method1Bytes:
		a.ARC = [2]byte(tag91[emv.ARPC1Bytes:])
		a.ARPC, err = emv.NewCryptogram(tag91[:emv.ARPC1Bytes])
	case method2Bytes:
		a.CSU = [4]byte(tag91[emv.ARPC2Bytes:])
		a.ARPC, err = emv.NewCryptogram(tag91[:emv.ARPC2Bytes])
	default:
		err = fmt.Errorf("%w: tag 91 has %d or %d bytes, not %d", ErrIssuerAnswer, method2Bytes, method1Bytes, len(tag91))
	}
	return a, err
}

// IsZero reports whether there is nothing for the card.
func (a IssuerAnswer) IsZero() bool { return a.ARPC.IsZero() }

// data is the value of tag 91.
func (a IssuerAnswer) data() ([]byte, error) {
	arpc := a.ARPC.Reveal()
	switch len(arpc) {
	case emv.ARPC1Bytes:
		return append(arpc, a.ARC[:]...), nil
	case emv.ARPC2Bytes:
		return append(arpc, a.CSU[:]...), nil
	default:
		return nil, fmt.Errorf("%w: an ARPC has %d or %d bytes, not %d", ErrIssuerAnswer, emv.ARPC2Bytes, emv.ARPC1Bytes, len(arpc))
	}
}

// Complete brings the issuer's answer to the card (EXTERNAL AUTHENTICATE, EMV
// Book 3 6.5.4). nil means that the card accepted it; ErrIssuerRefused that it
// did not. An answer that no card could be told gives ErrIssuerAnswer.
func Complete(ctx context.Context, c Card, answer IssuerAnswer) error {
	data, err := answer.data()
	if err != nil {
		return err
	}
	s := &session{card: c}
	_, err = s.send(ctx, "EXTERNAL AUTHENTICATE", "issuer's cryptogram and what it covers",
		[]byte{0x00, 0x82, 0x00, 0x00}, data)
	var broken *CommandError
	if errors.As(err, &broken) && broken.Status == statusAuthFailed {
		broken.Err = ErrIssuerRefused
	}
	return err
}
