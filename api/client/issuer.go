package client

import (
	"context"
	"crypto/rand"
	"math"
	"net/http"
	"time"

	"github.com/firsttap/firsttap/api/wire"
	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/dcvv2"
)

// Issuer calls the issuers' door.
type Issuer struct {
	BaseURL  string       // such as http://127.0.0.1:8580
	ClientID string       // the issuer's name, as its ranges are registered
	HTTP     *http.Client // nil: one with the standard transport
}

// GenerateRequest asks for codes of an enrolled account.
type GenerateRequest struct {
	TransactionID string // names the request: repeat it to get the same answer; "" draws one
	AgentID       string // optional
	PAN           card.PAN
	Sequence      card.Sequence
	Expiry        card.Expiry
	Count         int           // 1 to 24; 0 is 24
	MinRemaining  time.Duration // how long the first code must still be good; whole seconds
}

// GenerateResponse holds codes of consecutive windows, earliest first.
type GenerateResponse struct {
	TransactionID string
	Codes         []Code
}

// Code is a dynamic CVV2 with the time in which it is good.
type Code struct {
	Code      dcvv2.Code
	Window    dcvv2.Window
	ValidFrom time.Time // UTC, first second
	Expires   time.Time // UTC, first second at which it is over
}

// AccountRequest is about one account.
type AccountRequest struct {
	TransactionID string // as in GenerateRequest
	AgentID       string // optional
	PAN           card.PAN
}

// AccountResponse is an account's enrolment and its failed codes.
type AccountResponse struct {
	TransactionID string
	Enrolled      bool
	Since         time.Time // when it was enrolled or unenrolled; zero for an account never seen
	Generation    uint16    // how often it was enrolled anew
	Attempts      Attempts
}

// Attempts are the failed codes of an account beside their limits.
type Attempts struct {
	Status        string // AttemptsOpen, AttemptsWaiting or AttemptsLocked
	FailuresInDay int    // of the last 24 hours
	InDayMax      int    // at so many the account waits
	FailuresInRow int    // since the last good code
	InRowMax      int    // at so many the account locks
}

// Values of Attempts.Status.
const (
	AttemptsOpen    = wire.AttemptsOpen    // codes are checked
	AttemptsWaiting = wire.AttemptsWaiting // the day's failures are used up
	AttemptsLocked  = wire.AttemptsLocked  // shut until Unlock
)

// Generate asks for codes. An account that is not enrolled gives a *Problem
// with CodeNotEnrolled, an expiry that is over one with CodeCardExpired.
func (i Issuer) Generate(ctx context.Context, q GenerateRequest) (GenerateResponse, error) {
	body := i.front(q.TransactionID, q.AgentID, q.PAN)
	body = append(body,
		wire.Text(wire.PANSequence, q.Sequence.Digits()),
		wire.Text(wire.Expiry, q.Expiry.YYMM()))
	if q.Count != 0 {
		body = append(body, wire.Integer(wire.CodeCount, q.Count))
	}
	if q.MinRemaining != 0 {
		body = append(body, wire.Integer(wire.MinRemainingSecs, int64(math.Ceil(q.MinRemaining.Seconds()))))
	}
	doc, err := i.door().call(ctx, http.MethodPost, wire.GeneratePath, body)
	if err != nil {
		return GenerateResponse{}, err
	}
	return readCodes(doc)
}

// Enroll lets an account have codes. Enrolling it again changes nothing.
func (i Issuer) Enroll(ctx context.Context, q AccountRequest) (AccountResponse, error) {
	return i.account(ctx, wire.EnrollPath, q)
}

// Unenroll ends that. Unenrolling again changes nothing.
func (i Issuer) Unenroll(ctx context.Context, q AccountRequest) (AccountResponse, error) {
	return i.account(ctx, wire.UnenrollPath, q)
}

// Unlock forgets an account's failed codes, those in a row and those of the
// day, so that codes are checked again at once.
func (i Issuer) Unlock(ctx context.Context, q AccountRequest) (AccountResponse, error) {
	return i.account(ctx, wire.UnlockPath, q)
}

// Inquire tells whether an account is enrolled, and whether it is locked.
func (i Issuer) Inquire(ctx context.Context, q AccountRequest) (AccountResponse, error) {
	return i.account(ctx, wire.InquiryPath, q)
}

func (i Issuer) account(ctx context.Context, path string, q AccountRequest) (AccountResponse, error) {
	doc, err := i.door().call(ctx, http.MethodPost, path, i.front(q.TransactionID, q.AgentID, q.PAN))
	if err != nil {
		return AccountResponse{}, err
	}
	a := &answer{doc: doc}
	response := AccountResponse{
		TransactionID: a.text(wire.TransactionID),
		Enrolled:      a.text(wire.EnrolmentStatus) == wire.Enrolled,
		Generation:    uint16(a.number(wire.EnrolmentGeneration, 0, math.MaxUint16)),
		Attempts: Attempts{
			Status:        a.text(wire.AttemptsStatus),
			FailuresInDay: int(a.number(wire.FailuresInDay, 0, math.MaxInt32)),
			InDayMax:      int(a.number(wire.FailuresInDayMax, 1, dcvv2.FailuresMax)),
			FailuresInRow: int(a.number(wire.FailuresInRow, 0, math.MaxInt32)),
			InRowMax:      int(a.number(wire.FailuresInRowMax, 1, dcvv2.FailuresMax)),
		},
	}
	if doc.Has(wire.EnrolmentSince) {
		response.Since = a.time(wire.EnrolmentSince)
	}
	return response, a.fault
}

func (i Issuer) door() door { return door{baseURL: i.BaseURL, http: i.HTTP} }

// front is how every request of an issuer begins.
func (i Issuer) front(transactionID, agentID string, pan card.PAN) wire.Object {
	if transactionID == "" {
		transactionID = rand.Text()
	}
	body := wire.Object{
		wire.Text(wire.TransactionID, transactionID),
		wire.Text(wire.ClientID, i.ClientID),
		wire.Text(wire.PAN, pan.Reveal()),
	}
	if agentID != "" {
		body = append(body, wire.Text(wire.AgentID, agentID))
	}
	return body
}

func readCodes(doc wire.Document) (GenerateResponse, error) {
	a := &answer{doc: doc}
	response := GenerateResponse{TransactionID: a.text(wire.TransactionID)}
	items, ok := doc.List(wire.Codes)
	if !ok || len(items) == 0 || len(items) > dcvv2.CodesMax {
		a.wrong(wire.Codes, "a list of 1 to 24 codes")
	}
	for _, item := range items {
		c := &answer{doc: item, fault: a.fault}
		response.Codes = append(response.Codes, Code{
			Code: parsed(c, wire.Code, dcvv2.ParseCode),
			Window: dcvv2.Window{
				Index: c.number(wire.CodeWindow, 0, math.MaxInt32),
				Hours: int(c.number(wire.WindowHours, dcvv2.WindowHoursMin, dcvv2.WindowHoursMax)),
			},
			ValidFrom: c.time(wire.CodeValidFrom),
			Expires:   c.time(wire.CodeExpires),
		})
		a.fault = c.fault
	}
	if a.fault != nil {
		return GenerateResponse{}, a.fault
	}
	return response, nil
}
