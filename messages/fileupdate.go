package messages

import (
	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/token"
)

// FileAction is what a file update asks for (field 91, ISO 8583:1987).
type FileAction string

// Actions of file updates.
const (
	FileChange  FileAction = "2"
	FileInquiry FileAction = "5"
)

// FileActions lists every action.
var FileActions = []FileAction{FileChange, FileInquiry}

// FileReasons lists the reasons of a change: what a file update may do to a
// token.
var FileReasons = []token.NoticeReason{
	token.NoticeDeactivated, token.NoticeSuspended, token.NoticeResumed, token.NoticeTried, token.NoticeCallCentre,
	token.NoticeIssuerApp, token.NoticePasscode, token.NoticeExpiry, token.NoticeReplaced,
}

// fileTokens is the name of the only file, field 101 (ours).
const fileTokens = "TOKENS"

// FileUpdate is a step in a token's life that an issuer or requestor asks for,
// or an inquiry (0302, field 101 = TOKENS). The token is named by Number, by
// Reference or by both.
type FileUpdate struct {
	Trace
	Action FileAction
	Reason token.NoticeReason // 63.3, of a change one of FileReasons; "" of an inquiry

	Number    card.PAN // 123.01.01, of the token
	Reference string   // 123.01.04, of the token, 32 hexadecimal characters
	Requestor string   // 123.01.03, token requestor id, 11 digits, optional

	Code      token.ActivationCode // 123.01.0B, the passcode as typed, of a 3712
	PAN       card.PAN             // field 2, the new one of a 3721
	Sequence  card.Sequence        // field 23, of the new PAN; 0 is not written
	PANExpiry card.Expiry          // field 14, the new one of a 3720 or 3721
}

// MTI is 0302.
func (*FileUpdate) MTI() string { return "0302" }

func (r *FileUpdate) bind(b *binding) {
	oneOf(b, fieldFileAction, &r.Action, mandatory, FileActions)
	b.constant(fieldFile, fileTokens, mandatory)
	r.bindReason(b)
	r.Trace.bind(b, mandatory)
	r.bindToken(b)
	b.text(fieldTokenRequestor, &r.Requestor, optional)
	b.code(&r.Code, when(r.Reason == token.NoticeTried))
	b.pan(fieldPAN, &r.PAN, when(r.Reason == token.NoticeReplaced))
	b.sequenceOf(&r.Sequence)
	b.expiry(fieldExpiry, &r.PANExpiry, when(r.Reason == token.NoticeReplaced || r.Reason == token.NoticeExpiry))
}

func (r *FileUpdate) bindReason(b *binding) {
	if r.Action == FileInquiry {
		b.none(fieldReason, r.Reason == "", "in an inquiry")
		return
	}
	oneOf(b, fieldReason, &r.Reason, mandatory, FileReasons)
}

func (r *FileUpdate) bindToken(b *binding) {
	if b.notes != nil {
		b.notes.together(func() { r.bindName(b) })
		return
	}
	r.bindName(b)
	b.check(fieldTokenReference, r.Reference != "" || !r.Number.IsZero(), "is mandatory in a 0302 without "+fieldTokenNumber.String())
}

func (r *FileUpdate) bindName(b *binding) {
	b.pan(fieldTokenNumber, &r.Number, optional)
	b.text(fieldTokenReference, &r.Reference, optional)
}

// Content is as of an ActivationRequest.
func (r *FileUpdate) Content() []byte { return contentOf(r) }

// Answer is the answer to r. t is the token after the change, told of when the
// outcome approves; withPAN tells of its PAN too, which is not for requestors.
func (r *FileUpdate) Answer(o token.Outcome, transactionID string, t *token.Token, withPAN bool) *FileUpdateAnswer {
	a := &FileUpdateAnswer{
		Trace: r.Trace, Action: r.Action, Reason: r.Reason, Response: o.Response,
		Additional: OutcomeOf(o).Additional, TransactionID: transactionID,
	}
	if t == nil || !o.Approved() {
		return a
	}
	data := TokenDataOf(*t)
	a.Token, a.Method = &data, o.Method
	if withPAN {
		a.PAN, a.PANExpiry = t.PAN, t.PANExpiry
	}
	return a
}

// FileUpdateAnswer answers a FileUpdate (0312). It has a token when it
// approves.
type FileUpdateAnswer struct {
	Trace
	Response      token.Response     // field 39
	Additional    Additional         // 44, who answered
	Action        FileAction         // field 91, as in the request
	Reason        token.NoticeReason // 63.3, as in the request
	TransactionID string             // 62.2 of the token's activation, 15 digits

	Token     *TokenData
	Method    token.Method // 123.01.0D, how an inactive token gets active
	PAN       card.PAN     // field 2, for issuers and operators only
	PANExpiry card.Expiry  // field 14, likewise
}

// MTI is 0312.
func (*FileUpdateAnswer) MTI() string { return "0312" }

func (a *FileUpdateAnswer) bind(b *binding) {
	named(b, fieldResponse, &a.Response, mandatory)
	need := unlessDeclined(a.Response)
	a.Additional.bind(b)
	oneOf(b, fieldFileAction, &a.Action, need, FileActions)
	b.constant(fieldFile, fileTokens, need)
	named(b, fieldReason, &a.Reason, need && when(a.Action != FileInquiry))
	a.Trace.bind(b, need)
	b.text(fieldTransaction, &a.TransactionID, optional)
	bindTokenOf(b, &a.Token, need)
	b.method(&a.Method)
	b.pan(fieldPAN, &a.PAN, optional)
	b.expiry(fieldExpiry, &a.PANExpiry, optional)
}
