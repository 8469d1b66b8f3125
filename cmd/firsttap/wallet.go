package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"github.com/firsttap/firsttap/internal/certs"
	"github.com/firsttap/firsttap/internal/config"
	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/simulator/phone"
	"github.com/firsttap/firsttap/simulator/site"
	"github.com/firsttap/firsttap/simulator/wallet"
	"github.com/firsttap/firsttap/token"
)

// walletFlags are the flags of `firsttap wallet` beside those of every part.
type walletFlags struct {
	partFlags
	page    string
	kind    string
	once    bool
	reverse bool
	pay     string
	askedAt string
}

// approvalLook is how often the wallet's owner looks whether the bank has
// decided.
const approvalLook = 500 * time.Millisecond

func walletCommand() *cobra.Command {
	var f walletFlags
	c := &cobra.Command{
		Use:   "wallet",
		Short: "Play a cardholder with a phone: apply, load the card, be ready to tap",
		Long: `wallet plays a cardholder and the wallet on the phone. It applies for a card at
the issuer's site, waits for the approval, reads number, expiry date and code
from the page, asks the gateway for a token, does what the issuer asks for before
it is active (types a passcode in, confirms in the app, waits for the call
centre), loads its key, and then holds the phone out to merchants until Ctrl-C,
with keys that are replenished. It exits 1 when there is no token.`,
		Example: `  firsttap wallet
  firsttap wallet --config examples/wallet.yaml
  firsttap wallet --type cloud
  firsttap wallet --once --reverse        # takes the activation back
  firsttap wallet --type e-commerce --pay 12.50   # pays in a shop's app
  firsttap wallet --page http://127.0.0.1:8680/cards/ID   # a card applied for by hand
  firsttap wallet token suspend REFERENCE`,
	}
	part(c, &f.partFlags, config.LoadWallet, func(c *cobra.Command, settings config.WalletPart, log zerolog.Logger) error {
		settings.Type = cmp.Or(f.kind, settings.Type)
		if !slices.Contains(config.TokenTypes, settings.Type) {
			return usage("--type must be one of %s", strings.Join(config.TokenTypes, ", "))
		}
		if err := f.checkPay(settings.Type); err != nil {
			return err
		}
		return runWallet(c, f, settings, log)
	})
	c.Flags().StringVar(&f.pay, "pay", "", "pay so much in a shop's app when the token is on the phone, and exit; for tokens e-commerce and card-on-file")
	c.Flags().StringVar(&f.askedAt, "merchants", config.DefaultMerchantPart().Gateway, "with --pay: the gateway's door for merchants, where the one that is paid asks")
	c.AddCommand(walletTokenCommand())
	c.Flags().StringVar(&f.kind, "type", "", "of the token: "+strings.Join(config.TokenTypes, ", ")+" (default: as in the settings)")
	c.Flags().BoolVar(&f.reverse, "reverse", false, "take the activation back when it is answered, and exit")
	_ = c.RegisterFlagCompletionFunc("type", cobra.FixedCompletions(config.TokenTypes, cobra.ShellCompDirectiveNoFileComp))
	c.Flags().StringVar(&f.page, "page", "", "address of the cardholder's page; applies for a card when empty")
	c.Flags().BoolVar(&f.once, "once", false, "exit when the token is on the phone")
	return c
}

func runWallet(c *cobra.Command, f walletFlags, settings config.WalletPart, log zerolog.Logger) error {
	ctx, out := c.Context(), c.OutOrStdout()
	if settings.Certificate == "" {
		settings.Certificate = filepath.Join(config.DataDir("gateway"), config.CertificatesFolder, certs.AuthorityFile)
	}
	held, err := phone.New(rand.Reader)
	if err != nil {
		return err
	}
	contactless, err := net.Listen("tcp", settings.Contactless)
	if err != nil {
		return fmt.Errorf("the phone cannot be held out: %w", err)
	}
	defer contactless.Close()
	w, err := openWallet(ctx, settings, held, walletLinks{
		name: "WALLET01", now: time.Now, random: rand.Reader, log: log, kind: config.TokenType(settings.Type),
	})
	if err != nil {
		return err
	}
	defer w.Close()
	if err := meetDoor(ctx, settings); err != nil {
		return err
	}
	shown, person, err := f.obtain(c, settings)
	if err != nil {
		return err
	}
	if f.reverse {
		return f.takeBack(c, w, shown)
	}
	got, err := w.Provision(ctx, shown)
	if err != nil {
		return err
	}
	if t := got.Answer.Token; t != nil && !got.Approved() {
		if got.KeyCheck, err = f.stepUp(c, w, person, got.Answer); err != nil {
			return err
		}
		t.Status = token.Active
	}
	err = f.sayProvisioned(c, got)
	switch {
	case err == nil && f.pay != "":
		return f.payInApp(c, settings, w, *got.Answer.Token, log)
	case err != nil || f.once:
		return err
	}
	if err := f.say(out, "phone is held out", fact{"contactless", contactless.Addr().String()}); err != nil {
		return err
	}
	go keepReady(ctx, w, log)
	return held.Serve(ctx, contactless)
}

// keepReady replenishes a cloud token while its phone is held out.
func keepReady(ctx context.Context, w *wallet.Wallet, log zerolog.Logger) {
	_ = until(ctx, func() (bool, error) {
		if err := w.Ready(ctx); err != nil && ctx.Err() == nil {
			log.Warn().Err(err).Msg("the phone could not be replenished")
		}
		return false, nil
	})
}

// checkPay holds --pay to what can be paid with a type of token, before a code is
// used for one.
func (f walletFlags) checkPay(kind string) error {
	if f.pay == "" {
		return nil
	}
	if _, err := config.ParseAmount(f.pay); err != nil {
		return usage("--pay: %v", err)
	}
	if t := config.TokenType(kind); t != token.ECommerce && t != token.CardOnFile {
		return usage("--pay goes with --type e-commerce or card-on-file: a token that is %s pays at terminals", kind)
	}
	return nil
}

// payInApp pays in the app of a shop that speaks to the gateway as the wallet
// does: from the phone, or with the token that the shop has on file.
func (f walletFlags) payInApp(c *cobra.Command, settings config.WalletPart, w *wallet.Wallet, t messages.TokenData, log zerolog.Logger) error {
	amount, err := config.ParseAmount(f.pay)
	if err != nil {
		return err
	}
	paid := config.DefaultMerchantPart()
	number := paid.Wire.Station
	paid.Gateway, paid.Wire, paid.Amount = f.askedAt, settings.Wire, f.pay
	paid.Wire.Station = number
	m, err := openMerchant(c, paid, log)
	if err != nil {
		return err
	}
	defer m.Close()
	var answer messages.RemoteAnswer
	if t.Type == token.CardOnFile {
		answer, err = m.SellOnFile(c.Context(), t, amount)
	} else {
		answer, err = m.SellByToken(c.Context(), w.Phone(), t.Reference, amount)
	}
	if err != nil {
		return err
	}
	_, err = sayOnline(c, &f.partFlags, paid, answer)
	return err
}

// takeBack asks for a token and reverses that, as a wallet does which has not
// heard the answer in time.
func (f walletFlags) takeBack(c *cobra.Command, w *wallet.Wallet, shown site.Card) error {
	answer, err := w.Request(c.Context(), shown)
	if err != nil {
		return err
	}
	reversed, err := w.Reverse(c.Context(), answer)
	if err != nil {
		return err
	}
	event, facts := "activation reversed", []fact{
		{"responseCode", string(reversed.Response)}, {"answered", string(answer.Outcome.Response)}, {"transaction", answer.TransactionID},
	}
	if reversed.Response != token.Approved {
		event = "activation not reversed"
	}
	if err := f.say(c.OutOrStdout(), event, facts...); err != nil || reversed.Response == token.Approved {
		return err
	}
	return errSaid
}

// obtain gets a card as a person does: by applying and waiting, or from a page
// that is already there.
func (f walletFlags) obtain(c *cobra.Command, settings config.WalletPart) (site.Card, owner, error) {
	ctx, person := c.Context(), owner{Cardholder: site.Cardholder{HTTP: &http.Client{Timeout: pageTimeout}}, page: f.page}
	if f.page != "" {
		shown, err := person.ReadPage(ctx, f.page)
		return shown, person, err
	}
	application, err := person.Apply(ctx, settings.Site, settings.Holder)
	if err != nil {
		return site.Card{}, person, fmt.Errorf("applying at %s: %w", settings.Site, err)
	}
	if err := f.say(c.OutOrStdout(), "applied for a card", fact{"office", settings.Site + "/office"}); err != nil {
		return site.Card{}, person, err
	}
	shown, page, err := awaitCard(ctx, person.Cardholder, application)
	person.page = page
	if err != nil {
		return shown, person, err
	}
	return shown, person, f.say(c.OutOrStdout(), "card is issued", fact{"page", page})
}

func awaitCard(ctx context.Context, person site.Cardholder, application string) (shown site.Card, page string, err error) {
	status, err := person.Wait(ctx, application, approvalLook)
	if err != nil {
		return site.Card{}, "", err
	}
	if status != site.Approved {
		return site.Card{}, "", fmt.Errorf("the application is %s", status)
	}
	return person.Show(ctx, application)
}

// meetDoor makes sure that the phones' door can be reached and is one that the
// authority vouches for, before a token is asked for and a code is used.
func meetDoor(ctx context.Context, settings config.WalletPart) error {
	channel, err := trusting(settings.Certificate)
	if err != nil {
		return err
	}
	channel.Timeout = pageTimeout
	request, err := http.NewRequestWithContext(ctx, http.MethodHead, settings.Channel, nil)
	if err != nil {
		return err
	}
	answer, err := channel.Do(request)
	if err != nil {
		return otherCertificate(err, settings.Certificate)
	}
	return answer.Body.Close()
}

// otherCertificate says what to do when the phones' door is none that the
// authority in file vouches for. Other errors stay as they are.
func otherCertificate(err error, file string) error {
	var refused *tls.CertificateVerificationError
	if !errors.As(err, &refused) {
		return err
	}
	return fmt.Errorf("%w: its certificate is not of the authority in %s; the gateway's own is %s in its folder of certificates: "+
		"name it as `certificate` in the wallet's settings", err, file, certs.AuthorityFile)
}

// sayProvisioned tells what came of the request; a refusal is errSaid.
func (f walletFlags) sayProvisioned(c *cobra.Command, got wallet.Provisioning) error {
	outcome := got.Answer.Outcome
	facts := []fact{
		{"pan", got.Answer.PAN.Masked()},
		{"responseCode", string(outcome.Response)},
		{"cvv2", outcome.Additional.CVV2.String()},
		{"transaction", got.Answer.TransactionID},
	}
	if !got.Approved() {
		if err := f.say(c.OutOrStdout(), "no token", facts...); err != nil {
			return err
		}
		return errSaid
	}
	t := got.Answer.Token
	return f.say(c.OutOrStdout(), "token is on the phone", append(facts,
		fact{"token", t.Number.Masked()}, fact{"reference", t.Reference},
		fact{"status", t.Status.Word()}, fact{"keyCheckValue", got.KeyCheck})...)
}

// trusting is an HTTP client that trusts servers of the authority in file and
// no others.
func trusting(file string) (*http.Client, error) {
	transport, err := certs.Transport(certs.Files{AuthorityFile: file})
	if err != nil {
		return nil, fmt.Errorf("reading the authority of the phones' door, which `firsttap gateway` makes when it starts: %w", err)
	}
	return &http.Client{Transport: transport}, nil
}
