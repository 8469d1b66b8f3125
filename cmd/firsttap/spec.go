package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/firsttap/firsttap/internal/config"
	"github.com/firsttap/firsttap/specs"
	"github.com/firsttap/firsttap/specs/profile"
)

func specCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "spec",
		Short: "Show, export and check descriptions of the wire, your own too",
		Long: `spec works on message profiles: which fields a message has and how they are
written. Those that come with firsttap have names; your own is a file in the JSON
form of moov-io/iso8583. Name the file as "spec" in the settings of a door or an
issuer, and that station speaks it.`,
		Example: `  firsttap spec show ascii87
  firsttap spec show visa-style 123.01
  firsttap spec export ascii87 --out my-spec.json
  firsttap spec check my-spec.json`,
		Args: onlyCommands, RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(specShowCommand(), specExportCommand(), specImportCommand(), specCheckCommand())
	return c
}

func specShowCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "show [NAME|FILE] [FIELD]",
		Short: "List the fields of a profile",
		Long: `show lists the fields of a profile: number, format, length, encoding, whether its
value may be seen in logs, and name. With a field it lists that one and its parts.
Of what is masked nothing is ever seen; "in part" is a card number's first six
and last four digits, and CVV2 data without the code.`,
		Example: `  firsttap spec show
  firsttap spec show ascii87 55
  firsttap spec show ./my-spec.json --json`,
		Args: atMost(2), ValidArgsFunction: completeSpec,
		RunE: func(c *cobra.Command, args []string) error { return showSpec(c, args, asJSON) },
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON document")
	return c
}

func showSpec(c *cobra.Command, args []string, asJSON bool) error {
	name, under := specs.NameVisaStyle, ""
	if len(args) > 0 {
		name = args[0]
	}
	if len(args) > 1 {
		under = args[1]
	}
	p, err := readSpec(name)
	if err != nil {
		return err
	}
	var fields []profile.Field
	for _, f := range profile.Fields(p.Description) {
		if under == "" || f.Path == under || strings.HasPrefix(f.Path, under+".") {
			fields = append(fields, f)
		}
	}
	if len(fields) == 0 {
		return usage("%s has no field %s: write it like 2, 63.3 or 123.01", name, under)
	}
	if asJSON {
		return printJSON(c.OutOrStdout(), fields)
	}
	return printFields(c.OutOrStdout(), fields)
}

func printFields(w io.Writer, fields []profile.Field) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "FIELD\tFORMAT\tLENGTH\tPREFIX\tENCODING\tSEEN\tNAME")
	for _, f := range fields {
		length := fmt.Sprint(f.Length)
		if f.Varies {
			length = "up to " + length
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", f.Path, f.Format, length, orDash(f.Prefix), orDash(f.Encoding), orDash(f.Seen), f.Name)
	}
	return table.Flush()
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

type specExportFlags struct {
	out   string
	stock bool
}

func specExportCommand() *cobra.Command {
	var f specExportFlags
	c := &cobra.Command{
		Use:   "export NAME",
		Short: "Write a profile as JSON, to change it or to use it elsewhere",
		Long: `export writes a profile in moov's JSON form. Import gives the same bytes. Names
that begin with "firsttap." are for what moov does not have; with --stock there
are none, and what is then not the same is said on standard error.`,
		Example: `  firsttap spec export visa-style --out my-spec.json
  firsttap spec export visa-style --stock > for-moov.json`,
		Args: exactly(1, "a profile"), ValidArgsFunction: completeSpec,
		RunE: func(c *cobra.Command, args []string) error { return exportSpec(c, f, args[0]) },
	}
	c.Flags().StringVar(&f.out, "out", "", "write this new file; else standard output")
	c.Flags().BoolVar(&f.stock, "stock", false, "use moov's own names only")
	return c
}

func exportSpec(c *cobra.Command, f specExportFlags, name string) error {
	p, err := readSpec(name)
	if err != nil {
		return err
	}
	ms, notes := p.Description, []string(nil)
	if f.stock {
		ms, notes = profile.Stock(ms)
	}
	raw, err := profile.Export(ms)
	if err != nil {
		return err
	}
	for _, note := range notes {
		fmt.Fprintf(c.ErrOrStderr(), "note: %s\n", note)
	}
	if f.out == "" {
		_, err = c.OutOrStdout().Write(raw)
		return err
	}
	return writeNew(f.out, raw)
}

// writeNew writes a file that is not there yet.
func writeNew(path string, raw []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, os.ErrExist) {
		return usage("%s is there already: take another name or remove it", path)
	}
	if err != nil {
		return err
	}
	_, err = file.Write(raw)
	return errors.Join(err, file.Close())
}

// specSummary is what import prints.
type specSummary struct {
	Name   string   `json:"name"`
	Fields int      `json:"fields"` // of a message
	Values int      `json:"values"` // those and the parts of them
	Notes  []string `json:"notes"`
}

func specImportCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "import FILE",
		Short: "Read a description and say what firsttap makes of it",
		Long: `import reads a description, checks it like check, and prints a summary, with a
note for each field that a message may have and the description has not. Nothing
is stored: settings name the file.`,
		Example: `  firsttap spec import my-spec.json`,
		Args:    exactly(1, "a file"),
		RunE: func(c *cobra.Command, args []string) error {
			p, err := readSpec(asFile(args[0]))
			if err != nil {
				return err
			}
			return printSummary(c.OutOrStdout(), p, asJSON)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON document")
	return c
}

func printSummary(w io.Writer, p *profile.Profile, asJSON bool) error {
	s := specSummary{Name: p.Name, Fields: len(p.Description.Fields), Notes: append([]string{}, p.Notes...)}
	for _, f := range profile.Fields(p.Description) {
		if f.Format != profile.FormatParts {
			s.Values++
		}
	}
	if asJSON {
		return printJSON(w, s)
	}
	for _, note := range s.Notes {
		fmt.Fprintf(w, "note: %s\n", note)
	}
	_, err := fmt.Fprintf(w, "%s: %d fields, %d values; name the file as \"spec\" in the settings\n", s.Name, s.Fields, s.Values)
	return err
}

// specVerdict is what check prints as JSON.
type specVerdict struct {
	OK     bool            `json:"ok"`
	Faults []profile.Fault `json:"faults"`
	Notes  []string        `json:"notes"`
}

func specCheckCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "check FILE",
		Short: "Tell every fault of a description",
		Long: `check reads a description and tells everything that is wrong with it, one fault a
line with its path in the JSON: names that are not known, lengths that do not
fit, padding that would change values, fields that messages need and are missing,
fields that cannot be compiled. With a fault it ends with exit code 1.`,
		Example: `  firsttap spec check my-spec.json
  firsttap spec check my-spec.json --json`,
		Args: exactly(1, "a file"),
		RunE: func(c *cobra.Command, args []string) error { return checkSpec(c.OutOrStdout(), args[0], asJSON) },
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON document")
	return c
}

func checkSpec(w io.Writer, name string, asJSON bool) error {
	p, err := config.ReadSpec(asFile(name))
	var faults profile.Faults
	if err != nil && !errors.As(err, &faults) {
		return err
	}
	v := specVerdict{OK: err == nil, Faults: append([]profile.Fault{}, faults...), Notes: []string{}}
	if v.OK {
		v.Notes = append(v.Notes, p.Notes...)
	}
	switch {
	case asJSON:
		err = printJSON(w, v)
	case v.OK:
		_, err = fmt.Fprintln(w, "the description holds")
	default:
		_, err = fmt.Fprintln(w, faults)
	}
	if err == nil && !v.OK {
		return errSaid
	}
	return err
}

// asFile makes a path of a bare file name, which is else a profile's name.
func asFile(name string) string {
	if config.IsSpecFile(name) {
		return name
	}
	return "./" + name
}

// readSpec reads a profile that must be good.
func readSpec(name string) (*profile.Profile, error) {
	p, err := config.ReadSpec(name)
	var faults profile.Faults
	switch {
	case errors.As(err, &faults):
		return nil, fmt.Errorf("%s does not hold:\n%w", name, faults)
	case err != nil && !config.IsSpecFile(name):
		return nil, usage("%v", err)
	}
	return p, err
}

// completeSpec offers the profiles by name, and files.
func completeSpec(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return specs.SpecNames(), cobra.ShellCompDirectiveDefault
}

func exactly(n int, what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) != n {
			return usage("%s takes %s; see %s --help", c.Name(), what, c.CommandPath())
		}
		return nil
	}
}

func atMost(n int) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) > n {
			return usage("%s takes at most %d arguments; see %s --help", c.Name(), n, c.CommandPath())
		}
		return nil
	}
}
