package messages_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/emv"
	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/token"
)

// What Decode would not give back is not written.
func TestEncodeRefuses(t *testing.T) {
	for _, c := range slices.Concat(refusals, refusalsOfSteps) {
		t.Run(c.what, func(t *testing.T) {
			m, err := messages.Encode(c.typed())
			var fault *messages.FieldError
			if m != nil || !errors.As(err, &fault) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

func steppedUp() *messages.ActivationAnswer {
	waiting := inactiveToken()
	return activation().Answer(transactionID, stepUp(dcvv2.Match), &waiting)
}

func passcodeNotice() *messages.Notification {
	n := notification(token.NoticePasscode, "")
	n.Code, n.CodeExpires = activationCode(), at
	return n
}

func suspend() *messages.FileUpdate { return change(token.NoticeSuspended) }

func tokenData() *messages.TokenData {
	data := messages.TokenDataOf(mintedToken())
	return &data
}

func tapAnswer() *messages.TapAnswer {
	return tap().Answer(transactionID, tapApproved(), cryptogram(arpcHex))
}

func changed[T any, P interface {
	*T
	messages.Message
}](made func() P, change func(P)) func() messages.Message {
	return func() messages.Message {
		typed := made()
		change(typed)
		return typed
	}
}

// Encoding only reads: a message may be on its way twice.
func TestEncodeChangesNothing(t *testing.T) {
	fresh := family()
	for i, e := range family() {
		encoded(t, e)
		if d := differ(fresh[i].typed, e.typed); d != "" {
			t.Errorf("%s is another one after encoding:\n%s", e.name, d)
		}
	}
	bare := tap()
	bare.Tap.EntryMode, bare.Tap.Currency = "", "" // as a merchant may leave them
	if encoded(t, example{typed: bare}); bare.Tap.EntryMode != "" || bare.Tap.Currency != "" {
		t.Error("encoding fills in the tap")
	}
}

// An answer without an ARPC says nothing to the card.
func TestNoARPCNoStatusUpdate(t *testing.T) {
	answer := tap().Answer(transactionID, tapApproved(), emv.Cryptogram{})
	if answer.CSU != [4]byte{} || encoded(t, example{typed: answer}).HasField(55) {
		t.Error("a card status update without the ARPC that covers it")
	}
}

func TestForIssuer(t *testing.T) {
	asked := activation()
	asked.Repeat = true
	for result, blanked := range map[dcvv2.Result]bool{
		dcvv2.Match: true, dcvv2.NoMatch: false, dcvv2.ShouldBePresent: false, dcvv2.NotParticipating: false,
	} {
		forwarded := asked.ForIssuer(transactionID, messages.Additional{CVV2: result})
		switch {
		case forwarded.Repeat || forwarded.TransactionID != transactionID || forwarded.Checked.CVV2 != result:
			t.Errorf("%s: %+v", result, forwarded)
		case blanked && forwarded.Activation.CVV2 != (dcvv2.Presented{Presence: dcvv2.PresenceDynamic}):
			t.Errorf("%s: the issuer gets the code", result)
		case !blanked && forwarded.Activation.CVV2 != asked.Activation.CVV2:
			t.Errorf("%s: the issuer does not get what came", result)
		}
	}
	if !asked.Activation.CVV2.HasCode() || !asked.Repeat {
		t.Error("forwarding changes the request")
	}

	tapped, minted := tap(), mintedToken()
	tapped.Requestor = minted.Requestor
	forwarded := tapped.ForIssuer(transactionID, messages.Additional{}, minted)
	if forwarded.Tap.Number != minted.PAN || forwarded.Tap.Expiry != minted.PANExpiry || forwarded.Token.Number != minted.Number || forwarded.Requestor != "" {
		t.Error("the issuer does not get the PAN in place of the token")
	}
	if tapped.Tap.Number != minted.Number || tapped.Token != nil {
		t.Error("forwarding changes the tap")
	}
}

// With a token the issuer gets the PAN and no cryptogram; without one it gets
// what came, but for a code that matched.
func TestRemoteForIssuer(t *testing.T) {
	bought, minted := purchase(), mintedToken()
	bought.Repeat = true
	forwarded := bought.ForIssuer(transactionID, messages.Additional{Authentication: token.ARQCVerified}, &minted)
	if forwarded.Number != minted.PAN || forwarded.Expiry != minted.PANExpiry || forwarded.Sequence != minted.PANSequence ||
		forwarded.Token == nil || forwarded.Token.Number != minted.Number {
		t.Error("the issuer does not get the PAN in place of the token, and the token beside it")
	}
	if !forwarded.Cryptogram.IsZero() || forwarded.Requestor != "" || forwarded.Repeat {
		t.Errorf("forwards %+v", forwarded)
	}
	if bought.Number != minted.Number || bought.Token != nil || bought.Cryptogram.IsZero() || !bought.Repeat {
		t.Error("forwarding changes the request")
	}

	asked := verification()
	for result, blanked := range map[dcvv2.Result]bool{dcvv2.Match: true, dcvv2.NoMatch: false, dcvv2.NotProcessed: false} {
		forwarded := asked.ForIssuer(transactionID, messages.Additional{CVV2: result}, nil)
		if forwarded.CVV2.HasCode() == blanked || forwarded.Number != asked.Number || forwarded.Checked.CVV2 != result {
			t.Errorf("%s: the issuer gets a code %t", result, !blanked)
		}
	}
}

// The ARPC of method 1 covers the response, that of method 2 the card status
// update: each travels with the other left out.
func TestBothMethodsTravel(t *testing.T) {
	one := tap().Answer(transactionID, tapApproved(), cryptogram(arpc1Hex))
	two := tap().Answer(transactionID, tapApproved(), cryptogram(arpcHex))
	if one.ARC != [2]byte{'0', '0'} || one.CSU != [4]byte{} || two.ARC != [2]byte{} || two.CSU != csuApproved {
		t.Errorf("method 1 has %v %v, method 2 %v %v", one.ARC, one.CSU, two.ARC, two.CSU)
	}
}

// What a token is told of by 0312 hangs on the outcome and on who asks.
func TestFileUpdateAnswers(t *testing.T) {
	after := mintedToken()
	for _, c := range []struct {
		response       token.Response
		withPAN        bool
		token, pan, to bool
	}{
		{token.Approved, true, true, true, true},
		{token.Approved, false, true, false, true},
		{token.RestrictedCard, true, false, false, false},
	} {
		o := updated(c.response)
		o.Method = token.ByCallCentre
		a := suspend().Answer(o, transactionID, &after, c.withPAN)
		if (a.Token != nil) != c.token || a.PAN.IsZero() == c.pan || a.PANExpiry.IsZero() == c.pan || (a.Method != "") != c.to {
			t.Errorf("39=%s, for the issuer %t: %+v", c.response, c.withPAN, a)
		}
	}
}

// The part of a second that a passcode lives longer is not told.
func TestMomentsAreCut(t *testing.T) {
	n := passcodeNotice()
	n.CodeExpires = time.Date(2026, 11, 22, 4, 34, 56, 999_999_999, time.FixedZone("", -8*3600))
	m := encoded(t, example{typed: n})
	if got := m.Text(path(t, "123.01.0C")); got != "261122123456" {
		t.Errorf("written %s", got)
	}
}
