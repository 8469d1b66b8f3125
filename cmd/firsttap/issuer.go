package main

import (
	"crypto/rand"
	"path/filepath"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"github.com/firsttap/firsttap/internal/config"
)

func issuerCommand() *cobra.Command {
	var f partFlags
	c := &cobra.Command{
		Use:   "issuer",
		Short: "Play the issuer: a web site for applicants and a host for the gateway",
		Long: `issuer plays a bank. Its web site takes applications, issues cards (test numbers)
and shows each cardholder number, expiry date and current dynamic CVV2, which it
gets from the gateway's API. Its host answers the gateway over ISO 8583. Cards
are kept in memory.`,
		Example: `  firsttap issuer
  firsttap issuer --config examples/issuer.yaml`,
	}
	part(c, &f, config.LoadIssuer, func(c *cobra.Command, settings config.IssuerPart, log zerolog.Logger) error {
		b, err := openIssuer(settings, time.Now, rand.Reader, nil, log)
		if err != nil {
			return err
		}
		if settings.Certificates == "" {
			settings.Certificates = filepath.Join(config.DataDir("gateway"), config.CertificatesFolder)
		}
		if err := b.reach(settings.API, settings.Certificates, nil); err != nil {
			b.close()
			return err
		}
		err = f.say(c.OutOrStdout(), "issuer is up",
			fact{"site", b.siteURL()}, fact{"office", b.siteURL() + "/office"},
			fact{"host", b.hostAt.Addr().String() + "  " + settings.Spec + ", " + settings.Framing})
		if err != nil {
			return err
		}
		b.host.SignedOn = func() { _ = f.say(c.OutOrStdout(), "the gateway has signed on") }
		return b.run(c.Context())
	})
	return c
}
