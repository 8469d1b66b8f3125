package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/firsttap/firsttap/simulator/load"
)

// loadFlags are the flags of `firsttap load`.
type loadFlags struct {
	load.Plan
	self     bool
	anywhere bool
	target   string
	merchant string
	issuer   string
	mix      string
	rate     string
	accounts int
	tokens   int
	reuse    bool
	declines bool
	settings partsFlags
	svg      string
	json     bool
	logLevel string
}

// partsFlags name the settings of the parts that load plays.
type partsFlags struct{ wallet, merchant, issuer string }

// rateMax is the value of --rate that asks again as soon as it is answered.
const rateMax = "max"

// accountsDefault is how many accounts are prepared when nothing else is said
// (ours): some seconds of enrolling.
const accountsDefault = 1000

func loadCommand() *cobra.Command {
	f := loadFlags{Plan: load.DefaultPlan()}
	c := &cobra.Command{
		Use:   "load",
		Short: "Put load on a gateway: latencies, and every answer held against its request",
		Long: `load plays wallets and merchants, many at once. Requests start by a schedule that
does not wait for answers, so that a slow answer counts against those behind it.
Each carries a canary, and each answer is held against its request: it exits 1
when one was lost, late, doubled, mixed up or taken for another's, and when
requests were declined.

Kinds of requests: echo (0800), activation (with a code), tap (with a token's
cryptogram), verify (25 = 51). Accounts are enrolled, and tokens provisioned and
loaded on phones, before the load begins: through the issuers' API and the phones'
door, as the settings of issuer and wallet say.

--self starts a gateway and an issuer in the same process, on loopback ports that
the system chooses, and needs nothing else. Else the gateway is at --target, and
with --issuer a host that approves everything listens there for it.`,
		Example: `  firsttap load --self
  firsttap load --self --mix echo --rate max --in-flight 256 --duration 5s
  firsttap load --self --mix tap --rate 2000 --steps 8 --duration 16s --svg load.svg
  firsttap load --issuer 127.0.0.1:8600 --mix activation=70,tap=30 --rate 50   # at a running firsttap gateway
  firsttap load --target 127.0.0.1:9000 --wallet-config wallet.yaml --mix echo --rate 100 --json`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return loading(c, f) },
	}
	f.add(c)
	c.ValidArgsFunction = cobra.NoFileCompletions
	for _, name := range []string{"wallet-config", "merchant-config", "issuer-config"} {
		_ = c.MarkFlagFilename(name, "yaml", "yml")
	}
	_ = c.MarkFlagFilename("svg", "svg")
	return c
}

func (f *loadFlags) add(c *cobra.Command) {
	flags := c.Flags()
	flags.BoolVar(&f.self, "self", false, "start a gateway and an issuer for it, and take them away afterwards")
	flags.StringVar(&f.target, "target", "", "the gateway's door for activations and echoes (default: as in the wallet's settings)")
	flags.StringVar(&f.merchant, "merchants", "", "its door for taps and verifications (default: --target, or else as in the merchant's settings)")
	flags.StringVar(&f.issuer, "issuer", "", "listen here as the issuer's host, and approve everything")
	flags.BoolVar(&f.anywhere, "anywhere", false, "allow a target that is not on this machine")
	flags.StringVar(&f.mix, "mix", f.Mix.String(), "kinds of requests, with their weights")
	flags.StringVar(&f.rate, "rate", rateMax, fmt.Sprintf("requests a second, 1 to %d; max asks again as soon as it is answered", load.RateMax))
	flags.IntVar(&f.InFlight, "in-flight", f.InFlight, fmt.Sprintf("requests that wait for an answer at most, 1 to %d", load.InFlightMax))
	flags.IntVar(&f.Connections, "connections", f.Connections, fmt.Sprintf("to each door, 1 to %d", load.ConnectionsMax))
	flags.DurationVar(&f.Duration, "duration", f.Duration, fmt.Sprintf("in which requests start, %v to %v", load.DurationMin, load.DurationMax))
	flags.IntVar(&f.Steps, "steps", f.Steps, fmt.Sprintf("in which the rate grows to --rate, 1 to %d", load.StepsMax))
	flags.DurationVar(&f.Timeout, "timeout", f.Timeout, fmt.Sprintf("after which a request is lost, %v to %v", load.TimeoutMin, load.TimeoutMax))
	flags.IntVar(&f.accounts, "accounts", accountsDefault, fmt.Sprintf("for activations and verifications, with a code each, 1 to %d (default: as many as --rate needs when codes are used once, else %d)", load.AccountsMax, accountsDefault))
	flags.Lookup("accounts").DefValue = "0" // said above
	flags.IntVar(&f.tokens, "tokens", 0, fmt.Sprintf("for taps, 1 to %d (default: --in-flight)", load.TokensMax))
	flags.BoolVar(&f.reuse, "reuse-codes", false, "use codes again when all are used, in a range with oncePerWindow: false (default with --self)")
	flags.BoolVar(&f.declines, "declines-ok", false, "take declines for right answers")
	flags.StringVar(&f.settings.wallet, "wallet-config", "", "settings of the wallet: spec, framing, TLS, station, requestor, phones' door")
	flags.StringVar(&f.settings.merchant, "merchant-config", "", "settings of the merchant: spec, framing, TLS, station")
	flags.StringVar(&f.settings.issuer, "issuer-config", "", "settings of the issuer: its API, certificates and range, and spec and framing of --issuer")
	flags.Uint64Var(&f.Seed, "seed", 0, "number that the order of the kinds hangs on; 0 draws one")
	flags.StringVar(&f.svg, "svg", "", "draw latency over time, or with --steps over the rate, into this file")
	flags.BoolVar(&f.json, "json", false, "print one JSON document")
	addLogLevel(c, &f.logLevel, "error")
}

// check refuses what cannot be done, before anything is begun.
func (f *loadFlags) check(accountsGiven bool) (err error) {
	if f.Mix, err = load.ParseMix(f.mix); err != nil {
		return usage("--mix: %v", err)
	}
	if f.Rate, err = readRate(f.rate); err != nil {
		return err
	}
	if f.Seed == 0 {
		f.Seed = drawSeed()
	}
	if err := f.Plan.Check(); err != nil {
		return usage("%v", err)
	}
	if need := f.AccountsNeeded(); !accountsGiven && !f.self && !f.reuse && need > 0 {
		f.accounts = need
	}
	if f.self && (f.target != "" || f.merchant != "" || f.issuer != "" || f.settings != partsFlags{}) {
		return usage("--self brings gateway, issuer and settings along: it does not go with --target, --merchants, --issuer or settings")
	}
	if f.svg == "" {
		return nil
	}
	file, err := os.OpenFile(f.svg, os.O_WRONLY|os.O_CREATE, 0o644) // known now, and not after the load
	if err != nil {
		return usage("--svg: %v", err)
	}
	return file.Close()
}

func readRate(s string) (int, error) {
	if s == rateMax {
		return 0, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > load.RateMax {
		return 0, usage("--rate is 1 to %d requests a second, or %s, not %q", load.RateMax, rateMax, s)
	}
	return n, nil
}

func loading(c *cobra.Command, f loadFlags) error {
	log, err := newLog(c.ErrOrStderr(), f.logLevel)
	if err != nil {
		return err
	}
	if err := f.check(c.Flags().Changed("accounts")); err != nil {
		return err
	}
	options, stop, err := f.options(c.Context(), log)
	if err != nil {
		return err
	}
	bar := newLoadBar(c.ErrOrStderr())
	options.Tell = bar.tell
	report, err := load.Run(c.Context(), options)
	bar.clear()
	if err != nil {
		err = fmt.Errorf("preparing the load: %w", err)
		if errors.Is(err, load.ErrPlan) {
			err = usage("%v", err)
		}
		return errors.Join(err, stop())
	}
	return errors.Join(f.print(c, report), stop(), loadVerdict(report, f.declines))
}

// print prints the report, and draws it.
func (f loadFlags) print(c *cobra.Command, report load.Report) error {
	if f.svg != "" {
		var picture strings.Builder
		if err := report.Draw(&picture); err != nil {
			return err
		}
		if err := os.WriteFile(f.svg, []byte(picture.String()), 0o644); err != nil {
			return fmt.Errorf("--svg: %w", err)
		}
	}
	if f.json {
		return printJSON(c.OutOrStdout(), report)
	}
	return report.Write(c.OutOrStdout())
}

// loadVerdict is the command's end: nil when every answer was the right one.
func loadVerdict(r load.Report, declines bool) error {
	troubles := r.Troubles(declines)
	if len(troubles) == 0 {
		return nil
	}
	return errors.New(strings.Join(troubles, "\nfirsttap: "))
}

// loadBar tells on standard error how far a load is: on a terminal in one line
// that changes, elsewhere line by line.
type loadBar struct {
	out      io.Writer
	terminal bool
}

func newLoadBar(out io.Writer) loadBar {
	file, ok := out.(*os.File)
	return loadBar{out: out, terminal: ok && term.IsTerminal(int(file.Fd()))}
}

func (b loadBar) tell(p load.Progress) {
	line := fmt.Sprintf("%s: %d of %d", p.Phase, p.Done, p.Of)
	if p.Phase == load.PhaseLoad {
		line = fmt.Sprintf("%.0f s: %d answered, %.0f a second, p99 %v, faults: %d",
			p.Took.Seconds(), p.Done, float64(p.Done)/p.Took.Seconds(), p.P99.Round(time.Microsecond), p.Faults)
	}
	if b.terminal {
		fmt.Fprint(b.out, "\r\x1b[K"+line)
		return
	}
	fmt.Fprintln(b.out, line)
}

func (b loadBar) clear() {
	if b.terminal {
		fmt.Fprint(b.out, "\r\x1b[K")
	}
}

// options puts together where the gateway is and what plays around it. stop
// ends what was started for the load.
func (f loadFlags) options(ctx context.Context, log zerolog.Logger) (load.Options, func() error, error) {
	if f.self {
		return f.selfOptions(ctx, log)
	}
	return f.targetOptions(ctx, log)
}
