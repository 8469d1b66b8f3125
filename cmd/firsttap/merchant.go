package main

import (
	"cmp"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"github.com/firsttap/firsttap/internal/config"
	"github.com/firsttap/firsttap/simulator/merchant"
	"github.com/firsttap/firsttap/simulator/phone"
)

func merchantCommand() *cobra.Command {
	var f partFlags
	var amount, gateway, held string
	c := &cobra.Command{
		Use:   "merchant",
		Short: "Play a merchant: read the phone, ask the gateway, print the receipt",
		Long: `merchant takes one payment from the phone that ` + "`firsttap wallet`" + ` holds out. It
exits 0 when the payment is approved and the phone does not refuse the issuer's
answer, and 1 otherwise.`,
		Example: `  firsttap merchant
  firsttap merchant --amount 7.20
  firsttap merchant --config examples/merchant.yaml --json`,
	}
	part(c, &f, config.LoadMerchant, func(c *cobra.Command, settings config.MerchantPart, log zerolog.Logger) error {
		settings.Amount = cmp.Or(amount, settings.Amount)
		settings.Gateway, settings.Phone = cmp.Or(gateway, settings.Gateway), cmp.Or(held, settings.Phone)
		return runMerchant(c, &f, settings, log)
	})
	c.Flags().StringVar(&amount, "amount", "", "what to take, such as 12.50 (default: as in the settings)")
	c.Flags().StringVar(&gateway, "gateway", "", "the gateway's door for merchants (default: as in the settings)")
	c.Flags().StringVar(&held, "phone", "", "where the phone is held out (default: as in the settings)")
	return c
}

func runMerchant(c *cobra.Command, f *partFlags, settings config.MerchantPart, log zerolog.Logger) error {
	amount, err := config.ParseAmount(settings.Amount)
	if err != nil {
		return usage("--amount: %v", err)
	}
	held, err := phone.Dial(c.Context(), settings.Phone)
	if err != nil {
		return fmt.Errorf("no phone at %s: is `firsttap wallet` running? %w", settings.Phone, err)
	}
	defer held.Close()
	o, err := merchantOptions(settings, time.Now, rand.Reader, nil, log)
	if err != nil {
		return err
	}
	m, err := merchant.Open(c.Context(), o)
	if err != nil {
		return err
	}
	defer m.Close()
	receipt, err := m.Tap(c.Context(), held, amount)
	if err != nil {
		return err
	}
	return sayReceipt(c, f, settings, receipt)
}

// sayReceipt prints the receipt; a payment that was not approved is errSaid.
func sayReceipt(c *cobra.Command, f *partFlags, settings config.MerchantPart, r merchant.Receipt) error {
	event := "declined"
	if r.Approved() {
		event = "approved"
	}
	outcome := r.Answer.Outcome
	err := f.say(c.OutOrStdout(), event,
		fact{"merchant", settings.Name}, fact{"amount", settings.Amount},
		fact{"token", r.Answer.Number.Masked()}, fact{"responseCode", string(outcome.Response)},
		fact{"authorizationId", outcome.AuthorizationID}, fact{"atc", fmt.Sprint(r.ATC)},
		fact{"arqc", r.ARQC()}, fact{"arpc", string(r.ARPC)}, fact{"transaction", r.Answer.TransactionID})
	if err == nil && !r.Approved() {
		return errSaid
	}
	return err
}
