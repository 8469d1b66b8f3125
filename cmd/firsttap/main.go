// Command firsttap is a payment network in one binary: it checks dynamic
// CVV2s, provisions tokens over ISO 8583 and authorizes taps, and it plays the
// wallet, the issuer and the merchant to test against.
//
// It only wires: flags, settings, start and stop. Start at root.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

// version is set by the linker.
var version = ""

// Exit codes.
const (
	exitFailure = 1 // what was asked for did not come out right
	exitUsage   = 2 // it was not asked for rightly
)

// usageError is an error in how the command was called.
type usageError struct{ message string }

func (e usageError) Error() string { return e.message }

func usage(format string, args ...any) error { return usageError{fmt.Sprintf(format, args...)} }

// errSaid ends a command that has already said what is wrong.
var errSaid = errors.New("")

func main() {
	giveMemory()
	os.Exit(execute())
}

// How memory is given for processor time, where the environment does not say
// (ours). What firsttap keeps is some ten MB, and a request leaves thousands of
// bytes behind: collecting at each doubling would take a tenth of the time or more.
const (
	garbagePercent   = 400       // GOGC: garbage beside what is kept, before it is collected
	memoryLimitBytes = 512 << 20 // GOMEMLIMIT: from here on it is collected more often
)

// giveMemory sets both, but for what the environment sets.
func giveMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbagePercent)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryLimitBytes)
	}
}

// execute runs the command of the process until it ends or is interrupted. What
// is interrupted ends in order; a second signal ends it at once, with 1.
func execute() int {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	signals := make(chan os.Signal, 2) // both, however close
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	go func() {
		<-signals
		cancel()
		<-signals
		os.Exit(exitFailure)
	}()
	return run(ctx, os.Args[1:])
}

func run(ctx context.Context, args []string) int {
	command := root()
	command.SetArgs(args)
	err := command.ExecuteContext(ctx)
	var wrongUse usageError
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errSaid):
		return exitFailure
	}
	fmt.Fprintf(command.ErrOrStderr(), "firsttap: %v\n", err)
	if errors.As(err, &wrongUse) {
		return exitUsage
	}
	return exitFailure
}

func root() *cobra.Command {
	command := &cobra.Command{
		Use:   "firsttap",
		Short: "From dynamic CVV2 to first tap: a payment network to test token provisioning with",
		Long: `firsttap is a network in one binary. It gives issuers dynamic CVV2s over HTTP,
checks them in token-provisioning messages over ISO 8583, mints tokens and
authorizes taps; and it plays wallet, issuer and merchant to test against.

It exits 0 when what was asked for came out right, 1 when it did not, and 2 when
it was not asked for rightly.`,
		Example: `  firsttap demo --once                  # the whole story, in a second
  firsttap demo --once --with used-code # with one thing wrong
  firsttap gateway                      # the network alone, for your own wallet
  firsttap ranges list                  # its account ranges and their policies
  firsttap explain 326112212340001      # why it decided so
  firsttap decode 08008220000000000000040000000000000011221234560000010301`,
		Version: builtVersion(), Args: onlyCommands, RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
		SilenceErrors: true, SilenceUsage: true, DisableFlagsInUseLine: true,
	}
	command.SetVersionTemplate("{{.DisplayName}} {{.Version}}\n")
	command.SetFlagErrorFunc(badFlag)
	command.AddCommand(
		demoCommand(), gatewayCommand(), issuerCommand(), walletCommand(), merchantCommand(),
		certsCommand(),
		decodeCommand(),
		codesCommand(),
		keysCommand(),
		explainCommand(),
		rangesCommand(),
		stationsCommand(),
		guessCommand(),
		loadCommand(),
		specCommand(),
		versionCommand(),
	)
	command.InitDefaultHelpCmd()
	command.InitDefaultCompletionCmd("completion")
	tellApart(command)
	return command
}

// noArgs refuses arguments as a matter of usage.
func noArgs(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usage("%s takes no arguments, but got %q; see %s --help", c.Name(), args[0], c.CommandPath())
	}
	return nil
}

// suggestionDistance is how many letters a mistyped command may be off (ours).
const suggestionDistance = 2

// onlyCommands refuses what is no command of c.
func onlyCommands(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if !c.HasSubCommands() {
		return usage("%s has no commands", c.CommandPath())
	}
	var names []string
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() || sub.Name() == "help" {
			names = append(names, sub.Name())
		}
	}
	message := fmt.Sprintf("%s has no command %q", c.CommandPath(), args[0])
	c.SuggestionsMinimumDistance = suggestionDistance
	if near := c.SuggestionsFor(args[0]); len(near) > 0 {
		message += " (did you mean " + strings.Join(near, " or ") + "?)"
	}
	return usage("%s; known commands: %s", message, strings.Join(names, ", "))
}

// badFlag says what is wrong with a flag in words that are not Go's, and where
// the right ones stand.
func badFlag(c *cobra.Command, err error) error {
	text, _, _ := strings.Cut(err.Error(), ": strconv.")
	return usage("%s; see %s --help", text, c.CommandPath())
}

// tellApart makes the commands that cobra brings along end as ours do: with an
// example in their help, and with exitUsage when they are called wrongly.
func tellApart(command *cobra.Command) {
	for _, c := range command.Commands() {
		switch c.Name() {
		case "help":
			c.Example = "  firsttap help decode"
			c.Run, c.RunE = nil, help
		case "completion":
			c.Args, c.RunE = onlyCommands, func(c *cobra.Command, _ []string) error { return c.Help() }
			c.Example = "  source <(firsttap completion bash)"
			for _, shell := range c.Commands() {
				shell.Args = noArgs
				shell.Example = "  firsttap completion " + shell.Name()
			}
		}
	}
}

// help is `firsttap help COMMAND`.
func help(c *cobra.Command, args []string) error {
	about, rest, err := c.Root().Find(args)
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return onlyCommands(about, rest)
	}
	about.InitDefaultHelpFlag()
	about.InitDefaultVersionFlag()
	return about.Help()
}

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version and what it was built with", Args: noArgs,
		Example: "  firsttap version",
		RunE: func(c *cobra.Command, _ []string) error {
			_, err := fmt.Fprintf(c.OutOrStdout(), "firsttap %s\n", builtVersion())
			return err
		},
	}
}

// builtVersion is the version, the compiler and the platform.
func builtVersion() string {
	return fmt.Sprintf("%s (%s %s/%s)", knownVersion(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// knownVersion is what the linker set, else what the module says.
func knownVersion() string {
	known := version
	if info, ok := debug.ReadBuildInfo(); ok && known == "" {
		known = strings.Trim(info.Main.Version, "()")
	}
	return cmp.Or(known, "devel")
}
