package main

import (
	"crypto/rand"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"github.com/firsttap/firsttap/internal/config"
)

func gatewayCommand() *cobra.Command {
	var f partFlags
	var dir string
	c := &cobra.Command{
		Use:   "gateway",
		Short: "Run the network: ISO 8583 doors, dCVV2 API, store",
		Long: `gateway runs the network alone: the doors for wallets and merchants (ISO 8583
over TCP), the dCVV2 API for issuers, the HTTPS door for phones, the operators'
door, the store and the keys. It dials the issuers' hosts.`,
		Example: `  firsttap gateway
  firsttap gateway --config examples/gateway.yaml --dir ./data
  firsttap gateway --print-config > gateway.yaml
  firsttap gateway --config gateway.yaml --check`,
	}
	part(c, &f, config.LoadGateway, func(c *cobra.Command, settings config.Gateway, log zerolog.Logger) error {
		return runGateway(c, &f, settings, dir, log)
	})
	c.Flags().StringVar(&dir, "dir", config.DataDir("gateway"), "folder for store, keys and certificate")
	_ = c.MarkFlagDirname("dir")
	return c
}

func runGateway(c *cobra.Command, f *partFlags, settings config.Gateway, dir string, log zerolog.Logger) error {
	n, err := openNetwork(settings, dir, networkChance{now: time.Now, random: rand.Reader, keys: rand.Reader}, log)
	if err != nil {
		return err
	}
	wallets, merchants := settings.Doors.Wallets, settings.Doors.Merchants
	err = f.say(c.OutOrStdout(), "gateway is up",
		fact{"wallets", n.address(doorWallets) + "  " + wallets.Spec + ", " + wallets.Framing},
		fact{"merchants", n.address(doorMerchants) + "  " + merchants.Spec + ", " + merchants.Framing},
		fact{"api", "http://" + n.address(doorIssuers) + "/dCVV2/v1/"},
		fact{"phones", "https://" + n.address(doorPhones)},
		fact{"operators", "http://" + n.address(doorOperators)},
		fact{"dir", dir})
	if err != nil {
		n.close()
		return err
	}
	return n.run(c.Context())
}
