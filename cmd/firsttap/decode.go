package main

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/firsttap/firsttap/specs"
)

// decodeCharactersMax bounds what decode reads: one frame, as hexadecimal with
// blanks between.
const decodeCharactersMax = 16 * specs.FrameBytesMax

type decodeFlags struct {
	spec    string
	framing string
	json    bool
	unsafe  bool
	set     []string
	hex     bool
}

func decodeCommand() *cobra.Command {
	var f decodeFlags
	c := &cobra.Command{
		Use:   "decode [HEX... | -]",
		Short: "Lay a message open, field by field",
		Long: `decode prints a message with the offset, length, name and value of each element.
Values of card data are masked unless --unsafe is given. The message is
hexadecimal, with or without blanks, from the arguments or, with "-" or without
arguments, from standard input. A message that breaks its format ends with exit
code 1 and says at which byte, in which field and why.

--set changes a value before the message is printed, and leaves every other byte
as it came: --set 39=05, a binary value as 0x and hexadecimal, --set 0=0110 for
the message type, --set 54= to delete. --hex prints the bytes instead, for
sending them; they are card data in clear and want --unsafe.`,
		Example: `  firsttap decode 08008220000000000000040000000000000011221234560000010301
  firsttap decode --json 0800 8220000000000000 0400000000000000 1122123456 000001 0301
  firsttap decode --set 11=000124 --hex --unsafe 0800 8220000000000000 0400000000000000 1122123456 000001 0301
  firsttap decode --framing vap - < frame.hex`,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(c *cobra.Command, args []string) error { return decode(c, f, args) },
	}
	c.Flags().StringVar(&f.spec, "spec", specs.NameVisaStyle, "message profile: "+strings.Join(specs.SpecNames(), ", ")+", or a file")
	c.Flags().StringVar(&f.framing, "framing", specs.FramingNone, "what is around the message: "+strings.Join(specs.FramingNames(), ", "))
	c.Flags().BoolVar(&f.json, "json", false, "print one JSON document")
	c.Flags().BoolVar(&f.unsafe, "unsafe", false, "show card data in clear: for test cards only")
	c.Flags().StringArrayVar(&f.set, "set", nil, "change a value: PATH=VALUE, as often as needed")
	c.Flags().BoolVar(&f.hex, "hex", false, "print the message in hexadecimal; needs --unsafe")
	_ = c.RegisterFlagCompletionFunc("spec", func(c *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
		return completeSpec(c, nil, typed)
	})
	_ = c.RegisterFlagCompletionFunc("framing", cobra.FixedCompletions(specs.FramingNames(), cobra.ShellCompDirectiveNoFileComp))
	return c
}

func decode(c *cobra.Command, f decodeFlags, args []string) error {
	switch {
	case f.hex && f.json:
		return usage("--hex and --json are two ways to print: take one")
	case f.hex && !f.unsafe:
		return usage("--hex shows card data in clear: give --unsafe with it, for test cards only")
	}
	spoken, err := readSpec(f.spec)
	if err != nil {
		return specFlagError(err)
	}
	framing, err := specs.FramingByName(f.framing)
	if err != nil {
		return usage("--framing: %v", err)
	}
	raw, err := readHex(c.InOrStdin(), args)
	if err != nil {
		return err
	}
	if len(f.set) > 0 {
		if raw, err = change(spoken.Codec, framing, raw, f.set); err != nil {
			return err
		}
	}
	d := lay(spoken.Codec, framing, raw, f.unsafe)
	switch {
	case f.json:
		err = printJSON(c.OutOrStdout(), d)
	case f.hex && d.OK:
		_, err = io.WriteString(c.OutOrStdout(), hexText(raw))
	default:
		_, err = io.WriteString(c.OutOrStdout(), d.table())
	}
	if err == nil && !d.OK {
		return errSaid
	}
	return err
}

// specFlagError keeps what is wrong with a description apart from a wrong use.
func specFlagError(err error) error {
	var wrongUse usageError
	if errors.As(err, &wrongUse) {
		return usage("--spec: %v", err)
	}
	return fmt.Errorf("--spec: %w", err)
}

func readHex(stdin io.Reader, args []string) ([]byte, error) {
	text := []byte(strings.Join(args, ""))
	if len(args) == 0 && isTyped(stdin) {
		return nil, errNoMessage
	}
	if len(args) == 0 || len(args) == 1 && args[0] == "-" {
		var err error
		if text, err = io.ReadAll(io.LimitReader(stdin, decodeCharactersMax+1)); err != nil {
			return nil, fmt.Errorf("reading standard input: %w", err)
		}
	}
	if len(text) > decodeCharactersMax {
		return nil, usage("more than %d characters: decode takes one message", decodeCharactersMax)
	}
	digits := bytes.Join(bytes.Fields(text), nil)
	if len(digits) == 0 {
		return nil, errNoMessage
	}
	raw := make([]byte, hex.DecodedLen(len(digits)))
	if _, err := hex.Decode(raw, digits); err != nil {
		return nil, badHex(digits)
	}
	return raw, nil
}

var errNoMessage = usage("no message: give it as hexadecimal, as arguments or on standard input; see firsttap decode --help")

// isTyped reports whether r is a keyboard: to wait for one in silence looks
// like being stuck.
func isTyped(r io.Reader) bool {
	file, ok := r.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// badHex says where hexadecimal breaks off, counted in bytes of the message.
func badHex(digits []byte) error {
	for i, d := range digits {
		if !strings.ContainsRune("0123456789abcdefABCDEF", rune(d)) {
			return usage("byte %d is not hexadecimal: it has the character %q", i/2, d)
		}
	}
	return usage("an odd number of hexadecimal digits: the last byte has one only")
}
