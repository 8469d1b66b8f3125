package messages_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/emv"
	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/token"
)

// valueTable is a section of the document that tells what the values of one
// type of the core mean: a row for each of its constants, in their order.
type valueTable struct {
	field, title string
	folder, kind string // package and type of the constants
	words        map[string]string
}

func valueTables() []valueTable {
	return []valueTable{
		{"39", "Response codes", "token", "Response", responseWords()},
		{"63.3", "Message reasons", "token", "NoticeReason", reasonWords()},
		{"63.4", "Reasons of stand-in", "token", "StandInReason", words[token.StandInReason]{
			token.StandInDown:    "the issuer's line was down: the network decided in its place",
			token.StandInTimeout: "the issuer did not answer in time: the network decided in its place",
			token.ToldOnly:       "no stand-in: the network declined without asking, and tells",
		}.texts()},
		{"70", "Network management", "messages", "NetworkCode", words[messages.NetworkCode]{
			messages.SignOn: messages.SignOn.Word(), messages.SignOff: messages.SignOff.Word(), messages.Echo: messages.Echo.Word(),
		}.texts()},
		{"91", "File update codes", "messages", "FileAction", words[messages.FileAction]{
			messages.FileChange:  "change: a step in the token's life, named by 63.3",
			messages.FileInquiry: "inquiry: the answer tells the token, and 63.3 is absent",
		}.texts()},
		{"123.01.06", "Token types", "token", "Type", words[token.Type]{
			token.CardOnFile: "card on file", token.SecureElement: "secure element of a phone", token.Cloud: "cloud: a phone that is lent keys",
			token.ECommerce: "e-commerce",
		}.texts()},
		{"123.01.07", "Token statuses", "token", "Status", words[token.Status]{
			token.Inactive: "inactive: waits for a step-up", token.Active: "active", token.Suspended: "suspended", token.Deactivated: "deactivated, for good",
		}.texts()},
		{"123.01.0D", "Activation methods", "token", "Method", words[token.Method]{
			token.ByPasscode:   "the cardholder types a passcode into the wallet: 0302 with 63.3 = " + string(token.NoticeTried) + " and 123.01.0B",
			token.ByCallCentre: "the cardholder calls the issuer: 0302 with 63.3 = " + string(token.NoticeCallCentre),
			token.ByIssuerApp:  "the cardholder confirms in the issuer's app: 0302 with 63.3 = " + string(token.NoticeIssuerApp),
		}.texts()},
	}
}

type words[T ~string] map[T]string

func (w words[T]) texts() map[string]string {
	texts := map[string]string{}
	for value, word := range w {
		texts[string(value)] = word
	}
	return texts
}

func responseWords() map[string]string {
	return words[token.Response]{
		token.Approved: "approved", token.DoNotHonour: "do not honour", token.InvalidTransaction: "a type or kind of message that is not served",
		token.BadNumber: "no such account number", token.UnknownIssuer: "no issuer for this number", token.FormatFault: "format error",
		token.RecordNotFound: "no such record: token or request", token.LostCard: "lost card", token.StolenCard: "stolen card",
		token.ClosedAccount: "closed account", token.InsufficientFunds: "not enough money", token.CardExpired: "card expired",
		token.NotAllowedAtTerminal: "not allowed at this terminal: outside the token's domain", token.SuspectedFraud: "suspected fraud: such as a counter used before",
		token.RestrictedCard: "restricted card: such as a token suspended", token.TriesExceeded: "too many tries: of a passcode",
		token.NotYetActive: "not active yet", token.NegativeCVV: "negative result of CAM, dCVV, iCVV or CVV",
		token.StepUp:            "step-up: in an answer to an activation, the token is inactive until a method of 123.01.0D makes it active",
		token.IssuerUnavailable: "issuer or network not there", token.DuplicateTrace: "trace used before, by another request",
		token.Malfunction: "cannot be served or checked now", token.VerificationFailed: "passcode wrong or expired",
		token.CVV2Failed: "code of 126.10 wrong", token.CardAuthentication: "cryptogram wrong",
	}.texts()
}

func reasonWords() map[string]string {
	return words[token.NoticeReason]{
		token.NoticeCreated:     "in a 0100, 0101, 0110: an activation; in a 0120, 0400, 0420: about one; in a 0620: a token was created",
		token.NoticeDeactivated: "deactivate, deactivated", token.NoticeSuspended: "suspend, suspended", token.NoticeResumed: "resume, resumed",
		token.NoticeProvisioned: "what came of loading the phone: 123.01.0E, 00 is good",
		token.NoticeTried:       "passcode: in a 0302 the one typed, in 123.01.0B; in a 0620 what came of it, in 123.01.0E",
		token.NoticeCallCentre:  "activate, activated, by the issuer's call centre", token.NoticeIssuerApp: "activate, activated, in the issuer's app",
		token.NoticePasscode: "another passcode: in a 0302 asked for; in a 0620 here it is, for the cardholder, in 123.01.0B",
		token.NoticeExpiry:   "the card has another expiry date: field 14", token.NoticeReplaced: "the card has another PAN: fields 2, 14 and 23",
	}.texts()
}

// writeValues writes the tables of values. A constant without words, and words
// without a constant, are faults.
func writeValues(t *testing.T, b *strings.Builder) {
	t.Helper()
	b.WriteString("\n## Values\n")
	for _, table := range valueTables() {
		fmt.Fprintf(b, "\n### %s (%s)\n| value | meaning |%s\n|---|---|%s\n", table.title, table.field, extraHead(table), extraLine(table))
		values := constantsOf(t, table.folder, table.kind)
		for _, value := range values {
			if table.words[value] == "" {
				t.Errorf("field %s: no words for %s", table.field, value)
			}
			fmt.Fprintf(b, "| %s | %s |%s\n", value, table.words[value], extraCell(table, value))
		}
		if len(values) != len(table.words) {
			t.Errorf("field %s: %d constants, %d words", table.field, len(values), len(table.words))
		}
	}
	b.WriteString(positionsText())
}

// The table of reasons has another column: what a 0302 may ask for.
func extraHead(v valueTable) string { return onlyReasons(v, " 0302 |") }
func extraLine(v valueTable) string { return onlyReasons(v, "---|") }

func extraCell(v valueTable, value string) string {
	if slices.Contains(messages.FileReasons, token.NoticeReason(value)) {
		return onlyReasons(v, " yes |")
	}
	return onlyReasons(v, " |")
}

func onlyReasons(v valueTable, s string) string {
	if v.kind != "NoticeReason" {
		return ""
	}
	return s
}

// constantsOf lists the values of the string constants of a type, from source.
func constantsOf(t *testing.T, folder, kind string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", folder, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	var values []string
	for _, file := range files {
		parsed, err := parser.ParseFile(gotoken.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok {
				return true
			}
			if name, ok := spec.Type.(*ast.Ident); ok && name.Name == kind && !strings.HasSuffix(file, "_test.go") {
				values = append(values, literals(t, spec)...)
			}
			return true
		})
	}
	return values
}

// literals are the texts of a constant but for the empty one.
func literals(t *testing.T, spec *ast.ValueSpec) []string {
	t.Helper()
	var values []string
	for _, v := range spec.Values {
		if literal, ok := v.(*ast.BasicLit); ok {
			value, err := strconv.Unquote(literal.Value)
			if err != nil {
				t.Fatal(err)
			}
			if value != "" {
				values = append(values, value)
			}
		}
	}
	return values
}

// positionsText tells the values that have parts by position.
func positionsText() string {
	var b strings.Builder
	b.WriteString("\n### Result of a step (123.01.0E)\n| value | meaning |\n|---|---|\n")
	fmt.Fprintf(&b, "| %s | good; of a passcode: right |\n| %s | of a passcode: wrong |\n| %s | of a passcode: wrong, and it was the last of %d tries |\n",
		token.PasscodeRight, token.PasscodeWrong, token.PasscodesTried, token.PasscodeTriesMax)
	b.WriteString("\n### Additional response data (44)\nBlank where nothing is said; blanks at the end are not written. Other positions are read and left alone.\n\n" +
		"| position | called | value |\n|---|---|---|\n")
	fmt.Fprintf(&b, "| 1 | 44.1 | who answered: %s the network, %s the issuer |\n", token.ByNetwork, token.ByIssuer)
	fmt.Fprintf(&b, "| 9 | 44.8 | the cryptogram: %s wrong, %s right |\n", token.ARQCFailed, token.ARQCVerified)
	fmt.Fprintf(&b, "| 11 | 44.10 | the code: %v right, %v wrong, %v not checked, %v should be there, %v not enrolled |\n",
		dcvv2.Match, dcvv2.NoMatch, dcvv2.NotProcessed, dcvv2.ShouldBePresent, dcvv2.NotParticipating)
	b.WriteString("\n### CVV2 data (126.10)\n| position | value |\n|---|---|\n")
	fmt.Fprintf(&b, "| 1 | presence: %c none, %c given, %c cannot be read, %c dynamic, %c not on the card |\n| 2 | response type: 1 |\n"+
		"| 3 | a blank |\n| 4 to 6 | three digits, or blanks where there is none or the network has checked it |\n",
		dcvv2.PresenceNone, dcvv2.PresenceGiven, dcvv2.PresenceIllegible, dcvv2.PresenceDynamic, dcvv2.PresenceNotOnCard)
	b.WriteString("\nDigits at 3 to 5 with a blank behind them are read too.\n")
	writeRemoteBytes(&b)
	b.WriteString("\n### Original data (90)\nInstitutions stand right-justified behind zeros; eleven zeros are none.\n\n| digits | value |\n|---|---|\n")
	fmt.Fprintf(&b, "| 1 to 4 | type of the original: %s |\n| 5 to 10 | its field 11 |\n| 11 to 20 | its field 7 |\n"+
		"| 21 to 31 | its field 32 |\n| 32 to 42 | institution that passed it on |\n", strings.Join(messages.Originals, ", "))
	fmt.Fprintf(&b, "\n### Issuer authentication (55.01.91)\n| bytes | method | value |\n|---|---|---|\n"+
		"| %d | 1 | ARPC, %d bytes; the two characters of field 39 that it covers, in ASCII |\n"+
		"| %d | 2 | ARPC, %d bytes; card status update that it covers, 4 bytes |\n",
		emv.CryptogramBytesMax+2, emv.CryptogramBytesMax, emv.ARPC2Bytes+4, emv.ARPC2Bytes)
	b.WriteString("\n### Times\nField 7 is MMDDhhmmss and 123.01.0C is YYMMDDhhmmss of this century, both UTC; 12 and 13 are the time at the " +
		"place of the request. Fields 14 and 123.01.05 are YYMM: good to the end of that month.\n")
	return b.String()
}

func writeRemoteBytes(b *strings.Builder) {
	fmt.Fprintf(b, "\n### E-commerce cryptogram (126.9)\n%d bytes, the layout is ours.\n\n| bytes | value |\n|---|---|\n"+
		"| 1 | form: 01 |\n| 2 to 3 | transaction counter of the token |\n| 4 to 7 | unpredictable number |\n"+
		"| 8 to 15 | cryptogram, over amount, currency, counter and unpredictable number |\n| 16 to %d | zeros |\n", emv.RemoteBytes, emv.RemoteBytes)
}
