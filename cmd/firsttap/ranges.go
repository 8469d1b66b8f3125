package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/firsttap/firsttap/api/client"
	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/dcvv2"
)

// completionTimeout is how long the Tab key waits for a gateway (ours).
const completionTimeout = time.Second

func rangesCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "ranges",
		Short: "Register account ranges and change their policies while the gateway runs",
		Long: `ranges asks a running gateway for its account ranges, and changes them. A new
range is in force at once; a changed policy takes effect at the end of a window,
and as late as no code is voided that may have been given out. Every change is
in the audit trail. docs/ranges.md tells more.`,
		Example: `  firsttap ranges list
  firsttap ranges show 4761739
  firsttap ranges set 4761739 --window-hours 5
  firsttap ranges set 4761739 --key-version 2 --from 2026-12-01T00:00:00Z
  firsttap ranges set 400000 --issuer harbour --enrol-by-default
  firsttap ranges remove 400000 --void`,
		Args: onlyCommands, RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(rangesListCommand(), rangesShowCommand(), rangesSetCommand(), rangesRemoveCommand())
	return c
}

// rangeFlags are what every command of ranges takes.
type rangeFlags struct {
	operatorFlags
	json bool
}

func (f *rangeFlags) add(c *cobra.Command) {
	f.operatorFlags.add(c)
	c.Flags().BoolVar(&f.json, "json", false, "print one JSON document")
}

// ofOneRange makes a command take one range, and the Tab key offer those that
// the gateway has.
func ofOneRange(c *cobra.Command, f *rangeFlags, do func(*cobra.Command, client.Operator, card.Range) error) {
	f.add(c)
	c.Args = func(c *cobra.Command, args []string) error {
		if len(args) != 1 {
			return usage("%s takes one range, 6 to 11 leading digits or LOW-HIGH; see %s --help", c.Name(), c.CommandPath())
		}
		return nil
	}
	c.ValidArgsFunction = func(c *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		operator, err := operatorClient(f.operatorFlags)
		if err != nil || len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		ctx, cancel := context.WithTimeout(c.Context(), completionTimeout)
		defer cancel()
		list, _ := operator.Ranges(ctx)
		var names []string
		for _, one := range list {
			names = append(names, one.Range.String()+"\t"+one.Issuer)
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		accounts, err := card.ParseRange(args[0])
		if err != nil {
			return usage("%v", err)
		}
		operator, err := operatorClient(f.operatorFlags)
		if err != nil {
			return err
		}
		return do(c, operator, accounts)
	}
}

func rangesListCommand() *cobra.Command {
	var f rangeFlags
	c := &cobra.Command{
		Use:   "list",
		Short: "List the ranges with the policies in force and what comes next",
		Example: `  firsttap ranges list
  firsttap ranges list --json --gateway http://127.0.0.1:8581`,
		Args: noArgs, ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(c *cobra.Command, _ []string) error {
			operator, err := operatorClient(f.operatorFlags)
			if err != nil {
				return err
			}
			list, err := operator.Ranges(c.Context())
			if err != nil {
				return doorFault(operator, err)
			}
			if f.json {
				return printJSON(c.OutOrStdout(), map[string]any{"ranges": list})
			}
			return tellRanges(c.OutOrStdout(), list)
		},
	}
	f.add(c)
	return c
}

func rangesShowCommand() *cobra.Command {
	var f rangeFlags
	c := &cobra.Command{
		Use:   "show RANGE",
		Short: "Show a range with all its policies, past and planned ones too",
		Example: `  firsttap ranges show 4761739
  firsttap ranges show 47617390-47617394 --json`,
	}
	ofOneRange(c, &f, func(c *cobra.Command, operator client.Operator, accounts card.Range) error {
		one, err := operator.Range(c.Context(), accounts)
		if err != nil {
			return doorFault(operator, err)
		}
		if f.json {
			return printJSON(c.OutOrStdout(), one)
		}
		return tellRange(c.OutOrStdout(), one)
	})
	return c
}

// setFlags are the flags of `ranges set`.
type setFlags struct {
	rangeFlags
	policy dcvv2.Policy // of the flags that were given
	change client.RangeChange
	from   string
}

func rangesSetCommand() *cobra.Command {
	var f setFlags
	c := &cobra.Command{
		Use:   "set RANGE",
		Short: "Register a range, or change the policy of one",
		Long: `set registers a range that the gateway does not have, with the default policy but
for the flags given; it is in force at once. Of a range that it has, set changes
what the flags say, and nothing else.

A changed policy takes effect at the end of a window: without --from at the
first one at which no code is void that may have been given out, with --from at
the first one at or after it. What would void codes is refused unless --void
says that it is meant.`,
		Example: `  firsttap ranges set 400000 --issuer harbour --window-hours 6 --profile aes-cmac
  firsttap ranges set 4761739 --key-version 2
  firsttap ranges set 4761739 --enrol-by-default --from 2026-12-01T00:00:00Z
  firsttap ranges set 4761739 --key-version 3 --void   # the key is known to others`,
	}
	ofOneRange(c, &f.rangeFlags, func(c *cobra.Command, operator client.Operator, accounts card.Range) error {
		if err := f.read(c.Flags().Changed); err != nil {
			return err
		}
		done, err := operator.PutRange(c.Context(), accounts, f.change)
		if err != nil {
			return doorFault(operator, err)
		}
		if f.json {
			return printJSON(c.OutOrStdout(), done)
		}
		return tellApplied(c.OutOrStdout(), done, f.change)
	})
	f.addPolicy(c)
	return c
}

func (f *setFlags) addPolicy(c *cobra.Command) {
	p, usual := &f.policy, dcvv2.DefaultPolicy()
	flags := c.Flags()
	flags.StringVar(&f.change.Issuer, "issuer", "", "issuer of a new range: one of the gateway's settings")
	flags.IntVar(&p.WindowHours, "window-hours", usual.WindowHours, "how long a code is good, 1 to 18")
	flags.StringVar(&p.Profile, "profile", usual.Profile, "how codes are computed: "+strings.Join(dcvv2.ProfileNames(), ", "))
	flags.IntVar(&p.KeyVersion, "key-version", usual.KeyVersion, "version of the range's key, 1 to 99")
	flags.DurationVar(&p.Grace, "grace", usual.Grace, "how long a code outlives its window, 0s to 1h, whole seconds")
	flags.IntVar(&p.CodesMax, "codes-max", usual.CodesMax, "codes of one request, 1 to 24")
	flags.BoolVar(&p.OncePerWindow, "once-per-window", usual.OncePerWindow, "a code makes one token only")
	flags.BoolVar(&p.EnrolByDefault, "enrol-by-default", usual.EnrolByDefault, "accounts never seen count as enrolled")
	flags.IntVar(&p.FailuresPerDayMax, "failures-per-day", usual.FailuresPerDayMax, "failures of an account in 24 hours, 1 to 100")
	flags.IntVar(&p.FailuresInRowMax, "failures-in-row", usual.FailuresInRowMax, "failures until an account locks, 1 to 100")
	flags.IntVar(&p.RangeFailuresPerHourMax, "range-failures-per-hour", usual.RangeFailuresPerHourMax, "failures of the whole range in an hour, 0 to 100000; 0 is without end")
	for _, on := range f.actions() {
		var known []string
		for _, action := range dcvv2.ActionsFor(on.result) {
			known = append(known, string(action))
		}
		flags.StringVar((*string)(on.at), on.flag, known[0], on.when+": "+strings.Join(known, ", "))
		_ = c.RegisterFlagCompletionFunc(on.flag, cobra.FixedCompletions(known, cobra.ShellCompDirectiveNoFileComp))
	}
	flags.StringVar(&f.from, "from", "", "when it takes effect, RFC 3339 (default: as soon as no code is voided)")
	flags.BoolVar(&f.change.Void, "void", false, "let codes become void that were given out")
	_ = c.RegisterFlagCompletionFunc("profile", cobra.FixedCompletions(dcvv2.ProfileNames(), cobra.ShellCompDirectiveNoFileComp))
}

// onResult is a flag that says what is done about a result.
type onResult struct {
	flag   string
	when   string
	result dcvv2.Result
	at     *dcvv2.Action
}

func (f *setFlags) actions() []onResult {
	return []onResult{
		{"on-no-match", "when the code does not match (N)", dcvv2.NoMatch, &f.policy.OnNoMatch},
		{"on-missing", "when there is no code (S)", dcvv2.ShouldBePresent, &f.policy.OnMissing},
		{"on-not-participating", "when the account is not enrolled (U)", dcvv2.NotParticipating, &f.policy.OnNotParticipating},
		{"on-not-processed", "when the code cannot be checked (P)", dcvv2.NotProcessed, &f.policy.OnNotProcessed},
	}
}

// read makes the change of the flags that were given.
func (f *setFlags) read(given func(flag string) bool) error {
	if f.policy.Grace%time.Second != 0 {
		return usage("--grace takes whole seconds, such as 900s or 15m, not %v", f.policy.Grace)
	}
	if f.from != "" {
		var err error
		if f.change.From, err = time.Parse(time.RFC3339, f.from); err != nil {
			return usage("--from must be a time such as 2026-12-01T00:00:00Z")
		}
	}
	p, c, grace := &f.policy, &f.change.Policy, int(f.policy.Grace/time.Second)
	take(given("window-hours"), &p.WindowHours, &c.WindowHours)
	take(given("profile"), &p.Profile, &c.Profile)
	take(given("key-version"), &p.KeyVersion, &c.KeyVersion)
	take(given("grace"), &grace, &c.GraceSeconds)
	take(given("codes-max"), &p.CodesMax, &c.CodesMax)
	take(given("once-per-window"), &p.OncePerWindow, &c.OncePerWindow)
	take(given("enrol-by-default"), &p.EnrolByDefault, &c.EnrolByDefault)
	take(given("failures-per-day"), &p.FailuresPerDayMax, &c.FailuresPerDayMax)
	take(given("failures-in-row"), &p.FailuresInRowMax, &c.FailuresInRowMax)
	take(given("range-failures-per-hour"), &p.RangeFailuresPerHourMax, &c.RangeFailuresPerHourMax)
	take(given("on-no-match"), (*string)(&p.OnNoMatch), &c.OnNoMatch)
	take(given("on-missing"), (*string)(&p.OnMissing), &c.OnMissing)
	take(given("on-not-participating"), (*string)(&p.OnNotParticipating), &c.OnNotParticipating)
	take(given("on-not-processed"), (*string)(&p.OnNotProcessed), &c.OnNotProcessed)
	return nil
}

func take[T any](given bool, value *T, member **T) {
	if given {
		*member = value
	}
}

func rangesRemoveCommand() *cobra.Command {
	var f rangeFlags
	var void bool
	c := &cobra.Command{
		Use:   "remove RANGE",
		Short: "Take a range back, at once",
		Long: `remove takes a range back, at once. Codes may have been given out under it, so
that it is refused unless --void says that they become void. The settings file
does not bring the range back unless what it says of it changes.`,
		Example: `  firsttap ranges remove 400000 --void`,
	}
	ofOneRange(c, &f, func(c *cobra.Command, operator client.Operator, accounts card.Range) error {
		if err := operator.RemoveRange(c.Context(), accounts, void); err != nil {
			return doorFault(operator, err)
		}
		if f.json {
			return printJSON(c.OutOrStdout(), map[string]any{"range": accounts, "removed": true})
		}
		_, err := fmt.Fprintf(c.OutOrStdout(), "%s is taken back, in force now; codes that were given out are void\n", accounts)
		return err
	})
	c.Flags().BoolVar(&void, "void", false, "let codes become void that were given out")
	return c
}

// doorFault says what the operators' door refuses, or that it is out of reach.
// A request that is not right is a matter of usage.
func doorFault(operator client.Operator, err error) error {
	var problem *client.Problem
	switch {
	case errors.As(err, &problem) && problem.Status == http.StatusBadRequest:
		return usage("the gateway refuses: %s (%s)", problem.Detail, problem.Code)
	case errors.As(err, &problem):
		return fmt.Errorf("the gateway refuses: %s (%s)", problem.Detail, problem.Code)
	case errors.Is(err, client.ErrAnswer):
		return fmt.Errorf("what answers at %s is no operators' door of firsttap: %w", operator.BaseURL, err)
	}
	return fmt.Errorf("the operators' door at %s cannot be reached: is `firsttap gateway` running, and is --gateway its address? %w", operator.BaseURL, err)
}
