package api

import (
	"fmt"
	"net/http"
	"time"

	"github.com/firsttap/firsttap/api/wire"
	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/vault"
)

const secondsPerHour = 3600

// wish is a request for codes.
type wish struct {
	inquiry
	sequence     card.Sequence
	expiry       card.Expiry
	count        int
	minRemaining time.Duration
}

var wishMembers = append([]string{wire.PANSequence, wire.Expiry, wire.CodeCount, wire.MinRemainingSecs}, inquiryMembers...)

func readWish(doc wire.Document) (wish, error) {
	f := &fields{doc: doc}
	w := wish{
		inquiry:  readInquiry(f),
		sequence: f.sequence(wire.PANSequence),
		expiry:   f.expiry(wire.Expiry),
		count:    f.count(wire.CodeCount, dcvv2.CodesMax, 1, dcvv2.CodesMax),
	}
	seconds := f.count(wire.MinRemainingSecs, 0, 0, dcvv2.WindowHoursMax*secondsPerHour)
	w.minRemaining = time.Duration(seconds) * time.Second
	return w, f.fault
}

// allowedAt checks a wish against its card and the policy of its range, as
// they stand at a time.
func (w wish) allowedAt(s dcvv2.Schedule, at time.Time) error {
	p := s.At(at)
	switch {
	case w.expiry.Passed(at):
		return cardExpired
	case w.count > p.CodesMax:
		return wire.Fault(wire.CodeFieldValue, wire.CodeCount,
			fmt.Sprintf("send an integer from 1 to %d: the account's range allows no more", p.CodesMax))
	case w.minRemaining > time.Duration(p.WindowHours)*time.Hour:
		return wire.Fault(wire.CodeFieldValue, wire.MinRemainingSecs,
			fmt.Sprintf("send an integer from 0 to %d: the account's codes live no longer", p.WindowHours*secondsPerHour))
	}
	return nil
}

// allowedLately reports what is wrong with a wish that could not have been
// granted at any time in which its first request would still be remembered: a
// repeat is answered as the first was, though the card has expired or the
// policy has changed since. What the store is not asked about it does not
// remember, so a refused wish can be put right under its id.
func (w wish) allowedLately(s dcvv2.Schedule, now time.Time) error {
	fault := w.allowedAt(s, now)
	if fault == nil {
		return nil
	}
	oldest := now.Add(1 - vault.RequestsFor)
	times := []time.Time{oldest}
	for _, v := range s.Versions() {
		if v.From.After(oldest) && !v.From.After(now) {
			times = append(times, v.From)
		}
	}
	for _, at := range times {
		if w.allowedAt(s, at) == nil {
			return nil
		}
	}
	return fault
}

// generate gives codes for an enrolled account. A repeat is computed again for
// the time of the first request, so it gives the same codes without any having
// been kept.
func (a *API) generate(r *http.Request, v *visit) (reply, error) {
	doc, err := readDocument(r, wishMembers...)
	if err != nil {
		return reply{}, err
	}
	w, err := readWish(doc)
	if err != nil {
		return reply{}, err
	}
	registration, err := a.authorise(w.inquiry, v)
	if err != nil {
		return reply{}, err
	}
	at := a.now()
	if err := w.allowedLately(registration.Schedule, at); err != nil {
		return reply{}, err
	}
	request := vault.AccountRequest{Content: meaning(wire.GeneratePath, doc), MustBeEnrolled: true}
	first, err := a.serveAccount(r.Context(), request, w.inquiry, registration.Schedule.At(at), at)
	switch {
	case err != nil:
		return reply{}, err
	case !first.Account.Enrolment.Enrolled:
		return reply{}, notEnrolled
	}
	if err := w.allowedAt(registration.Schedule, first.At); err != nil {
		return reply{}, err
	}
	codes, err := a.codes(w, registration, first)
	if err != nil {
		return reply{}, err
	}
	return reply{status: http.StatusCreated, body: codesAnswer(w.inquiry, codes)}, nil
}

func (a *API) codes(w wish, registration dcvv2.Registration, first vault.AccountAnswer) ([]dcvv2.Issued, error) {
	masters := func(version int) (dcvv2.Master, error) {
		key, err := a.keys.CodeMaster(registration.Range.String(), version)
		return key, outOfReach(err)
	}
	account := dcvv2.Account{PAN: w.pan, Sequence: w.sequence, Expiry: w.expiry, Generation: first.Account.Enrolment.Generation}
	codes, err := dcvv2.Generate(registration.Schedule, masters, account, first.At, w.count, w.minRemaining)
	if err != nil {
		return nil, fmt.Errorf("computing codes: %w", err)
	}
	return codes, nil
}

func codesAnswer(q inquiry, codes []dcvv2.Issued) wire.Object {
	items := make([]wire.Object, 0, len(codes))
	for _, c := range codes {
		items = append(items, wire.Object{
			wire.Text(wire.Code, c.Code.Reveal()),
			wire.Text(wire.CodeValidFrom, moment(c.Start)),
			wire.Text(wire.CodeExpires, moment(c.End)),
			wire.Integer(wire.CodeWindow, c.Window.Index),
			wire.Integer(wire.WindowHours, c.Window.Hours),
		})
	}
	return append(answerFront(q),
		wire.List(wire.Codes, items),
	)
}
