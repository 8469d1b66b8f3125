package main

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"github.com/firsttap/firsttap/internal/config"
	"github.com/firsttap/firsttap/internal/network"
)

func gatewayCommand() *cobra.Command {
	var f partFlags
	var dir string
	c := &cobra.Command{
		Use:   "gateway",
		Short: "Run the network: ISO 8583 doors, dCVV2 API, store",
		Long: `gateway runs the network alone: the doors for wallets and merchants (ISO 8583
over TCP), the dCVV2 API for issuers (two-way TLS), the HTTPS door for phones,
the operators' door, the store and the keys. It dials the issuers' hosts. With
mode: test it makes the keys and certificates that are missing; with mode:
production it makes no certificates and refuses what is for tests.`,
		Example: `  firsttap gateway
  firsttap gateway --config examples/gateway.yaml --dir ./data
  firsttap gateway --print-config > gateway.yaml
  firsttap gateway --config gateway.yaml --check`,
	}
	load := func(path string) (config.Gateway, error) { return network.Load(path, dir) }
	part(c, &f, load, func(c *cobra.Command, settings config.Gateway, log zerolog.Logger) error {
		return runGateway(c, &f, settings, dir, log)
	})
	c.Flags().StringVar(&dir, "dir", config.DataDir("gateway"), "folder for store, keys and certificates")
	_ = c.MarkFlagDirname("dir")
	return c
}

func runGateway(c *cobra.Command, f *partFlags, settings config.Gateway, dir string, log zerolog.Logger) error {
	n, err := network.Open(c.Context(), network.Options{
		Settings: settings, Dir: dir, Version: knownVersion(), Log: log,
		Chance: network.Chance{Now: time.Now, Random: rand.Reader, Keys: rand.Reader},
	})
	if errors.Is(err, context.Canceled) {
		return nil // stopped before it was up
	}
	if err != nil {
		return err
	}
	wallets, merchants := settings.Doors.Wallets, settings.Doors.Merchants
	err = f.say(c.OutOrStdout(), "gateway is up",
		fact{"wallets", n.Address(network.Wallets) + "  " + wallets.Spec + ", " + wallets.Framing},
		fact{"merchants", n.Address(network.Merchants) + "  " + merchants.Spec + ", " + merchants.Framing},
		fact{"api", n.URL(network.Issuers) + "/dCVV2/v1/"},
		fact{"phones", n.URL(network.Phones)},
		fact{"operators", n.URL(network.Operators)},
		fact{"dir", dir},
		fact{"certificates", n.Certificates()})
	if err != nil {
		n.Close()
		return err
	}
	return n.Run(c.Context())
}
