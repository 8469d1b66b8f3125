package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/firsttap/firsttap/internal/config"
	"github.com/firsttap/firsttap/keys"
)

func keysCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "keys",
		Short: "Keep the keys: list, generate, import, export, check",
		Long: `keys looks after the key ring of a gateway. The ring rests in a folder as ANSI
X9.143 key blocks under a wrapping key. A gateway that runs on the folder finds
what is added at once.

A key is named by usage, account range and version. What is shown of it is its
check value; keys in clear are never shown, never in flags, and only ever typed
as components. docs/custody.md tells the ceremonies step by step.`,
		Example: `  firsttap keys list
  firsttap keys generate --usage dcvv2 --range 4761739 --key-version 2
  firsttap keys import --usage dcvv2 --range 4761739 --key-version 3 --components 3`,
		Args: onlyCommands, RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(keysListCommand(), keysGenerateCommand(), keysImportCommand(), keysExportCommand(), keysCheckCommand())
	return c
}

// keyFlags are the flags of the keys commands.
type keyFlags struct {
	dir           string
	json          bool
	usage         string
	accountRange  string
	version       int
	bytes         int
	exportability string
	config        string
}

func (f *keyFlags) addFolder(c *cobra.Command) {
	c.Args, c.ValidArgsFunction = noArgs, cobra.NoFileCompletions
	c.Flags().StringVar(&f.dir, "dir", config.DataDir("gateway"), "folder of the key ring")
	c.Flags().BoolVar(&f.json, "json", false, "print one JSON document")
	_ = c.MarkFlagDirname("dir")
}

func (f *keyFlags) addName(c *cobra.Command) {
	var usages []string
	for _, u := range keys.Usages() {
		usages = append(usages, string(u))
	}
	c.Flags().StringVar(&f.usage, "usage", "", "what the key is for: "+strings.Join(usages, ", "))
	c.Flags().StringVar(&f.accountRange, "range", "", "account range of a dcvv2 or cvk key")
	c.Flags().IntVar(&f.version, "key-version", 0, fmt.Sprintf("version of the key, 1 to %d", keys.VersionMax))
	_ = c.RegisterFlagCompletionFunc("usage", cobra.FixedCompletions(usages, cobra.ShellCompDirectiveNoFileComp))
	_ = c.RegisterFlagCompletionFunc("range", cobra.NoFileCompletions)
	_ = c.RegisterFlagCompletionFunc("key-version", cobra.NoFileCompletions)
}

func (f *keyFlags) addExportability(c *cobra.Command) {
	c.Flags().StringVar(&f.exportability, "exportability", keys.ExportNever.String(),
		"whether the key may leave the ring as a key block: N never, E under a trusted transport key, S under any")
	levels := []string{"N\tnever", "E\tunder a trusted transport key", "S\tunder any transport key"}
	_ = c.RegisterFlagCompletionFunc("exportability", cobra.FixedCompletions(levels, cobra.ShellCompDirectiveNoFileComp))
}

// wanted is the key that the flags name.
func (f *keyFlags) wanted() (keys.Wanted, error) {
	w := keys.Wanted{Usage: keys.Usage(f.usage), Range: f.accountRange, Version: f.version, Bytes: f.bytes}
	if f.exportability != "" {
		e, err := keys.ParseExportability(f.exportability)
		if err != nil {
			return w, usage("--exportability: %v", err)
		}
		w.Exportability = e
	}
	switch {
	case f.usage == "":
		return w, usage("--usage says what the key is for, and it is missing")
	case f.version == 0:
		return w, usage("--key-version names the key's version, 1 to %d, and it is missing", keys.VersionMax)
	}
	if err := w.Validate(); err != nil {
		return w, usage("%v", err)
	}
	return w, nil
}

// keyDocument is what is told of a key.
type keyDocument struct {
	Usage         keys.Usage `json:"usage"`
	Range         string     `json:"range,omitempty"`
	KeyVersion    int        `json:"keyVersion"`
	Algorithm     string     `json:"algorithm,omitempty"`
	CheckValue    string     `json:"checkValue,omitempty"`
	Exportability string     `json:"exportability,omitempty"`
	Published     bool       `json:"published"`       // a test key that everybody knows
	Fault         string     `json:"fault,omitempty"` // why its block does not verify
}

func describeKey(info keys.Info) keyDocument {
	return keyDocument{
		Usage: info.Usage, Range: info.Range, KeyVersion: info.Version, Algorithm: info.Algorithm,
		CheckValue: info.CheckValue, Exportability: info.Exportability.String(), Published: keys.Published(info),
	}
}

// remark is what a person has to know beside the columns, as a last one.
func (d keyDocument) remark() string {
	switch {
	case d.Fault != "":
		return "\tdoes not verify: " + d.Fault
	case d.Published:
		return "\tpublished test key"
	default:
		return ""
	}
}

// sayKeys prints keys as one document or as a table.
func (f *keyFlags) sayKeys(w io.Writer, all []keyDocument) error {
	if f.json {
		return printJSON(w, map[string][]keyDocument{"keys": all})
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "usage\trange\tversion\talgorithm\tcheck value\texport")
	for _, d := range all {
		fmt.Fprintf(table, "%s\t%s\t%d\t%s\t%s\t%s%s\n", d.Usage, d.Range, d.KeyVersion, d.Algorithm, d.CheckValue, d.Exportability, d.remark())
	}
	return table.Flush()
}

func (f *keyFlags) sayKey(w io.Writer, info keys.Info) error {
	if f.json {
		return printJSON(w, describeKey(info))
	}
	return f.sayKeys(w, []keyDocument{describeKey(info)})
}

func keysListCommand() *cobra.Command {
	var f keyFlags
	c := &cobra.Command{
		Use: "list", Short: "List the keys with their check values",
		Example: `  firsttap keys list
  firsttap keys list --dir ./data --json`,
		RunE: func(c *cobra.Command, _ []string) error {
			ring, err := keys.Open(f.dir)
			if err != nil {
				return err
			}
			all := []keyDocument{}
			inModule, err := f.moduleKeys()
			if err != nil {
				return err
			}
			for _, info := range slices.Concat(ring.List(), inModule) {
				all = append(all, describeKey(info))
			}
			return f.sayKeys(c.OutOrStdout(), all)
		},
	}
	f.addFolder(c)
	f.addConfig(c)
	return c
}

func keysCheckCommand() *cobra.Command {
	var f keyFlags
	c := &cobra.Command{
		Use: "check", Short: "Verify every key block of the ring",
		Long: `check unwraps every block of the ring and compares its header with the key's
name. It exits 1 when one of them does not verify.`,
		Example: `  firsttap keys check
  firsttap keys check --dir ./data --json`,
		RunE: func(c *cobra.Command, _ []string) error { return checkKeys(c, &f) },
	}
	f.addFolder(c)
	return c
}

func checkKeys(c *cobra.Command, f *keyFlags) error {
	verdicts, err := keys.Check(f.dir)
	if err != nil {
		return err
	}
	all, bad := []keyDocument{}, false
	for _, v := range verdicts {
		d := describeKey(v.Info)
		if v.Err != nil {
			bad = true
			d.Exportability, d.Fault = "", v.Err.Error()
		}
		all = append(all, d)
	}
	err = f.sayKeys(c.OutOrStdout(), all)
	if err == nil && bad {
		return errSaid
	}
	return err
}

func keysGenerateCommand() *cobra.Command {
	var f keyFlags
	c := &cobra.Command{
		Use: "generate", Short: "Make a new key in the ring",
		Long: `generate makes a key of the system's chance. A key that is there already is
never replaced: take the next version. The folder is made when there is none.

With the --config of a gateway whose code master keys are in a PKCS#11 module, a
dcvv2 key is made there and not in the ring.`,
		Example: `  firsttap keys generate --usage dcvv2 --range 4761739 --key-version 2
  firsttap keys generate --usage dcvv2 --range 4000001 --key-version 1 --bytes 32
  firsttap keys generate --usage cvk --range 4761739 --key-version 1 --exportability E`,
		RunE: func(c *cobra.Command, _ []string) error {
			w, err := f.wanted()
			if err != nil {
				return err
			}
			_, into, err := f.place(w)
			if err != nil {
				return err
			}
			defer into.close()
			info, err := into.generate(w)
			if err != nil {
				return err
			}
			return f.sayKey(c.OutOrStdout(), info)
		},
	}
	f.addFolder(c)
	f.addName(c)
	f.addExportability(c)
	f.addConfig(c)
	c.Flags().IntVar(&f.bytes, "bytes", 0, "length of the key: 32 for a dcvv2 key of aes-cmac or totp (default: the usage's usual one)")
	return c
}
