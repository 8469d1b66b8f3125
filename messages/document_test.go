package messages_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/firsttap/firsttap/dcvv2"
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
	writeFields(t, &b)
	writePresence(&b)
	writeMeanings(&b)
	writeExamples(t, &b)
	golden.CheckText(t, filepath.Join("..", "docs", "messages.md"), b.String())
}

const documentHead = `# Messages
For whoever writes a client. Everything here is written by ` + "`go test ./messages -update`" + ` from
the code that reads and writes the messages, and a test holds it to that code. What has no public
source (ISO 8583:1987, EMV, the jPOS packagers) is firsttap's own: the sets of fields 123 and 125,
and the subfields of 62 and 63.

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
`

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

// writePresence is the table of fields by message.
func writePresence(b *strings.Builder) {
	forms := messages.Forms()
	b.WriteString("\n## Which message has which fields\n" +
		"M mandatory, O optional, C conditional: in an answer, mandatory when it approves (39 = 00); parts of a\n" +
		"token (123.01), all or none. 0101 repeats a 0100. Of field 55 a tap needs the tags below, and may have others.\n" +
		"What a message has beyond its fields is read and left alone.\n\n| field |")
	line := "|---|"
	for _, f := range forms {
		fmt.Fprintf(b, " %s %s |", strings.Join(f.Types, ", "), f.Name)
		line += "---|"
	}
	b.WriteString("\n" + line + "\n")
	for _, p := range pathsOf(forms) {
		fmt.Fprintf(b, "| %s |", p)
		for _, f := range forms {
			presence := messages.Presence("")
			for _, one := range f.Fields {
				if one.Path == p {
					presence = one.Presence
				}
			}
			fmt.Fprintf(b, " %s |", presence)
		}
		b.WriteString("\n")
	}
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

// writeMeanings lists the values that decide what a message is.
func writeMeanings(b *strings.Builder) {
	b.WriteString("\n## Values that decide\n| field | values |\n|---|---|\n")
	for _, row := range []struct{ field, values string }{
		{"70", fmt.Sprintf("%s sign-on, %s sign-off, %s echo", messages.SignOn, messages.SignOff, messages.Echo)},
		{"63.3", fmt.Sprintf("in a 0100, 0101 or 0110: %s marks an activation; in a 0620: %s created, %s deactivated, %s suspended, %s resumed, %s result of provisioning in 123.01.0E",
			token.NoticeCreated, token.NoticeCreated, token.NoticeDeactivated, token.NoticeSuspended, token.NoticeResumed, token.NoticeProvisioned)},
		{"22", "begins with 07 in a tap (contactless chip), or the tap has field 55"},
		{"39", fmt.Sprintf("%s approved; else declined: %s do not honour, %s unknown type, %s format error, %s token suspended, %s counter used before, %s issuer does not answer, %s trace used before, %s cannot be checked now, %s wrong code, %s wrong cryptogram",
			token.Approved, token.DoNotHonour, token.InvalidTransaction, token.FormatFault, token.RestrictedCard, token.SuspectedFraud,
			token.IssuerUnavailable, token.DuplicateTrace, token.Malfunction, token.CVV2Failed, token.CardAuthentication)},
		{"44, first character", fmt.Sprintf("who answered: %s the gateway, %s the issuer", token.ByNetwork, token.ByIssuer)},
		{"44, ninth", fmt.Sprintf("the cryptogram: %s right, %s wrong", token.ARQCVerified, token.ARQCFailed)},
		{"44, eleventh", fmt.Sprintf("the code: %v right, %v wrong, %v not checked, %v should be there, %v not enrolled",
			dcvv2.Match, dcvv2.NoMatch, dcvv2.NotProcessed, dcvv2.ShouldBePresent, dcvv2.NotParticipating)},
		{"126.10", fmt.Sprintf("six characters: presence (%c none, %c given, %c cannot be read, %c dynamic, %c not on the card), 1, a blank, three digits or three blanks",
			dcvv2.PresenceNone, dcvv2.PresenceGiven, dcvv2.PresenceIllegible, dcvv2.PresenceDynamic, dcvv2.PresenceNotOnCard)},
		{"123.01.06", fmt.Sprintf("%s card on file, %s secure element, %s cloud, %s e-commerce", token.CardOnFile, token.SecureElement, token.Cloud, token.ECommerce)},
		{"123.01.07", fmt.Sprintf("%s inactive, %s active, %s suspended, %s deactivated", token.Inactive, token.Active, token.Suspended, token.Deactivated)},
	} {
		fmt.Fprintf(b, "| %s | %s |\n", row.field, row.values)
	}
	b.WriteString("\nAn answer repeats fields 7, 11, 32, 37 and 41 of its request: by these, and its type, it is known again.\n")
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
