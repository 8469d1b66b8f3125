package main

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/internal/config"
)

func codesCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "codes",
		Short: "Calculate codes: generate, verify, static",
		Long: `codes computes what a gateway computes, without one: the dynamic CVV2s of a card,
whether a code is good at a time, and the static values on a card.

Keys come from the key ring in --dir, by the account range that the card number
lies in. With --test-key no ring is needed; it is for published test keys only,
because what stands in a command line can be read by others. Card numbers are
shown masked; the codes asked for are shown. docs/dcvv2.md tells how each code
comes about, to the byte.`,
		Example: `  firsttap codes generate --test-key 0123456789ABCDEFFEDCBA9876543210 --pan 4761739001010010 --expiry 3112 --count 24
  firsttap codes verify --test-key 0123456789ABCDEFFEDCBA9876543210 --pan 4761739001010010 --expiry 3112 --at 2026-11-22T12:34:56Z --code 075
  firsttap codes static --test-key FEDCBA98765432100123456789ABCDEF --pan 4761739001010010 --expiry 3112 --service-code 000`,
		Args: onlyCommands, RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(codesGenerateCommand(), codesVerifyCommand(), codesStaticCommand())
	return c
}

// cardFlags name a card and where its key is. All three calculators have them.
type cardFlags struct {
	pan, expiry string
	dir         string
	testKey     string
	keyVersion  int
	json        bool
}

// codesFlags are those of dynamic codes.
type codesFlags struct {
	cardFlags
	profile      string
	psn          string
	generation   int
	hours        int
	at           string
	count        int
	minRemaining time.Duration
	grace        time.Duration
	code         string
}

func (f *cardFlags) addCard(c *cobra.Command) {
	c.Args, c.ValidArgsFunction = onlyFlags, cobra.NoFileCompletions
	c.Flags().StringVar(&f.pan, "pan", "", "card number, 13 to 19 digits: a test number, because others can read it here")
	c.Flags().StringVar(&f.expiry, "expiry", "", "expiry date, YYMM")
	c.Flags().StringVar(&f.dir, "dir", config.DataDir("gateway"), "folder of the key ring")
	c.Flags().IntVar(&f.keyVersion, "key-version", 1, fmt.Sprintf("version of the key in the ring, 1 to %d", dcvv2.KeyVersionMax))
	c.Flags().StringVar(&f.testKey, "test-key", "", "a published test key in hexadecimal, instead of the ring; never a real one")
	c.Flags().BoolVar(&f.json, "json", false, "print one JSON document")
	_ = c.MarkFlagDirname("dir")
	completeNothing(c, "pan", "expiry", "key-version", "test-key")
}

func (f *codesFlags) add(c *cobra.Command) {
	f.addCard(c)
	c.Flags().StringVar(&f.profile, "profile", dcvv2.ProfileCVVHour, "code profile: "+strings.Join(dcvv2.ProfileNames(), ", "))
	c.Flags().StringVar(&f.psn, "psn", "00", "sequence number of the card, 00 to 99")
	c.Flags().IntVar(&f.generation, "generation", 0, "generation of the enrolment, 0 to 65535; cvv-hour does not use it")
	c.Flags().IntVar(&f.hours, "window-hours", dcvv2.WindowHoursMin, "hours of a window, 1 to 18")
	c.Flags().StringVar(&f.at, "at", "", "time, RFC 3339 (default now)")
	_ = c.RegisterFlagCompletionFunc("profile", cobra.FixedCompletions(dcvv2.ProfileNames(), cobra.ShellCompDirectiveNoFileComp))
	completeNothing(c, "psn", "generation", "window-hours", "at")
}

// completeNothing keeps the shell from offering files for what is no file.
func completeNothing(c *cobra.Command, flags ...string) {
	for _, name := range flags {
		_ = c.RegisterFlagCompletionFunc(name, cobra.NoFileCompletions)
	}
}

func codesGenerateCommand() *cobra.Command {
	var f codesFlags
	c := &cobra.Command{
		Use:   "generate",
		Short: "Compute the codes of a card, window by window",
		Long: `generate prints the codes of the windows in a row that begin with the window of
--at, each with the time from which and until which it is due. Keys come from the
key ring in --dir unless --test-key gives a published test key.`,
		Example: `  firsttap codes generate --profile cvv-hour --test-key 0123456789ABCDEFFEDCBA9876543210 \
    --pan 4761739001010010 --psn 00 --expiry 3112 --window-hours 1 --at 2026-11-22T12:34:56Z --count 24
  firsttap codes generate --pan 4761739001010010 --expiry 3112 --json`,
		RunE: func(c *cobra.Command, _ []string) error { return generateCodes(c, f) },
	}
	f.add(c)
	c.Flags().IntVar(&f.count, "count", 1, fmt.Sprintf("how many codes, 1 to %d", dcvv2.CodesMax))
	c.Flags().DurationVar(&f.minRemaining, "min-remaining", 0, "begin with the next window when less than this is left")
	completeNothing(c, "count", "min-remaining")
	return c
}

func codesVerifyCommand() *cobra.Command {
	var f codesFlags
	c := &cobra.Command{
		Use:   "verify",
		Short: "Check a code of a card at a time",
		Long: `verify says whether a code is good at --at: match, no match, too early or expired,
and of which window it is. A code outlives its window by --grace. Of a code that
does not match, the 24 windows before and the 23 after are looked at; by chance
they have about one wrong code in twenty. It exits 0 on a match, else 1.`,
		Example: `  firsttap codes verify --profile cvv-hour --test-key 0123456789ABCDEFFEDCBA9876543210 \
    --pan 4761739001010010 --expiry 3112 --at 2026-11-22T12:34:56Z --code 075
  firsttap codes verify --pan 4761739001010010 --expiry 3112 --code 075 --json`,
		RunE: func(c *cobra.Command, _ []string) error { return verifyCode(c, f) },
	}
	f.add(c)
	c.Flags().StringVar(&f.code, "code", "", "the code, three digits")
	c.Flags().DurationVar(&f.grace, "grace", dcvv2.GraceDefault, "how long a code outlives its window, 0s to 1h")
	completeNothing(c, "code", "grace")
	return c
}

func codesStaticCommand() *cobra.Command {
	var f cardFlags
	var serviceCode string
	c := &cobra.Command{
		Use:   "static",
		Short: "Compute the static CVV2, iCVV or CVV of a card",
		Long: `static prints the value that is printed or coded on a card once and for all: with
service code 000 the CVV2, with 999 the iCVV of the chip, with the track's own,
such as 201, the CVV of the track. The key is the ring's cvk key.`,
		Example: `  firsttap codes static --test-key FEDCBA98765432100123456789ABCDEF --pan 4761739001010010 --expiry 3112 --service-code 000
  firsttap codes static --pan 4761739001010010 --expiry 3112 --service-code 201 --json`,
		RunE: func(c *cobra.Command, _ []string) error { return staticCode(c, f, serviceCode) },
	}
	f.addCard(c)
	c.Flags().StringVar(&serviceCode, "service-code", "000", "000 for CVV2, 999 for iCVV, else the track's")
	services := []string{"000\tCVV2", "999\tiCVV", "201\tCVV of a chip card's track"}
	_ = c.RegisterFlagCompletionFunc("service-code", cobra.FixedCompletions(services, cobra.ShellCompDirectiveNoFileComp))
	return c
}

// onlyFlags is noArgs where an argument may be a card number or a key, which
// must not be said again.
func onlyFlags(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usage("%s takes flags only, such as --pan and --test-key; see %s --help", c.Name(), c.CommandPath())
	}
	return nil
}

// card reads the card of the flags.
func (f cardFlags) card() (card.PAN, card.Expiry, error) {
	if f.pan == "" || f.expiry == "" {
		return card.PAN{}, card.Expiry{}, usage("--pan and --expiry name the card, and one is missing")
	}
	pan, err := card.ParsePAN(f.pan)
	if err != nil {
		return card.PAN{}, card.Expiry{}, usage("--pan: %v", err)
	}
	expiry, err := card.ParseExpiry(f.expiry)
	if err != nil {
		return card.PAN{}, card.Expiry{}, usage("--expiry: %v", err)
	}
	return pan, expiry, nil
}

// account reads the card with what dynamic codes hang on besides.
func (f codesFlags) account() (dcvv2.Account, error) {
	pan, expiry, err := f.card()
	if err != nil {
		return dcvv2.Account{}, err
	}
	sequence, err := card.ParseSequence(f.psn)
	if err != nil {
		return dcvv2.Account{}, usage("--psn: %v", err)
	}
	if f.generation < 0 || f.generation > math.MaxUint16 {
		return dcvv2.Account{}, usage("--generation is 0 to %d, not %d", math.MaxUint16, f.generation)
	}
	return dcvv2.Account{PAN: pan, Sequence: sequence, Expiry: expiry, Generation: uint16(f.generation)}, nil
}

// schedule is one policy for ever, as the flags have it.
func (f codesFlags) schedule() (dcvv2.Schedule, error) {
	p := dcvv2.DefaultPolicy()
	p.Profile, p.WindowHours, p.KeyVersion, p.Grace = f.profile, f.hours, f.keyVersion, f.grace
	s := dcvv2.Always(p)
	if err := s.Validate(); err != nil {
		return s, usage("%v", err)
	}
	return s, nil
}

func (f codesFlags) time() (time.Time, error) {
	if f.at == "" {
		return time.Now().UTC(), nil
	}
	at, err := time.Parse(time.RFC3339, f.at)
	if err != nil {
		return at, usage("--at is no time: write it like 2026-11-22T12:34:56Z")
	}
	return at.UTC(), nil
}
