package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/firsttap/firsttap/api/wire"
	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/dcvv2"
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

// allowedBy checks a wish against the policy of its range.
func (w wish) allowedBy(p dcvv2.Policy) error {
	if w.count > p.CodesMax {
		return wire.Fault(wire.CodeFieldValue, wire.CodeCount,
			fmt.Sprintf("send an integer from 1 to %d: the account's range allows no more", p.CodesMax))
	}
	if w.minRemaining > time.Duration(p.WindowHours)*time.Hour {
		return wire.Fault(wire.CodeFieldValue, wire.MinRemainingSecs,
			fmt.Sprintf("send an integer from 0 to %d: the account's codes live no longer", p.WindowHours*secondsPerHour))
	}
	return nil
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
	if err := w.allowedBy(registration.Schedule.At(at)); err != nil {
		return reply{}, err
	}
	was, err := a.repeats.once(r.Context(), w.client, w.transactionID, a.repeats.digest(wire.GeneratePath, doc), at, func() (answered, error) {
		return a.admit(r.Context(), w, at)
	})
	if err != nil {
		return reply{}, err
	}
	codes, err := a.codes(w, registration, was)
	if err != nil {
		return reply{}, err
	}
	return reply{http.StatusCreated, codesAnswer(w.inquiry, codes)}, nil
}

// admit looks whether the account may have codes now.
func (a *API) admit(ctx context.Context, w wish, at time.Time) (answered, error) {
	account, err := a.store.Account(ctx, w.pan, at)
	if err != nil {
		return answered{}, outOfReach(err)
	}
	if !account.Enrolment.Enrolled {
		return answered{}, notEnrolled
	}
	return answered{at: at, enrolment: account.Enrolment}, nil
}

func (a *API) codes(w wish, registration dcvv2.Registration, was answered) ([]dcvv2.Issued, error) {
	masters := func(version int) (dcvv2.Master, error) {
		key, err := a.keys.CodeMaster(registration.Range.String(), version)
		return key, outOfReach(err)
	}
	account := dcvv2.Account{PAN: w.pan, Sequence: w.sequence, Expiry: w.expiry, Generation: was.enrolment.Generation}
	codes, err := dcvv2.Generate(registration.Schedule, masters, account, was.at, w.count, w.minRemaining)
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
