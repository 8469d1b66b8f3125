package main

import (
	"io"
	"slices"
	"strings"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"
)

// logLevels are what --log-level takes, from the most to the least.
var logLevels = []string{"trace", "debug", "info", "warn", "error", "disabled"}

// addLogLevel gives a command the flag --log-level.
func addLogLevel(c *cobra.Command, level *string, usual string) {
	c.Flags().StringVar(level, "log-level", usual, "of the log on standard error: "+strings.Join(logLevels, ", "))
	_ = c.RegisterFlagCompletionFunc("log-level", cobra.FixedCompletions(logLevels, cobra.ShellCompDirectiveNoFileComp))
}

// newLog writes JSON events, one a line, at level and above.
func newLog(w io.Writer, level string) (zerolog.Logger, error) {
	parsed, err := zerolog.ParseLevel(level)
	if err != nil || !slices.Contains(logLevels, level) {
		return zerolog.Nop(), usage("--log-level does not take %q: take one of %s", level, strings.Join(logLevels, ", "))
	}
	return zerolog.New(zerolog.SyncWriter(w)).Level(parsed).With().Timestamp().Logger(), nil
}
