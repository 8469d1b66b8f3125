// Package token decides what happens to payment tokens: whether an activation
// may be asked of the issuer (Screen), what the issuer's word makes of it
// (Conclude), whether a tap is good (Accept), and which life-cycle step may
// follow which (Status.After).
//
// It is pure: facts, time and randomness come in as arguments, decisions go
// out as values. A decline is a value, never an error. The package never reads
// a store, a socket or a clock. Start at Screen.
package token

import (
	"time"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/emv"
)

// Type says where a token lives (field 123 set 01 tag 06; the values are ours).
type Type string

// Token types.
const (
	CardOnFile    Type = "CF"
	SecureElement Type = "SE"
	Cloud         Type = "CB"
	ECommerce     Type = "EC"
)

// Types lists every type.
var Types = []Type{CardOnFile, SecureElement, Cloud, ECommerce}

// RequestorDigits is the length of a token requestor id (EMV Payment
// Tokenisation Framework: 11 digits).
const RequestorDigits = 11

// Token is one issued token. Number and PAN print masked.
type Token struct {
	Number        card.PAN
	Sequence      card.Sequence
	Expiry        card.Expiry
	Reference     string // 32 hexadecimal characters; safe to show (123.01.04)
	Status        Status
	Type          Type
	Requestor     string // token requestor id, 11 digits
	DeviceID      string // RFC 7638 thumbprint of the phone's key, shortened to 48 hex
	PAN           card.PAN
	PANSequence   card.Sequence
	PANExpiry     card.Expiry
	Issuer        string // name of the issuer that owns the PAN's range
	TransactionID string // 62.2 of the activation; names the token in every notice
	KeyVersion    int    // of the master key that the card key derives from
	ATC           uint16 // last application transaction counter accepted; 0 before the first tap
	Created       time.Time

	Version     emv.Version // of the cryptograms that its phone makes
	Merchant    string      // field 42 of the only merchant that may use it; "" for any
	SuspendedBy Party       // while it is Suspended
	Passcode    Passcode    // while it is Inactive; zero when there is none
}

// Device is what a wallet tells about the phone (field 125 set 01).
type Device struct {
	Type       string // 2 digits, ours: 01 phone, 02 tablet, 03 watch
	Language   string // ISO 639-1
	ID         string // see Token.DeviceID
	PhoneLast4 string
	Name       string
	Place      string
	IP         string
}

// Wallet is what a wallet thinks of the request (field 125 set 02).
type Wallet struct {
	Recommendation string // 0 approve, 1 step up, 2 decline
	Version        string
	DeviceScore    string // 1 to 5
	AccountScore   string // 1 to 5
	Reasons        string
	Source         string // how the PAN was entered, ours: K keyed, F on file, C camera
	AccountID      string
	EmailHash      string
}

// Notice tells an issuer what became of a token (0620, field 63.3). It is
// idempotent on TransactionID and Reason.
type Notice struct {
	Reason        NoticeReason
	TransactionID string
	Reference     string // of the token
	Result        string // 123.01.0E: result of device provisioning, "00" is good; of a passcode, see PasscodeResult
	Passcode      int    // number of the passcode that a NoticePasscode brings; 0 in all others
}

// NoticeReason is a message reason code (field 63.3).
type NoticeReason string

// Reasons of notices (wire profile; Visa-style numbers).
const (
	NoticeCreated     NoticeReason = "3700"
	NoticeDeactivated NoticeReason = "3701"
	NoticeSuspended   NoticeReason = "3702"
	NoticeResumed     NoticeReason = "3703"
	NoticeProvisioned NoticeReason = "3711" // what came of loading the phone
	NoticeTried       NoticeReason = "3712" // what came of a passcode
	NoticeCallCentre  NoticeReason = "3713" // activated by the issuer's call centre
	NoticeIssuerApp   NoticeReason = "3714" // activated in the issuer's app
	NoticePasscode    NoticeReason = "3715" // ours: brings a passcode for the cardholder
	NoticeExpiry      NoticeReason = "3720" // the card's expiry date is another
	NoticeReplaced    NoticeReason = "3721" // the PAN is another
)
