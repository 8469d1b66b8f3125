package main

import (
	"cmp"
	"crypto/rand"
	"fmt"
	"net/http"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"github.com/firsttap/firsttap/internal/config"
	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/simulator/merchant"
	"github.com/firsttap/firsttap/simulator/phone"
	"github.com/firsttap/firsttap/simulator/site"
	"github.com/firsttap/firsttap/token"
)

func merchantCommand() *cobra.Command {
	var f partFlags
	var s sale
	var amount, gateway, held string
	c := &cobra.Command{
		Use:   "merchant",
		Short: "Play a merchant: read the phone, ask the gateway, print the receipt",
		Long: `merchant takes one payment from the phone that ` + "`firsttap wallet`" + ` holds out. With
--page it is a web shop and takes number, expiry date and code from a card's page,
as its cardholder types them in; with --verify it only asks whether the account is
good. It exits 0 when the payment is approved and the phone does not refuse the
issuer's answer, with --reverse when it is then taken back, and 1 otherwise.`,
		Example: `  firsttap merchant
  firsttap merchant --amount 7.20
  firsttap merchant --reverse
  firsttap merchant --page http://127.0.0.1:8680/cards/ID            # e-commerce
  firsttap merchant --page http://127.0.0.1:8680/cards/ID --verify
  firsttap merchant --config examples/merchant.yaml --json`,
	}
	part(c, &f, config.LoadMerchant, func(c *cobra.Command, settings config.MerchantPart, log zerolog.Logger) error {
		settings.Amount = cmp.Or(amount, settings.Amount)
		settings.Gateway, settings.Phone = cmp.Or(gateway, settings.Gateway), cmp.Or(held, settings.Phone)
		if s.verify && s.page == "" {
			return usage("--verify goes with --page, the page of the card to verify")
		}
		return runMerchant(c, &f, s, settings, log)
	})
	c.Flags().StringVar(&s.page, "page", "", "address of a cardholder's page: takes that card without a terminal")
	c.Flags().BoolVar(&s.verify, "verify", false, "with --page: verify the account, and take nothing")
	c.Flags().BoolVar(&s.reverse, "reverse", false, "take the payment back when it is approved")
	c.Flags().StringVar(&amount, "amount", "", "what to take, such as 12.50 (default: as in the settings)")
	c.Flags().StringVar(&gateway, "gateway", "", "the gateway's door for merchants (default: as in the settings)")
	c.Flags().StringVar(&held, "phone", "", "where the phone is held out (default: as in the settings)")
	return c
}

// sale is what is sold how.
type sale struct {
	page            string
	verify, reverse bool
}

func runMerchant(c *cobra.Command, f *partFlags, s sale, settings config.MerchantPart, log zerolog.Logger) error {
	amount, err := config.ParseAmount(settings.Amount)
	if err != nil {
		return usage("--amount: %v", err)
	}
	if s.page != "" {
		m, err := openMerchant(c, settings, log)
		if err != nil {
			return err
		}
		defer m.Close()
		return s.sellOnline(c, f, settings, m, amount)
	}
	held, err := phone.Dial(c.Context(), settings.Phone)
	if err != nil {
		return fmt.Errorf("no phone at %s: is `firsttap wallet` running? %w", settings.Phone, err)
	}
	defer held.Close()
	m, err := openMerchant(c, settings, log)
	if err != nil {
		return err
	}
	defer m.Close()
	receipt, err := m.Tap(c.Context(), held, amount)
	if err != nil {
		return err
	}
	if err := sayReceipt(c, f, settings, receipt); err != nil || !s.reverse {
		return err
	}
	reversed, err := m.Reverse(c.Context(), receipt)
	if err != nil {
		return err
	}
	return sayReversed(c, f, reversed)
}

// openMerchant connects a merchant of these settings to the gateway.
func openMerchant(c *cobra.Command, settings config.MerchantPart, log zerolog.Logger) (*merchant.Merchant, error) {
	o, err := merchantOptions(settings, time.Now, rand.Reader, nil, log)
	if err != nil {
		return nil, err
	}
	return merchant.Open(c.Context(), o)
}

// sellOnline takes a card as a web shop does.
func (s sale) sellOnline(c *cobra.Command, f *partFlags, settings config.MerchantPart, m *merchant.Merchant, amount uint64) error {
	person := site.Cardholder{HTTP: &http.Client{Timeout: pageTimeout}}
	typed, err := person.ReadPage(c.Context(), s.page)
	if err != nil {
		return fmt.Errorf("reading the card's page: %w", err)
	}
	var answer messages.RemoteAnswer
	if s.verify {
		answer, err = m.Verify(c.Context(), typed)
	} else {
		answer, err = m.Sell(c.Context(), typed, amount)
	}
	if err != nil {
		return err
	}
	if approved, err := sayOnline(c, f, settings, answer); err != nil || !approved || !s.reverse {
		return err
	}
	reversed, err := m.ReverseOnline(c.Context(), answer)
	if err != nil {
		return err
	}
	return sayReversed(c, f, reversed)
}

// sayOnline tells what came of a payment without a terminal; a decline is
// errSaid.
func sayOnline(c *cobra.Command, f *partFlags, settings config.MerchantPart, a messages.RemoteAnswer) (approved bool, err error) {
	outcome, event := a.Outcome, "declined"
	if outcome.Response == token.Approved {
		event = "approved"
	}
	err = f.say(c.OutOrStdout(), event,
		fact{"merchant", settings.Name}, fact{"amount", money(a.Amount)}, fact{"number", a.Number.Masked()},
		fact{"responseCode", string(outcome.Response)}, fact{"cvv2", outcome.Additional.CVV2.String()},
		fact{"arqc", merchant.ARQC(outcome.Additional.Authentication)},
		fact{"authorizationId", outcome.AuthorizationID}, fact{"transaction", a.TransactionID})
	if err == nil && outcome.Response != token.Approved {
		err = errSaid
	}
	return outcome.Response == token.Approved, err
}

// money writes minor units of a currency with two decimals.
func money(minor uint64) string { return fmt.Sprintf("%d.%02d", minor/100, minor%100) }

// sayReversed tells what came of a reversal; one that was refused is errSaid.
func sayReversed(c *cobra.Command, f *partFlags, a messages.ReversalAnswer) error {
	event := "reversed"
	if a.Response != token.Approved {
		event = "not reversed"
	}
	err := f.say(c.OutOrStdout(), event, fact{"responseCode", string(a.Response)}, fact{"transaction", a.TransactionID})
	if err == nil && a.Response != token.Approved {
		return errSaid
	}
	return err
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
