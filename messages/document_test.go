package messages_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/firsttap/firsttap/internal/golden"
	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/specs"
	"github.com/firsttap/firsttap/specs/profile"
	"github.com/firsttap/firsttap/token"
)

// docs/messages.md is written from the profiles, the forms of the messages and
// the golden files: `go test ./messages -update` writes it anew.
func TestTheDocumentIsAsTheCode(t *testing.T) {
	var b strings.Builder
	b.WriteString(documentHead)
	writeSteps(t, &b)
	writeFields(t, &b)
	writePresence(t, &b)
	writeValues(t, &b)
	writeExamples(t, &b)
	golden.CheckText(t, filepath.Join("..", "docs", "messages.md"), b.String())
}

const documentHead = `# Messages
For whoever writes a client. Everything here is written by ` + "`go test ./messages -update`" + ` from
the code that reads and writes the messages, and a test holds it to that code. What has no public
source (ISO 8583:1987, EMV, the jPOS packagers) is firsttap's own: the sets of fields 123 and 125,
the subfields of 62 and 63, the layout of 126.9, and field 101.

## A message on the wire
A frame is a length and a message: ` + "`vap`" + ` has 2 bytes length, big-endian, 2 zero bytes, a header of
22 bytes and the message; ` + "`binary2`" + ` has 2 bytes length and the message; ` + "`ascii4`" + ` has 4 decimal
digits and the message. The length counts what follows it, but for the two zero bytes; at most 2048.
A length of zero is a keep-alive, answered by one.

A message is its type, a bitmap of 64 bits or two, and the fields of the bits, in order. A station
speaks one profile, by ` + "`spec`" + ` in the gateway's settings:

- **visa-style**: type and digits packed two a byte, an odd count behind a zero nibble; bitmaps
  binary; text in EBCDIC 037; lengths one byte, which counts digits of packed values and bytes of
  others.
- **ascii87**: type, digits and text in ASCII; bitmaps and bytes in upper-case hexadecimal; lengths
  two or three decimal digits that count characters. Field 22 has three digits, without the zero that
  ends it in visa-style. Tools for ISO 8583:1987 in ASCII find every field.

Fields 62, 63 and 126 hold a bitmap of their own (8, 3 and 8 bytes), then subfields. Fields 55, 123
and 125 hold sets: an id (1 byte), a length (2 bytes) and tags. Tags of 123 and 125 are one byte with
a length of one byte; those of 55 are BER, at most two bytes, lengths to 255. In ascii87 the same
bytes stand in hexadecimal: lengths inside count bytes, and text is ASCII.

Reading is strict: a byte too many, a sign, a lower-case hexadecimal digit, a length that overruns, a
tag twice or one that is not here (but in field 55) is a format error, answered with 39 = 30.
` + "`firsttap decode --spec PROFILE`" + ` says at which byte. ` + "`firsttap spec export PROFILE`" + ` writes a profile for
moov-io/iso8583; ` + "`firsttap spec check FILE`" + ` checks one of your own.

With moov's library as it comes, take what ` + "`firsttap spec export PROFILE --stock`" + ` writes, as ` + "`examples/client`" + `
and ` + "`examples/shop`" + ` do: it has moov's own names only, which do not say all. In visa-style the text is EBCDIC 1047,
where [, ] and ^ have other bytes, and field 35 has no separator. In ascii87 field 22 has three digits, and
each of 55, 123 and 125 is one text in hexadecimal; in it is what visa-style has in its composite, but with
characters in ASCII, so that moov packs and unpacks it, too.
moov-io/iso8583-connection knows an answer by field 11 alone: give it a RequestIDGenerator of the trace, and of the
first two digits of the type. It answers no keep-alive; the gateway sends none that it was not sent.
`

// writeSteps tells whoever writes a client what to do in which order.
func writeSteps(t *testing.T, b *strings.Builder) {
	t.Helper()
	fixed := func(example, p string) string { return encoded(t, find(t, example)).Text(path(t, p)) }
	fmt.Fprintf(b, `
## A client in order
1. Read and write frames, and answer a keep-alive by one. Then read and write the fields: take every
   example below as a test, both ways.
2. Sign on: send a 0800 with a field 7, a new field 11 and 70 = %[1]s; the 0810 has 39 = %[2]s.
3. Ask. Give each question a trace that no other has: 7, 11, 32 and 37 (an RRN is the last digit of the year, the
   day of the year, the hour and field 11), and 41 if there is one. Several may be under way; answers come in any order.
4. Find the question of an answer by its trace. Trust an answer that has what its question asked for: the
   same type, and 63.3 or 25 where that marks it.
5. When no answer comes, send the repeat, or reverse with a 0400 whose field 90 names the question. Fields 32, 37 and
   41 of a reversal are those of its question, too; with others it is not found (39 = 25).
6. An issuer answers 0100, 0120, 0400, 0420 and 0620. The advices and notices among them (0120, 0420, 0620) come until
   they are acknowledged by 39 = %[2]s; acknowledge one that you know already too. A notice
   that still waits when there is news of the same reason about the same token gives way to it: the last one counts. To
   a 0420 about what you never had, 39 = 25 is as good.
7. Answer what you cannot read by its type and trace with 39 = %[3]s, and a type that you do not know with %[4]s.

What always has the same value: field 3 is %[5]s; field 4 is %[6]s in an activation and its reversal or advice, and in
an account verification; field 101 is %[7]s; the third character of 126.10 is a blank. Amounts are in the smallest
unit of the currency of field 49, currencies and countries in three digits (ISO 4217, ISO 3166). Field 43 is
25 characters of name, 13 of place and 2 of country. Field 23 has a zero in front; where it is absent it is 000.
`, messages.SignOn, token.Approved, token.FormatFault, token.InvalidTransaction,
		fixed("0100-tap-merchant", "3"), fixed("0100-activation-requestor", "4"), fixed("0302-suspend", "101"))
}

// writeFields is the table of fields, how both profiles write them.
func writeFields(t *testing.T, b *strings.Builder) {
	t.Helper()
	b.WriteString("\n## Fields\n`up to 19` varies and has a length in front, which is named first: `Binary.L` is one byte, `LL` two,\n" +
		"`ASCII.LL` two digits, `Hex.L` one byte in hexadecimal, `HexBytes.LL` two, `HexBerTLV` a BER length in\n" +
		"hexadecimal. `HexToASCII` is hexadecimal, `ASCIIFilled` digits without a zero behind them. `in part`: some\n" +
		"characters may be seen in logs.\n\n")
	b.WriteString("| field | name | value | visa-style | ascii87 | in logs |\n|---|---|---|---|---|---|\n")
	visa, ascii := fieldsOf(t, specs.NameVisaStyle), fieldsOf(t, specs.NameASCII87)
	if len(visa) != len(ascii) {
		t.Fatalf("the profiles have %d and %d fields", len(visa), len(ascii))
	}
	for i, f := range visa {
		other := ascii[i]
		if f.Path != other.Path || f.Name != other.Name || f.Format != other.Format || f.Seen != other.Seen {
			t.Errorf("the profiles differ in %s and %s", f.Path, other.Path)
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s |\n", f.Path, f.Name, valueOf(f), written(f), written(other), f.Seen)
	}
}

func fieldsOf(t *testing.T, name string) []profile.Field {
	t.Helper()
	p, err := profile.ByName(name)
	if err != nil {
		t.Fatal(err)
	}
	return profile.Fields(p.Description)
}

func valueOf(f profile.Field) string {
	switch {
	case f.Format == profile.FormatParts:
		return "parts"
	case f.Varies:
		return fmt.Sprintf("%s, up to %d", f.Format, f.Length)
	case f.Format == profile.FormatBitmap:
		return fmt.Sprintf("%d bytes", f.Length)
	}
	return fmt.Sprintf("%s, %d", f.Format, f.Length)
}

// written is the length and the encoding, without what only tells ours from
// moov's.
func written(f profile.Field) string {
	var words []string
	for _, word := range []string{f.Prefix, f.Encoding} {
		if word != "" {
			words = append(words, strings.TrimPrefix(word, "firsttap."))
		}
	}
	return strings.Join(words, ", ")
}

// group is messages that belong together: a table of the document.
type group struct {
	title, about string
	forms        []string
}

var groups = []group{
	{"Network management", `A station signs on before it asks anything, where the network demands it, and may ask for an echo at
any time. Field 70 says which.`, []string{"network management", "network management answer"}},
	{"Activation", `A wallet, its token requestor or its provider asks for a token; the network checks the code of 126.10 and
asks the issuer, with what it found in 44 and a right code blanked. 63.3 = 3700 marks question and answer.
A provider that mints brings its token in 123.01.01, 04 and 05, all or none. An answer of 39 = 85 that
brings a token has all that an approval has: the token is inactive, and 123.01.0D says how it gets
active. The issuer answers 85 with 123.01.0D and no token. 63.4 says that the network decided in the
issuer's place.`, []string{"activation", "activation answer"}},
	{"Tap", `A payment at a terminal: field 22 begins with 07, or there is a field 55. A merchant sends the token in
field 2, and the token requestor in 123.01.03 if his terminal knows it (tag 9F19); the issuer gets the PAN
in field 2 and all of the token in 123.01. Of field 55 a tap needs the tags below, and may have others.`, []string{"tap", "tap answer"}},
	{"Payments without a terminal", `Field 25 marks them: 51 is an account verification, of amount 0, and 59 e-commerce; there is no field 55
and no 63.3 and no 125, and 22 does not begin with 07. The answer repeats field 25, by which it is told from that on
a tap. A merchant sends a PAN with its code in 126.10, or a token with its cryptogram in 126.9; the issuer gets
the PAN, a right code blanked, and of a token all of 123.01 and no cryptogram.`, []string{"remote", "remote answer"}},
	{"Life cycle", `An issuer or requestor changes a token, or inquires of it. The file is TOKENS (101). The token is named by
123.01.01, by 123.01.04, or by both. 63.3 says what a change is, and is absent in an inquiry. What a change
needs beside: 3712 the passcode in 123.01.0B, 3720 the new expiry date in 14, 3721 the new PAN in 2 and its
expiry date in 14, with its sequence number in 23 where that is not 0. An answer that approves brings the
token as it is then; fields 2 and 14 go to issuers only.`, []string{"file update", "file update answer"}},
	{"Notices", `The network tells an issuer what became of a token, until it is acknowledged: a notice may come twice, and
they may come in any order. 62.2 and 63.3 together name one. Field 2 is the PAN as it is now. A 3715 brings
the passcode in 123.01.0B, and when it expires in 0C; 3720 and 3721 bring the new field 14, and 23.`, []string{"token notification", "token notification answer"}},
	{"Reversal", `0400 undoes a request whose answer did not come or cannot be used; 0420 is an advice, which tells that it was
undone, until it is acknowledged. Field 90 names the original, and so do 32, 37 and 41, which are the original's;
7 and 11 are the reversal's own. 63.3 = 3700 says that it was an activation.
Field 2 is the original's: from a merchant the token, to an issuer the PAN, with the token in 123.01.`, []string{"reversal", "reversal answer", "reversal advice", "reversal advice answer"}},
	{"Advice", `The network tells an issuer what it decided in the issuer's place, or declined without asking, until it is
acknowledged. Fields 38, 39 and 44 are what the request was answered, 63.4 says why the issuer was not asked, and
63.3 = 3700 that it was an activation.`, []string{"advice", "advice answer"}},
}

// writePresence is a table of fields by message for each group.
func writePresence(t *testing.T, b *strings.Builder) {
	t.Helper()
	b.WriteString("\n## Which message has which fields\n" +
		"M mandatory, O optional, C conditional: in an answer, mandatory when it approves (39 = 00); parts of a\n" +
		"token (123.01), all or none; else as the text says. What a message has beyond its fields is read and left alone.\n\n" +
		"A question's answer has the type with the third digit one more. The type of a repeat has the last digit\n" +
		"one more, and the repeat has the trace of its original and its content: only 7, 12 and 13 may differ.\n" +
		"An answer repeats fields 7, 11, 32, 37 and 41: by these, and its type, it is known again. A decline may have\n" +
		"little more than 11 and 39, but has 63.3 or 25 where that marks it.\n")
	forms := messages.Forms()
	names := fieldNames(t)
	for _, g := range groups {
		fmt.Fprintf(b, "\n### %s\n%s\n\n", g.title, g.about)
		forms = writeGroup(t, b, g, forms, names)
	}
	for _, f := range forms {
		t.Errorf("%s is in no group", f.Name)
	}
}

// writeGroup writes one table and gives the forms that are left.
func writeGroup(t *testing.T, b *strings.Builder, g group, forms []messages.Form, names map[string]string) []messages.Form {
	t.Helper()
	var in, left []messages.Form
	for _, f := range forms {
		if slices.Contains(g.forms, f.Name) {
			in = append(in, f)
		} else {
			left = append(left, f)
		}
	}
	if len(in) != len(g.forms) {
		t.Errorf("%s: %d forms of %d", g.title, len(in), len(g.forms))
	}
	b.WriteString("| field | name |")
	line := "|---|---|"
	for _, f := range in {
		fmt.Fprintf(b, " %s |", strings.Join(f.Types, ", "))
		line += "---|"
	}
	b.WriteString("\n" + line + "\n")
	for _, p := range pathsOf(in) {
		fmt.Fprintf(b, "| %s | %s |", p, names[p.String()])
		for _, f := range in {
			fmt.Fprintf(b, " %s |", presenceIn(f, p))
		}
		b.WriteString("\n")
	}
	return left
}

func fieldNames(t *testing.T) map[string]string {
	t.Helper()
	names := map[string]string{}
	for _, f := range fieldsOf(t, specs.NameVisaStyle) {
		names[f.Path] = f.Name
	}
	return names
}

func presenceIn(f messages.Form, p specs.Path) messages.Presence {
	for _, one := range f.Fields {
		if one.Path == p {
			return one.Presence
		}
	}
	return ""
}

func pathsOf(forms []messages.Form) []specs.Path {
	var all []specs.Path
	for _, f := range forms {
		for _, one := range f.Fields {
			all = append(all, one.Path)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// writeExamples shows one message of each form in both profiles, and names the
// files of all.
func writeExamples(t *testing.T, b *strings.Builder) {
	t.Helper()
	b.WriteString("\n## Examples\nOne of each kind, in both profiles: offset, bytes in hexadecimal, and what they are. All are in\n" +
		"[messages/testdata/golden](../messages/testdata/golden). Numbers are test numbers.\n")
	shown := map[string]bool{}
	for _, e := range family() {
		name := formOf(t, e).Name
		if shown[name] {
			continue
		}
		shown[name] = true
		for _, codec := range []string{specs.NameVisaStyle, specs.NameASCII87} {
			text, err := os.ReadFile(goldenFile(codec, e.name))
			if err != nil {
				t.Fatal(err)
			}
			title, rows, _ := strings.Cut(strings.TrimPrefix(string(text), "# "), "\n")
			fmt.Fprintf(b, "\n### %s (%s)\n```text\n%s```\n", title, codec, rows)
		}
	}
	for _, f := range messages.Forms() {
		if !shown[f.Name] {
			t.Errorf("no example of a %s", f.Name)
		}
	}
}
