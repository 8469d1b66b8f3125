package main

import (
	"context"
	crand "crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/firsttap/firsttap/internal/config"
	"github.com/firsttap/firsttap/internal/network"
	"github.com/firsttap/firsttap/simulator/story"
)

// demoFlags are the flags of `firsttap demo`.
type demoFlags struct {
	once     bool
	with     string
	json     bool
	dir      string
	seed     uint64
	at       string
	amount   string
	logLevel string
}

func demoCommand() *cobra.Command {
	var f demoFlags
	c := &cobra.Command{
		Use:   "demo",
		Short: "Play the whole story, from application to first tap",
		Long: `demo starts every part of firsttap in one process, on loopback ports that the
system chooses, and lets the actors play the story over TCP and HTTP: apply,
approve, generate, show, provision, tap. Without --once it stays up afterwards.

--with plays a case: with one thing wrong, and exits 0 when the refusal is the
right one; or by another way to a good end:
` + caseList(),
		Example: `  firsttap demo --once
  firsttap demo --once --json
  firsttap demo --once --with expired-code
  firsttap demo                       # stays up: look at the pages, tap again`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return demo(c, f) },
	}
	c.Flags().BoolVar(&f.once, "once", false, "exit when the story has ended")
	c.Flags().StringVar(&f.with, "with", "", "the case to play; see above")
	c.Flags().BoolVar(&f.json, "json", false, "print the story as one JSON document")
	c.Flags().StringVar(&f.dir, "dir", "", "folder for store and keys (default: a temporary one with --once, else the user's data folder)")
	c.Flags().Uint64Var(&f.seed, "seed", 0, "number that all chance hangs on, keys too; 0 draws one and makes real keys")
	c.Flags().StringVar(&f.at, "at", "", "time in the story's world, RFC 3339 (default: now, or 20 minutes into an hour near now)")
	c.Flags().StringVar(&f.amount, "amount", "12.50", "what the tap pays")
	addLogLevel(c, &f.logLevel, "error")
	_ = c.MarkFlagDirname("dir")
	c.ValidArgsFunction = cobra.NoFileCompletions
	_ = c.RegisterFlagCompletionFunc("with", cobra.FixedCompletions(story.CaseNames(), cobra.ShellCompDirectiveNoFileComp))
	return c
}

func caseList() string {
	var b strings.Builder
	for _, c := range story.Cases() {
		fmt.Fprintf(&b, "  %-19s %s\n", c.Name, c.About)
	}
	return b.String()
}

func demo(c *cobra.Command, f demoFlags) error {
	wrong, options, err := f.options(c.ErrOrStderr())
	if err != nil {
		return err
	}
	if f.dir == "" && f.once {
		if options.dir, err = os.MkdirTemp("", "firsttap-demo-"); err != nil {
			return err
		}
		defer os.RemoveAll(options.dir)
	}
	w, err := openWorld(c.Context(), options)
	if err != nil {
		return err
	}
	report, played := story.Play(c.Context(), w.story, wrong)
	if err := f.print(c.OutOrStdout(), w, wrong, report); err != nil {
		return errors.Join(err, w.close())
	}
	if played == nil && !f.once {
		played = w.stay(c.Context(), f.aside(c))
	}
	if err := w.close(); err != nil && played == nil {
		return err
	}
	return verdict(report, played, options.seed)
}

// verdict is the command's end: nil when the story went as it should.
func verdict(report story.Report, played error, seed uint64) error {
	switch {
	case played != nil:
		return fmt.Errorf("%w (seed %d)", played, seed)
	case report.OK():
		return nil
	case report.Refusal == nil:
		return fmt.Errorf("nothing was refused, although %s must be (seed %d)", report.Case, seed)
	case report.Case == "":
		return fmt.Errorf("refused at %s: response %s (seed %d)", report.Refusal.Step, report.Refusal.ResponseCode, seed)
	}
	return fmt.Errorf("the refusal is not the right one: %s expected at this case (seed %d)", report.Refusal.Expected, seed)
}

func (f demoFlags) options(stderr io.Writer) (story.Case, worldOptions, error) {
	o := worldOptions{dir: f.dir, seed: f.seed, fixedKeys: f.seed != 0, start: comfortable(time.Now()), holder: "Ada Lovelace"}
	var wrong story.Case
	var err error
	if f.with != "" {
		if wrong, err = story.CaseByName(f.with); err != nil {
			return wrong, o, usage("--with: %v", err)
		}
		o.setup = wrong.Setup
	}
	if o.amount, err = config.ParseAmount(f.amount); err != nil {
		return wrong, o, usage("--amount: %v", err)
	}
	if f.at != "" {
		if o.start, err = time.Parse(time.RFC3339, f.at); err != nil {
			return wrong, o, usage("--at must be a time such as 2026-11-22T12:34:56Z")
		}
		if year := o.start.UTC().Year(); year < yearMin || year > yearMax {
			return wrong, o, usage("--at must lie in the years %d to %d, in which cards and codes can be made", yearMin, yearMax)
		}
	}
	if o.log, err = newLog(stderr, f.logLevel); err != nil {
		return wrong, o, err
	}
	if o.seed == 0 {
		o.seed = drawSeed()
	}
	if o.dir == "" {
		o.dir = config.DataDir("demo")
	}
	if _, err := os.Stat(filepath.Join(o.dir, network.StoreFile)); err == nil && f.seed != 0 && !(f.once && f.dir == "") {
		return wrong, o, usage("--seed: %s already holds a story, in which the same numbers would be taken for repeats; give an empty --dir", o.dir)
	}
	return wrong, o, nil
}

// yearMin and yearMax bound --at: YYMM says 2000 to 2099, and the profile
// cvv-hour ends in 2083.
const (
	yearMin = 2000
	yearMax = 2080
)

// comfortable is a time near t that is past a window's grace period and well
// before its end, so that a story never straddles two windows.
func comfortable(t time.Time) time.Time {
	t = t.UTC()
	if m := t.Minute(); m >= 16 && m < 50 {
		return t
	}
	start := t.Truncate(time.Hour).Add(20 * time.Minute)
	if start.Before(t) {
		start = start.Add(time.Hour)
	}
	return start
}

func drawSeed() uint64 {
	var b [8]byte
	_, _ = crand.Read(b[:]) // never fails
	return binary.BigEndian.Uint64(b[:])>>1 | 1
}

func (f demoFlags) print(out io.Writer, w *world, wrong story.Case, report story.Report) error {
	if f.json {
		return printJSON(out, report)
	}
	_, err := io.WriteString(out, story.Tell(report, wrong, w.seed))
	return err
}

// aside is where what is no part of the story is said: with --json the standard
// output holds one document and nothing else.
func (f demoFlags) aside(c *cobra.Command) io.Writer {
	if f.json {
		return c.ErrOrStderr()
	}
	return c.OutOrStdout()
}

// stay keeps everything up, with the story's phone held out, until ctx ends.
func (w *world) stay(ctx context.Context, out io.Writer) error {
	contactless, err := net.Listen("tcp", anyPort)
	if err != nil {
		return fmt.Errorf("the phone cannot be held out: %w", err)
	}
	fmt.Fprint(out, w.doors(contactless.Addr().String()))
	return w.phone.Serve(ctx, contactless)
}

// doors says where everything is and what to try.
func (w *world) doors(contactless string) string {
	var b strings.Builder
	n := w.network
	fmt.Fprintf(&b, "\nEverything stays up until Ctrl-C:\n")
	for _, line := range [][2]string{
		{"issuer's web site", w.issuer.siteURL()},
		{"its back office", w.issuer.siteURL() + "/office"},
		{"gateway, wallets", n.Address(network.Wallets) + "  visa-style, vap"},
		{"gateway, merchants", n.Address(network.Merchants) + "  visa-style, vap"},
		{"gateway, dCVV2 API", n.URL(network.Issuers) + "/dCVV2/v1/"},
		{"gateway, phones", n.URL(network.Phones)},
		{"gateway, operators", n.URL(network.Operators)},
		{"issuer's host", w.issuer.hostAddress() + "  visa-style, vap"},
		{"phone, contactless", contactless},
		{"data folder", w.dir},
		{"certificates", w.certificates()},
	} {
		fmt.Fprintf(&b, "  %-20s %s\n", line[0], line[1])
	}
	fmt.Fprintf(&b, "\nTry next:\n")
	fmt.Fprintf(&b, "  firsttap merchant --amount 7.20 --gateway %s --phone %s\n", n.Address(network.Merchants), contactless)
	fmt.Fprintf(&b, "  firsttap explain TRANSACTION --gateway %s --certs %s  # the receipt names it\n", n.URL(network.Operators), w.certificates())
	fmt.Fprintf(&b, "  open %s, apply for a card, approve it in the back office\n", w.issuer.siteURL())
	fmt.Fprintf(&b, "  %s\n", curl(w.certificates(), network.OperatorDefault, n.URL(network.Operators)+"/healthz"))
	fmt.Fprintf(&b, "  firsttap demo --once --with used-code\n")
	return b.String()
}
