package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/firsttap/firsttap/keys"
)

// travelFlags are the flags of keys that come in or go out.
type travelFlags struct {
	keyFlags
	transportFile    string
	transportVersion int
	block            string
	components       int
}

func (f *travelFlags) addTransport(c *cobra.Command) {
	c.Flags().StringVar(&f.transportFile, "transport-key", "", "file of the AES key that the block travels under: 32, 48 or 64 hexadecimal digits, mode 0600")
	c.Flags().IntVar(&f.transportVersion, "transport-version", 0, "in its place, the version of a transport key in the ring")
	_ = c.MarkFlagFilename("transport-key")
	_ = c.RegisterFlagCompletionFunc("transport-version", cobra.NoFileCompletions)
}

// transport is the transport key that the flags name.
func (f *travelFlags) transport(ring *keys.Ring) (keys.TransportKey, error) {
	if f.transportVersion != 0 {
		return ring.TransportKey(f.transportVersion)
	}
	return keys.ReadTransportKey(f.transportFile)
}

func (f *travelFlags) checkTransport() error {
	switch given := (f.transportFile != "") != (f.transportVersion != 0); {
	case !given:
		return usage("a key block needs the key that it travels under: give --transport-key FILE or --transport-version N, one of the two")
	case f.transportVersion < 0 || f.transportVersion > keys.VersionMax:
		return usage("--transport-version is 1 to %d", keys.VersionMax)
	}
	return nil
}

func keysExportCommand() *cobra.Command {
	var f travelFlags
	c := &cobra.Command{
		Use: "export", Short: "Write a key as a key block for another party",
		Long: `export prints a key of the ring as an ANSI X9.143 version D key block under a
transport key that both parties share. Keys of exportability N, which is what
they have unless they were made or imported with another, are refused.`,
		Example: `  firsttap keys export --usage cvk --range 4761739 --key-version 1 --transport-key partner.key
  firsttap keys export --usage cvk --range 4761739 --key-version 1 --transport-version 1 --json`,
		RunE: func(c *cobra.Command, _ []string) error { return exportKey(c, &f) },
	}
	f.addFolder(c)
	f.addName(c)
	f.addTransport(c)
	return c
}

func exportKey(c *cobra.Command, f *travelFlags) error {
	w, err := f.wanted()
	if err == nil {
		err = f.checkTransport()
	}
	if err != nil {
		return err
	}
	ring, err := keys.Open(f.dir)
	if err != nil {
		return err
	}
	under, err := f.transport(ring)
	if err != nil {
		return err
	}
	block, err := ring.Export(w, under)
	if err != nil {
		return err
	}
	if f.json {
		return printJSON(c.OutOrStdout(), map[string]string{"block": block, "transportCheckValue": under.CheckValue()})
	}
	_, err = fmt.Fprintln(c.OutOrStdout(), block)
	return err
}

func keysImportCommand() *cobra.Command {
	var f travelFlags
	c := &cobra.Command{
		Use: "import", Short: "Take in a key as a key block or by components",
		Long: `import adds a key that was made elsewhere.

With --block it reads an ANSI X9.143 version D key block under a transport key.
The block's header decides what the key may become: its usage, algorithm, mode
of use, version and exportability must allow what is asked for.

With --components it asks for the parts of the key, each with its own check
value, as their custodians come one after the other; what they type is not
shown. The key is the parts' exclusive or. Its check value is shown at the end
and must be typed to take the key in. When standard input is no terminal, the
answers are read from its lines: part, check value, and so on, and at last the
key's check value.

With the --config of a gateway whose code master keys are in a PKCS#11 module, a
dcvv2 key goes there and not into the ring.`,
		Example: `  firsttap keys import --usage dcvv2 --range 4761739 --key-version 2 --components 3
  firsttap keys import --usage transport --key-version 1 --components 2
  firsttap keys import --usage token --key-version 2 --block token.block --transport-version 1
  firsttap keys import --usage cvk --range 4761739 --key-version 1 --block - --transport-key partner.key < cvk.block`,
		RunE: func(c *cobra.Command, _ []string) error { return importKey(c, &f) },
	}
	f.addFolder(c)
	f.addName(c)
	f.addExportability(c)
	f.addTransport(c)
	f.addConfig(c)
	c.Flags().StringVar(&f.block, "block", "", `file of a key block, or "-" for standard input`)
	c.Flags().IntVar(&f.components, "components", 0, fmt.Sprintf("how many components are typed, %d or %d", keys.ComponentsMin, keys.ComponentsMax))
	_ = c.MarkFlagFilename("block")
	_ = c.RegisterFlagCompletionFunc("components", cobra.FixedCompletions([]string{"2", "3"}, cobra.ShellCompDirectiveNoFileComp))
	return c
}

func importKey(c *cobra.Command, f *travelFlags) error {
	w, err := f.wanted()
	if err == nil {
		err = f.checkSource()
	}
	if err != nil {
		return err
	}
	ring, into, err := f.place(w)
	if err != nil {
		return err
	}
	defer into.close()
	var info keys.Info
	if f.block != "" {
		info, err = importBlock(c.InOrStdin(), f, ring, into, w)
	} else {
		info, err = importComponents(c.Context(), newTypist(c.InOrStdin(), c.ErrOrStderr()), f.components, into, w)
	}
	if err != nil {
		return err
	}
	return f.sayKey(c.OutOrStdout(), info)
}

// checkSource wants one source and what belongs to it.
func (f *travelFlags) checkSource() error {
	switch {
	case (f.block != "") == (f.components != 0):
		return usage("give --block FILE or --components N, one of the two")
	case f.block != "":
		return f.checkTransport()
	case f.components < keys.ComponentsMin || f.components > keys.ComponentsMax:
		return usage("--components is %d or %d: fewer would give the key to one custodian", keys.ComponentsMin, keys.ComponentsMax)
	case f.transportFile != "" || f.transportVersion != 0:
		return usage("a transport key belongs to --block; components need none")
	}
	return nil
}

func importBlock(stdin io.Reader, f *travelFlags, ring *keys.Ring, into keyPlace, w keys.Wanted) (keys.Info, error) {
	under, err := f.transport(ring)
	if err != nil {
		return keys.Info{}, err
	}
	block, err := readBlock(stdin, f.block)
	if err != nil {
		return keys.Info{}, err
	}
	return into.importBlock(w, under, block)
}

// readBlock reads a key block, without the line's end after it.
func readBlock(stdin io.Reader, path string) (string, error) {
	if path != "-" {
		file, err := os.Open(path)
		if err != nil {
			return "", fmt.Errorf("reading the key block: %w", err)
		}
		defer file.Close()
		stdin = file
	} else if isTyped(stdin) {
		return "", usage("--block - reads a key block from standard input, and that is a keyboard")
	}
	text, err := io.ReadAll(io.LimitReader(stdin, 2*keys.KeyBlockCharsMax))
	if err != nil {
		return "", fmt.Errorf("reading the key block: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}

// importComponents is the ceremony. A component that does not fit its check
// value ends it before the next custodian is asked.
func importComponents(ctx context.Context, t *typist, count int, into keyPlace, w keys.Wanted) (keys.Info, error) {
	t.say("Key %s by %d components. What is typed is not shown.", w, count)
	var parts []keys.Component
	for n := range count {
		part, err := t.component(ctx, w.Usage, n+1, count)
		if err != nil {
			return keys.Info{}, fmt.Errorf("component %d of %d: %w", n+1, count, err)
		}
		parts = append(parts, part)
		t.say("Component %d fits its check value.", n+1)
	}
	combined, err := keys.Combine(parts...)
	if err != nil {
		return keys.Info{}, err
	}
	t.say("The key's check value is %s.", combined.CheckValue())
	confirmed, err := t.shown(ctx, "Compare it with the key's letter and type it to take the key in: ")
	if err != nil {
		return keys.Info{}, err
	}
	info, err := into.importCombined(w, combined, confirmed)
	if errors.Is(err, keys.ErrCheckValue) {
		err = errors.New("what was typed is not the key's check value, so the key is not in the ring")
	}
	return info, err
}
