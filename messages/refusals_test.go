package messages_test

import (
	"time"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/emv"
	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/token"
)

// A refusal is a typed message that is not written, and why.
type refusal struct {
	what  string
	typed func() messages.Message
	want  string
}

var refusals = []refusal{
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
}

// refusalsOfSteps are those of steps in a token's life, reversals, advices and
// payments without a terminal.
var refusalsOfSteps = []refusal{
	{"half a minted token", changed(activation, func(r *messages.ActivationRequest) {
		r.Minted = &messages.MintedToken{Number: card.MustPAN(tokenDigits), Reference: "0f1e"}
	}), "field 123.01.05: is mandatory"},
	{"a step-up with a token, without currency", changed(steppedUp, func(a *messages.ActivationAnswer) {
		a.Currency = ""
	}), "field 49: is mandatory in a 0110"},
	{"a method that nobody knows", changed(steppedUp, func(a *messages.ActivationAnswer) { a.Method = "04" }), "field 123.01.0D: must be one of 01, 02, 03"},
	{"a passcode notice without its passcode", changed(passcodeNotice, func(n *messages.Notification) {
		n.Code = token.ActivationCode{}
	}), "field 123.01.0B: is mandatory in a 0620"},
	{"a passcode that expires in 2100", changed(passcodeNotice, func(n *messages.Notification) {
		n.CodeExpires = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)
	}), "field 123.01.0C: must be a time"},
	{"a passcode that expired in 1999", changed(passcodeNotice, func(n *messages.Notification) {
		n.CodeExpires = time.Date(1999, 12, 31, 23, 59, 59, 0, time.UTC)
	}), "field 123.01.0C: must be a time"},
	{"a remote request with a shop's condition", changed(verification, func(r *messages.RemoteRequest) {
		r.Condition = "00"
	}), "field 25: must be one of 51, 59"},
	{"a remote request with a tap's entry mode", changed(purchase, func(r *messages.RemoteRequest) { r.EntryMode = "0710" }), "field 22: is a tap's"},
	{"a verification of an amount", changed(verification, func(r *messages.RemoteRequest) { r.Amount = 1 }), "field 4: must be 0"},
	{"a requestor beside a token", changed(purchase, func(r *messages.RemoteRequest) {
		r.Token = tokenData()
	}), "field 123.01.03: is the token's where there is a token"},
	{"a requestor beside a tap's token", changed(tap, func(r *messages.TapRequest) {
		r.Requestor, r.Token = "40010030273", tokenData()
	}), "field 123.01.03: is the token's where there is a token"},
	{"an e-commerce cryptogram of 4 bytes", changed(purchase, func(r *messages.RemoteRequest) {
		r.Cryptogram.Cryptogram = cryptogram(arpcHex)
	}), "field 126.9: an e-commerce cryptogram is 20 bytes"},
	{"a remote answer without its condition", func() messages.Message {
		a := purchase().Answer(transactionID, approved(0))
		a.Condition = ""
		return a
	}, "field 25: is mandatory in a 0110"},
	{"a remote answer with another condition", func() messages.Message {
		a := purchase().Answer(transactionID, approved(0))
		a.Condition = "00"
		return a
	}, "field 25: must be one of 51, 59"},
	{"an empty file update", func() messages.Message { return &messages.FileUpdate{} }, "field 91: is mandatory in a 0302"},
	{"a file action that nobody knows", changed(suspend, func(r *messages.FileUpdate) { r.Action = "1" }), "field 91: must be one of 2, 5"},
	{"a change without a reason", changed(suspend, func(r *messages.FileUpdate) { r.Reason = "" }), "field 63.3: is mandatory in a 0302"},
	{"a change that only a notice tells of", changed(suspend, func(r *messages.FileUpdate) {
		r.Reason = token.NoticeProvisioned
	}), "field 63.3: must be one of"},
	{"an inquiry with a reason", changed(suspend, func(r *messages.FileUpdate) {
		r.Action = messages.FileInquiry
	}), "field 63.3: must be absent in an inquiry"},
	{"a change of no token", changed(suspend, func(r *messages.FileUpdate) {
		r.Reference = ""
	}), "field 123.01.04: is mandatory in a 0302 without 123.01.01"},
	{"a replacement without an expiry date", changed(suspend, func(r *messages.FileUpdate) {
		r.Reason, r.PAN = token.NoticeReplaced, card.MustPAN(newPANDigits)
	}), "field 14: is mandatory in a 0302"},
	{"an approved change without its token", func() messages.Message {
		return suspend().Answer(updated(token.Approved), transactionID, nil, true)
	}, "field 123.01.01: is mandatory in a 0312"},
	{"a reversal of nothing", changed(reversal, func(r *messages.Reversal) {
		r.Original = messages.Original{}
	}), "field 90: is mandatory in a 0400"},
	{"a reversal of a reversal", changed(reversal, func(r *messages.Reversal) { r.Original.MTI = "0400" }), "field 90: must begin with one of"},
	{"an acquirer with leading zeros", changed(reversal, func(r *messages.Reversal) {
		r.Original.Acquirer = "0400552"
	}), "field 90: cannot hold the value"},
	{"an acquirer of 12 digits", changed(reversal, func(r *messages.Reversal) {
		r.Original.Acquirer = "123456789012"
	}), "field 90: must be 42 digits"},
	{"a trace number of 5 digits before a time of 11", changed(reversal, func(r *messages.Reversal) {
		r.Original.STAN, r.Original.Transmitted = "00012", "11221234560"
	}), "field 90: cannot hold the value"},
	{"an empty advice", func() messages.Message { return &messages.Advice{} }, "field 2: is mandatory in a 0120"},
	{"an advice without its reason", changed(advice, func(r *messages.Advice) { r.StandIn = "" }), "field 63.4: is mandatory in a 0120"},
}
