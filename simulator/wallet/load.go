package wallet

import (
	"cmp"
	"context"
	"fmt"

	"github.com/firsttap/firsttap/api/client"
	"github.com/firsttap/firsttap/simulator/phone"
)

// ReplenishBelowDefault is below how many uses Ready replenishes (ours): with
// two left one tap may fail and another still be made.
const ReplenishBelowDefault = 2

// Load fetches the key material of a token that is active, puts it on the
// phone, and tells the network how that went. It gives the key's check value. A
// token that is not active gives the client's Problem CodeTokenNotActive.
func (w *Wallet) Load(ctx context.Context, reference string) (check string, err error) {
	channel := w.channel()
	m, err := channel.FetchKey(ctx, reference)
	if err != nil {
		return "", fmt.Errorf("fetching the token's key: %w", err)
	}
	err = w.options.Phone.Load(phone.Material{
		Number: m.Number, Sequence: m.Sequence, Expiry: m.Expiry, CardKey: m.CardKey, Lent: lentKey(m.Lent),
		Reference: reference, Requestor: w.options.Requestor, AID: m.AID, Version: m.CryptogramVersion,
		KeyIndex: m.KeyIndex, ServiceCode: m.ServiceCode, Discretionary: m.Discretionary,
	})
	if err != nil {
		_ = channel.Report(ctx, reference, client.ResultFailure)
		return "", fmt.Errorf("loading the token on the phone: %w", err)
	}
	if err := channel.Report(ctx, reference, client.ResultSuccess); err != nil {
		return "", fmt.Errorf("reporting the loaded token: %w", err)
	}
	return cmp.Or(m.CardKey.CheckValue(), m.Lent.Key.CheckValue()), nil
}

// Replenish fetches the next limited-use key of a cloud token on the phone.
func (w *Wallet) Replenish(ctx context.Context, reference string) error {
	next, err := w.channel().Replenish(ctx, reference)
	if err != nil {
		return fmt.Errorf("fetching the token's next key: %w", err)
	}
	if err := w.options.Phone.Replenish(reference, lentKey(next)); err != nil {
		return fmt.Errorf("replenishing the token on the phone: %w", err)
	}
	return nil
}

// Ready makes the token that pays ready for a tap: a cloud token with fewer than
// Options.ReplenishBelow uses left gets another key. After an error the phone
// may still have uses left; Phone.Keys tells.
func (w *Wallet) Ready(ctx context.Context) error {
	keys := w.options.Phone.Keys()
	if !keys.Lent || keys.Uses >= w.options.ReplenishBelow {
		return nil
	}
	return w.Replenish(ctx, keys.Reference)
}

func lentKey(k client.LentKey) phone.LentKey {
	return phone.LentKey{Index: k.Index, Key: k.Key, UsesMax: k.Uses, Expires: k.Expires}
}
