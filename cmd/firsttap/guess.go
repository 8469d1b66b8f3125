package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/firsttap/firsttap/guess"
	"github.com/firsttap/firsttap/internal/config"
)

// allKinds is the value of --kind that plays every kind of attack.
const allKinds = "all"

// sweepShare is which part of the attacks each dot of the picture gets, of
// those on one account.
const sweepShare = 10

// guessFlags are the flags of `firsttap guess`.
type guessFlags struct {
	guess.Setup
	kind    string
	attacks int
	workers int
	seed    uint64
	svg     string
	json    bool
}

func guessCommand() *cobra.Command {
	f := guessFlags{Setup: guess.DefaultSetup()}
	f.RequestorFailuresPerHourMax = config.RequestorFailuresPerHourDefault
	c := &cobra.Command{
		Use:   "guess",
		Short: "Measure how often guessing a code succeeds, beside what theory says",
		Long: `guess is the guessing lab. It plays attackers against a policy on a virtual
clock, through the gateway's own screening and a store in a temporary folder, and
compares how often they hit with what theory says. It exits 1 when they differ by
more than chance allows, or when a limit let through more or fewer guesses than it
says. No running gateway is touched.

Kinds of attacks:
` + kindList() + `
--live says how many codes a guess can hit: 1 inside a window, 2 inside the grace,
when that of the window before is still accepted. More are never accepted: of a code
that was given out for later, only theory is drawn.

The same seed plays the same attacks again, but for parallel, which is a race.`,
		Example: `  firsttap guess
  firsttap guess --kind one-pan --failures-per-day 20 --failures-in-row 100
  firsttap guess --kind many-pans --range-failures-per-hour 0 --seed 7
  firsttap guess --kind one-pan --svg guess.svg
  firsttap guess --attacks 500 --json`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return guessing(c, f) },
	}
	f.add(c)
	c.ValidArgsFunction = cobra.NoFileCompletions
	_ = c.RegisterFlagCompletionFunc("kind", cobra.FixedCompletions(kindNames(), cobra.ShellCompDirectiveNoFileComp))
	_ = c.MarkFlagFilename("svg", "svg")
	return c
}

func (f *guessFlags) add(c *cobra.Command) {
	flags, p := c.Flags(), &f.Policy
	flags.StringVar(&f.kind, "kind", allKinds, "of attacks; see above")
	flags.IntVar(&f.attacks, "attacks", 0, fmt.Sprintf("of each kind, 1 to %d (default: 10000 on one account, fewer of the other kinds)", guess.AttacksMax))
	flags.IntVar(&p.WindowHours, "window-hours", p.WindowHours, "of the codes, 1 to 18")
	flags.DurationVar(&p.Grace, "grace", p.Grace, "how long a code outlives its window, 0s to 1h")
	flags.IntVar(&f.Live, "live", f.Live, "codes that a guess can hit: 1, or 2 inside the grace")
	flags.IntVar(&p.FailuresPerDayMax, "failures-per-day", p.FailuresPerDayMax, "of an account, 1 to 100")
	flags.IntVar(&p.FailuresInRowMax, "failures-in-row", p.FailuresInRowMax, "until an account locks, 1 to 100")
	flags.IntVar(&p.RangeFailuresPerHourMax, "range-failures-per-hour", p.RangeFailuresPerHourMax, "of an account range, up to 100000; 0 is without end")
	flags.IntVar(&f.RequestorFailuresPerHourMax, "requestor-failures-per-hour", f.RequestorFailuresPerHourMax, "of a token requestor, up to 100000; 0 is without end")
	flags.IntVar(&f.Days, "days", f.Days, fmt.Sprintf("that an attack lasts, 1 to %d", guess.DaysMax))
	flags.IntVar(&f.PANs, "pans", f.PANs, fmt.Sprintf("accounts of one attack on many, 1 to %d", guess.PANsMax))
	flags.IntVar(&f.Requestors, "requestors", f.Requestors, fmt.Sprintf("of one attack of kind spread, 1 to %d", guess.RequestorsMax))
	flags.IntVar(&f.Callers, "callers", f.Callers, fmt.Sprintf("guesses at once of kind parallel, 1 to %d", guess.CallersMax))
	flags.Uint64Var(&f.seed, "seed", 0, "number that all chance hangs on; 0 draws one")
	flags.IntVar(&f.workers, "workers", guess.WorkersDefault, fmt.Sprintf("attacks at the same time, 1 to %d", guess.WorkersMax))
	flags.StringVar(&f.svg, "svg", "", "also measure over window hours, live windows and the failure limit, and draw it into this file")
	flags.BoolVar(&f.json, "json", false, "print one JSON document")
}

func kindNames() []string {
	names := []string{allKinds}
	for _, k := range guess.Kinds() {
		names = append(names, string(k))
	}
	return names
}

func kindList() string {
	var b strings.Builder
	for _, k := range guess.Kinds() {
		fmt.Fprintf(&b, "  %-10s %s\n", k, k.About())
	}
	return b.String()
}

// kinds are those to be played.
func (f guessFlags) kinds() ([]guess.Kind, error) {
	switch {
	case f.kind == allKinds:
		return guess.Kinds(), nil
	case slices.Contains(kindNames(), f.kind):
		return []guess.Kind{guess.Kind(f.kind)}, nil
	}
	return nil, usage("--kind does not take %q: take one of %s", f.kind, strings.Join(kindNames(), ", "))
}

// attacksOf is how many attacks of a kind are played.
func (f guessFlags) attacksOf(c *cobra.Command, k guess.Kind) int {
	if c.Flags().Changed("attacks") {
		return f.attacks
	}
	return k.AttacksDefault()
}

func (f guessFlags) sweepAttacks(c *cobra.Command) int {
	return max(1, f.attacksOf(c, guess.OnePAN)/sweepShare)
}

// check refuses what cannot be measured before anything is.
func (f guessFlags) check(c *cobra.Command, lab guess.Lab, kinds []guess.Kind) error {
	for _, k := range kinds {
		if err := lab.Check(k, f.Setup, f.attacksOf(c, k)); err != nil {
			return usage("%s", strings.ReplaceAll(err.Error(), "\n", "; "))
		}
	}
	if f.svg == "" {
		return nil
	}
	file, err := os.OpenFile(f.svg, os.O_WRONLY|os.O_CREATE, 0o644) // known now, and not after a minute
	if err != nil {
		return usage("--svg: %v", err)
	}
	return file.Close()
}

func guessing(c *cobra.Command, f guessFlags) error {
	kinds, err := f.kinds()
	if err != nil {
		return err
	}
	if f.seed == 0 {
		f.seed = drawSeed()
	}
	lab := guess.Lab{Seed: f.seed, Workers: f.workers}
	if err := f.check(c, lab, kinds); err != nil {
		return err
	}
	started := time.Now()
	report, err := f.measure(c, lab, kinds)
	if err != nil {
		return fmt.Errorf("%w (seed %d)", err, f.seed)
	}
	report.TookMS = float64(time.Since(started).Milliseconds())
	if err := f.print(c, report); err != nil {
		return err
	}
	return guessVerdict(report)
}

// measure plays all kinds, and the sweeps of the picture, until it is done or
// interrupted.
func (f guessFlags) measure(c *cobra.Command, lab guess.Lab, kinds []guess.Kind) (guess.Report, error) {
	ctx, report := c.Context(), guess.NewReport(f.seed, f.Setup)
	bar := newProgress(c.ErrOrStderr())
	lab.Progress = bar.show
	var err error
	// A dozen guesses: not worth an interruption.
	if report.Accepted, err = lab.Accepted(context.WithoutCancel(ctx), f.Setup); err != nil {
		return report, err
	}
	for _, k := range kinds {
		if ctx.Err() != nil {
			break
		}
		bar.begin(string(k))
		m, err := lab.Measure(ctx, k, f.Setup, f.attacksOf(c, k))
		if err != nil {
			return report, err
		}
		bar.end(m.Attacks)
		report.Measurements = append(report.Measurements, m)
	}
	if f.svg != "" && ctx.Err() == nil {
		bar.begin(fmt.Sprintf("picture, %d dots", guess.Points(f.Setup)))
		if report.Points, err = lab.Sweep(ctx, f.Setup, f.sweepAttacks(c)); err != nil {
			return report, err
		}
		bar.end(len(report.Points) * f.sweepAttacks(c))
	}
	report.Interrupted, report.OK = ctx.Err() != nil, len(report.Faults()) == 0
	return report, nil
}

func (f guessFlags) print(c *cobra.Command, report guess.Report) (err error) {
	if f.svg != "" {
		var picture strings.Builder
		if err := report.Draw(&picture, f.Setup, f.sweepAttacks(c)); err != nil {
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

// guessVerdict is the command's end: nil when all was measured and agrees.
func guessVerdict(r guess.Report) error {
	faults := r.Faults()
	if r.Interrupted {
		faults = append(faults, "interrupted: this is what was measured so far")
	}
	if len(faults) == 0 {
		return nil
	}
	return fmt.Errorf("%w (seed %d)", errors.New(strings.Join(faults, "\nfirsttap: ")), r.Seed)
}

// progress tells on standard error how far a measurement is: on a terminal in
// one line that changes, elsewhere in a line at its end.
type progress struct {
	out      io.Writer
	terminal bool

	mu      sync.Mutex
	name    string
	started time.Time
	shown   time.Time
}

// progressEvery is how often a terminal's line changes.
const progressEvery = 200 * time.Millisecond

func newProgress(out io.Writer) *progress {
	file, ok := out.(*os.File)
	return &progress{out: out, terminal: ok && term.IsTerminal(int(file.Fd()))}
}

func (p *progress) begin(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.name, p.started, p.shown = name, time.Now(), time.Now()
}

func (p *progress) show(done, attacks int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.terminal && time.Since(p.shown) >= progressEvery {
		p.shown = time.Now()
		fmt.Fprintf(p.out, "\r\x1b[K%s: %d of %d attacks", p.name, done, attacks)
	}
}

func (p *progress) end(attacks int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.terminal {
		fmt.Fprint(p.out, "\r\x1b[K")
	}
	took := time.Since(p.started).Seconds()
	fmt.Fprintf(p.out, "%s: %d attacks in %.1f s, %.0f a second\n", p.name, attacks, took, float64(attacks)/took)
}
