package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"github.com/firsttap/firsttap/internal/config"
)

// partFlags are the flags that every part of the network has on its own.
type partFlags struct {
	config   string
	check    bool
	show     bool
	json     bool
	logLevel string
}

func (f *partFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&f.config, "config", "", "settings, a YAML file (default: settings that fit the other parts on one machine)")
	c.Flags().BoolVar(&f.check, "check", false, "check the settings, report every fault, and exit")
	c.Flags().BoolVar(&f.show, "print-config", false, "print the settings in force and exit")
	c.Flags().BoolVar(&f.json, "json", false, "print what happens as JSON, one object a line")
	addLogLevel(c, &f.logLevel, "info")
	_ = c.MarkFlagFilename("config", "yaml", "yml")
}

// part is the shape of every part's command: load, check or print, or run.
func part[S any](c *cobra.Command, f *partFlags, load func(string) (S, error), run func(c *cobra.Command, settings S, log zerolog.Logger) error) {
	f.add(c)
	c.Args, c.ValidArgsFunction = noArgs, cobra.NoFileCompletions
	c.RunE = func(c *cobra.Command, _ []string) error {
		log, err := newLog(c.ErrOrStderr(), f.logLevel)
		if err != nil {
			return err
		}
		if f.check && f.show {
			return usage("--check and --print-config are two things: take one")
		}
		settings, err := load(f.config)
		switch {
		case err != nil:
			return badSettings(f.config, err)
		case f.check:
			return f.say(c.OutOrStdout(), "the settings hold")
		case f.show:
			return config.Print(c.OutOrStdout(), settings)
		}
		return run(c, settings, log)
	}
}

// badSettings says whose faults follow, one a line.
func badSettings(path string, err error) error {
	var faults config.Faults
	if errors.As(err, &faults) {
		return fmt.Errorf("the settings of %s do not hold:\n%w", path, err)
	}
	return err
}

// printJSON prints one document for programs that a person can read too.
func printJSON(w io.Writer, document any) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(document)
}

// fact is one thing that a part says: a name for programs, words for people.
type fact struct {
	name, value string
}

// say prints what happened: words for people, or one JSON object.
func (f *partFlags) say(w io.Writer, event string, facts ...fact) error {
	if f.json {
		object := map[string]string{"event": event}
		for _, one := range facts {
			object[one.name] = one.value
		}
		return json.NewEncoder(w).Encode(object)
	}
	if _, err := fmt.Fprintln(w, event); err != nil {
		return err
	}
	for _, one := range facts {
		if _, err := fmt.Fprintf(w, "  %-20s %s\n", one.name, one.value); err != nil {
			return err
		}
	}
	return nil
}

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
