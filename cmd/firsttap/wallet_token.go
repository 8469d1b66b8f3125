package main

import (
	"crypto/rand"
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
	"github.com/firsttap/firsttap/simulator/wallet"
	"github.com/firsttap/firsttap/token"
)

// wishes are what a wallet may ask about a token of its own; the reason of an
// inquiry is "".
var wishes = map[string]token.NoticeReason{
	"show": "", "suspend": token.NoticeSuspended, "resume": token.NoticeResumed, "delete": token.NoticeDeactivated,
	"passcode": token.NoticePasscode,
}

func wishNames() []string {
	var names []string
	for name := range wishes {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func walletTokenCommand() *cobra.Command {
	var f partFlags
	var wish, reference string
	c := &cobra.Command{
		Use:   "token WISH REFERENCE",
		Short: "Ask the gateway about a token, as its requestor: show, suspend, resume, delete, passcode",
		Long: `token sends what a wallet may wish about one of its own tokens (0302): to show how
it stands, to suspend, resume or delete it, or to have another passcode sent for
one that waits for its step-up. It exits 1 when the network refuses.`,
		Example: `  firsttap wallet token show 0f1e2d3c4b5a69788796a5b4c3d2e1f0
  firsttap wallet token suspend 0f1e2d3c4b5a69788796a5b4c3d2e1f0 --json`,
	}
	part(c, &f, config.LoadWallet, func(c *cobra.Command, settings config.WalletPart, log zerolog.Logger) error {
		return wishAbout(c, &f, settings, wish, reference, log)
	})
	c.Args = func(c *cobra.Command, args []string) error {
		if f.check || f.show {
			return nil
		}
		if len(args) != 2 {
			return usage("token takes a wish, one of %s, and a token's reference; see %s --help", strings.Join(wishNames(), ", "), c.CommandPath())
		}
		wish, reference = args[0], args[1]
		if _, known := wishes[wish]; !known {
			return usage("%q is no wish; take one of %s", wish, strings.Join(wishNames(), ", "))
		}
		if len(reference) != 2*token.ReferenceBytes || strings.Trim(reference, "0123456789abcdef") != "" {
			return usage("a token's reference has %d hexadecimal characters: firsttap wallet prints it", 2*token.ReferenceBytes)
		}
		return nil
	}
	c.ValidArgsFunction = func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return wishNames(), cobra.ShellCompDirectiveNoFileComp
	}
	return c
}

func wishAbout(c *cobra.Command, f *partFlags, settings config.WalletPart, wish, reference string, log zerolog.Logger) error {
	if settings.Certificate == "" {
		settings.Certificate = filepath.Join(config.DataDir("gateway"), config.CertificatesFolder, certs.AuthorityFile)
	}
	held, err := phone.New(rand.Reader)
	if err != nil {
		return err
	}
	w, err := openWallet(c.Context(), settings, held, walletLinks{name: "WALLET01", now: time.Now, random: rand.Reader, log: log})
	if err != nil {
		return err
	}
	defer w.Close()
	answer, err := ask(c, w, wish, reference)
	if err != nil {
		return err
	}
	facts := []fact{{"responseCode", string(answer.Response)}, {"reference", reference}}
	if t := answer.Token; t != nil {
		facts = append(facts, fact{"token", t.Number.Masked()}, fact{"status", t.Status.Word()}, fact{"transaction", answer.TransactionID})
	}
	if answer.Response != token.Approved {
		if err := f.say(c.OutOrStdout(), "refused", facts...); err != nil {
			return err
		}
		return errSaid
	}
	return f.say(c.OutOrStdout(), "done", facts...)
}

func ask(c *cobra.Command, w *wallet.Wallet, wish, reference string) (messages.FileUpdateAnswer, error) {
	if reason := wishes[wish]; reason != "" {
		return w.Step(c.Context(), reference, reason)
	}
	return w.Inquire(c.Context(), reference)
}
