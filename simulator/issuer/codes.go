package issuer

import (
	"context"

	"github.com/firsttap/firsttap/api/client"
	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/emv"
	"github.com/firsttap/firsttap/simulator/site"
)

// noARPC stands in the host's answers to taps: the network computes it.
var noARPC emv.Cryptogram

// Codes is the network's dCVV2 service as the site asks it, over HTTP.
type Codes struct {
	Client client.Issuer
}

// Enroll enrols an account.
func (c Codes) Enroll(ctx context.Context, pan card.PAN) error {
	_, err := c.Client.Enroll(ctx, client.AccountRequest{PAN: pan})
	return err
}

// Unenroll ends an account's enrolment.
func (c Codes) Unenroll(ctx context.Context, pan card.PAN) error {
	_, err := c.Client.Unenroll(ctx, client.AccountRequest{PAN: pan})
	return err
}

// Generate asks for count codes.
func (c Codes) Generate(ctx context.Context, pan card.PAN, seq card.Sequence, expiry card.Expiry, count int) ([]site.Code, error) {
	answer, err := c.Client.Generate(ctx, client.GenerateRequest{PAN: pan, Sequence: seq, Expiry: expiry, Count: count})
	if err != nil {
		return nil, err
	}
	codes := make([]site.Code, len(answer.Codes))
	for i, code := range answer.Codes {
		codes[i] = site.Code{Code: code.Code, ValidFrom: code.ValidFrom, Expires: code.Expires}
	}
	return codes, nil
}

// Inquire asks how an account is enrolled.
func (c Codes) Inquire(ctx context.Context, pan card.PAN) (client.AccountResponse, error) {
	return c.Client.Inquire(ctx, client.AccountRequest{PAN: pan})
}
