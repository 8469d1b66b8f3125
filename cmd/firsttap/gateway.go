package main

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"os/signal"
	"syscall"
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
		Long: `gateway runs the network alone: the doors for stations such as wallets and
merchants (ISO 8583 over TCP), the dCVV2 API for issuers (two-way TLS), the HTTPS door for phones,
the operators' door, the store and the keys. It dials the issuers' hosts. With
mode: test it makes the keys and certificates that are missing; with mode:
production it makes no certificates and refuses what is for tests.

SIGHUP, or ` + "`firsttap stations reload`" + `, lets it read its settings file anew:
stations, issuers and ranges change while it runs.`,
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
	hangUps := make(chan os.Signal, 1) // one that comes early waits, and does not end the program
	if f.config != "" {                // else there is nothing to read anew, and the terminal's end is the gateway's
		signal.Notify(hangUps, syscall.SIGHUP)
		defer signal.Stop(hangUps)
	}
	n, err := network.Open(c.Context(), network.Options{
		Settings: settings, File: f.config, Dir: dir, Version: knownVersion(), Log: log,
		Chance: network.Chance{Now: time.Now, Random: rand.Reader, Keys: rand.Reader},
	})
	if errors.Is(err, context.Canceled) {
		return nil // stopped before it was up
	}
	if err != nil {
		return err
	}
	facts := doorFacts(n, settings)
	facts = append(facts,
		fact{"api", n.URL(network.Issuers) + "/dCVV2/v1/"},
		fact{"phones", n.URL(network.Phones)},
		fact{"operators", n.URL(network.Operators)},
		fact{"dir", dir},
		fact{"certificates", n.Certificates()})
	if err := f.say(c.OutOrStdout(), "gateway is up", facts...); err != nil {
		n.Close()
		return err
	}
	stop := reloadOn(c.Context(), hangUps, n, log)
	defer stop()
	return n.Run(c.Context())
}

// doorFacts says where each station is met.
func doorFacts(n *network.Network, settings config.Gateway) (facts []fact) {
	for _, s := range settings.Stations {
		facts = append(facts, fact{s.Name, n.Station(s.Name) + "  " + wireText(s.Wire, s.TLS)})
	}
	for _, i := range settings.Issuers {
		if i.Listen != "" {
			facts = append(facts, fact{i.Name, n.Station(i.Name) + "  " + wireText(i.Wire, i.TLS)})
		}
	}
	return facts
}

func wireText(w config.Wire, protection string) string {
	text := w.Spec + ", " + w.Framing
	if protection != config.Off {
		text += ", " + protection + " TLS"
	}
	return text
}

// reloadOn reads the settings anew at each signal, until it is stopped. What is
// wrong with them stands in the log, and changes nothing.
func reloadOn(ctx context.Context, signals <-chan os.Signal, n *network.Network, log zerolog.Logger) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-signals:
				if _, err := n.Reload(ctx); err != nil {
					log.Error().Err(err).Msg("the settings were not taken up, and nothing has changed")
				}
			case <-ctx.Done():
				return
			}
		}
	}()
	return func() {
		cancel()
		<-ended
	}
}
