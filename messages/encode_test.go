package messages_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/emv"
	"github.com/firsttap/firsttap/messages"
)

// What Decode would not give back is not written.
func TestEncodeRefuses(t *testing.T) {
	for _, c := range []struct {
		what  string
		typed func() messages.Message
		want  string
	}{
		{"no token requestor", changed(activation, func(r *messages.ActivationRequest) {
			r.Activation.Requestor = ""
		}), "field 123.01.03: is mandatory in a 0100"},
		{"nothing at all", func() messages.Message { return &messages.ActivationRequest{} }, "field 2: is mandatory in a 0100"},
		{"an empty notification", func() messages.Message { return &messages.Notification{} }, "field 2: is mandatory in a 0620"},
		{"an answer without a response", func() messages.Message { return &messages.NetworkAnswer{} }, "field 39: is mandatory in a 0810"},
		{"an unknown presence", changed(activation, func(r *messages.ActivationRequest) {
			r.Activation.CVV2 = dcvv2.Presented{Presence: 'x', Code: code(codeDigits)}
		}), "field 126.10: must be six characters"},
		{"a sequence number over 99", changed(activation, func(r *messages.ActivationRequest) {
			r.Activation.Sequence = 101
		}), "field 23: cannot hold the value"},
		{"an answerer of two characters", changed(activation, func(r *messages.ActivationRequest) {
			r.Checked.AnsweredBy = "25"
		}), "field 44: cannot hold the value"},
		{"an amount of 13 digits", changed(tap, func(r *messages.TapRequest) { r.Tap.Amount = emv.AmountMax + 1 }), "field 4: must be 12 digits"},
		{"a tap without a cryptogram", changed(tap, func(r *messages.TapRequest) { r.Tap.Cryptogram = emv.Cryptogram{} }), "field 55.01.9F26: is mandatory"},
		{"a cryptogram of 4 bytes", changed(tap, func(r *messages.TapRequest) { r.Tap.Cryptogram = cryptogram(arpcHex) }), "tag 9F26 has 4 bytes"},
		{"no issuer application data", changed(tap, func(r *messages.TapRequest) { r.Tap.Chip.IAD = nil }), "tag 9F10 has 0 bytes"},
		{"a signed amount of 13 digits", changed(tap, func(r *messages.TapRequest) {
			r.Tap.Chip.AmountAuthorised = emv.AmountMax + 1
		}), "over 12 digits"},
		{"a signed currency of 4 digits", changed(tap, func(r *messages.TapRequest) { r.Tap.Chip.Currency = 1000 }), "over 3 digits"},
		{"half a token", changed(tap, func(r *messages.TapRequest) { r.Token = &messages.TokenData{Requestor: "1"} }), "field 123.01.01: is mandatory"},
		{"an ARPC of 7 bytes", changed(tapAnswer, func(a *messages.TapAnswer) {
			a.ARPC = cryptogram(arpc1Hex[2:])
		}), "field 55.01.91: must have 8 or 10 bytes"},
		{"a response code that an ARPC of method 2 does not cover", changed(tapAnswer, func(a *messages.TapAnswer) {
			a.ARC = [2]byte{'0', '0'}
		}), "field 55.01.91: cannot hold the value"},
		{"a card status update that an ARPC of method 1 does not cover", changed(tapAnswer, func(a *messages.TapAnswer) {
			a.ARPC = cryptogram(arpc1Hex)
		}), "field 55.01.91: cannot hold the value"},
		{"a card status update without ARPC", changed(tapAnswer, func(a *messages.TapAnswer) {
			a.ARPC = emv.Cryptogram{}
		}), "field 55.01.91: must have 8 or 10 bytes"},
	} {
		t.Run(c.what, func(t *testing.T) {
			m, err := messages.Encode(c.typed())
			var fault *messages.FieldError
			if m != nil || !errors.As(err, &fault) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
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
	forwarded := tapped.ForIssuer(transactionID, messages.Additional{}, minted)
	if forwarded.Tap.Number != minted.PAN || forwarded.Tap.Expiry != minted.PANExpiry || forwarded.Token.Number != minted.Number {
		t.Error("the issuer does not get the PAN in place of the token")
	}
	if tapped.Tap.Number != minted.Number || tapped.Token != nil {
		t.Error("forwarding changes the tap")
	}
}
