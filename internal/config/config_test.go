package config

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// faultsOf is what check finds after a change to good settings.
func faultsOf(settings checked) Faults {
	var f Faults
	settings.check(&f)
	return f
}

func TestDefaultsHold(t *testing.T) {
	g, i, w, m := DefaultGateway(), DefaultIssuerPart(), DefaultWalletPart(), DefaultMerchantPart()
	for _, settings := range []checked{&g, &i, &w, &m} {
		if f := faultsOf(settings); len(f) > 0 {
			t.Errorf("the default %T has faults:\n%v", settings, f)
		}
	}
}

// limit is one setting at its limits and one past them.
type limit[S any] struct {
	path string
	set  func(s *S, value string)
	good []string
	bad  []string
}

func (l limit[S]) check(t *testing.T, fresh func() S, faults func(*S) Faults) {
	t.Helper()
	for _, value := range l.good {
		s := fresh()
		l.set(&s, value)
		if f := faults(&s); len(f) > 0 {
			t.Errorf("%s = %q has faults: %v", l.path, value, f)
		}
	}
	for _, value := range l.bad {
		s := fresh()
		l.set(&s, value)
		if f := faults(&s); len(f) != 1 || !strings.HasPrefix(f[0], l.path+": ") {
			t.Errorf("%s = %q: want one fault with this path, got %q", l.path, value, f)
		}
	}
}

func letters(n int) string { return strings.Repeat("A", n) }

var (
	goodListen = []string{"127.0.0.1:0", ":0", "[::1]:65535", "localhost:8583"}
	badListen  = []string{"", "8583", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:http", "::1:80"}
	goodPeer   = []string{"127.0.0.1:1", "gateway.example:65535", "[::1]:8583"}
	badPeer    = []string{"", ":8583", "127.0.0.1:0", "127.0.0.1:65536", "gateway"}
	badHTTP    = []string{"", "127.0.0.1:80", "http:127.0.0.1", "http://", "https://127.0.0.1", "ftp://127.0.0.1", "http://%zz"}
	badFraming = []string{"", "none", "VAP", "binary4"}
	framings   = []string{"vap", "binary2", "ascii4"}
	goodSpec   = []string{"visa-style", "ascii87", "../../examples/client/visa-style.json"}
	badSpec    = []string{"", "nosuch", "./nosuch.json"}
	goodName   = []string{"a", "Harbour-2.old_books", letters(64)}
	badName    = []string{"", letters(65), "Harbour Bank", "häfen", "a/b"}
)

func TestIssuerLimits(t *testing.T) {
	for _, l := range []limit[IssuerPart]{
		{"name", func(i *IssuerPart, v string) { i.Name = v }, goodName, badName},
		{"title", func(i *IssuerPart, v string) { i.Title = v }, []string{"A", strings.Repeat("ü", 64)}, []string{"", letters(65)}},
		{"host", func(i *IssuerPart, v string) { i.Host = v }, goodListen, badListen},
		{"site", func(i *IssuerPart, v string) { i.Site = v }, goodListen, badListen},
		{"range", func(i *IssuerPart, v string) { i.Range = v }, []string{"476173", "47617390000", "476173-476174"}, []string{"", "47617", "476173900001", "476174-476173", "476173-4761739"}},
		{"approve", func(i *IssuerPart, v string) { i.Approve = v }, []string{"auto", "office"}, []string{"", "Auto", "never"}},
		{"decides", func(i *IssuerPart, v string) { i.Decides = v }, []string{"green", "scores", "yellow", "red", "closed"}, []string{"", "Green", "blue"}},
		{"method", func(i *IssuerPart, v string) { i.Method = v }, []string{"passcode", "call-centre", "app"}, []string{"", "post", "App"}},
		{"api", func(i *IssuerPart, v string) { i.API = v }, []string{"https://127.0.0.1:8580", "http://gateway"}, []string{"", "127.0.0.1:80", "https://", "ftp://127.0.0.1", "https://%zz"}},
		{"certificates", func(i *IssuerPart, v string) { i.Certificates = v }, []string{"", "./certs"}, nil},
		{"spec", func(i *IssuerPart, v string) { i.Spec = v }, goodSpec, badSpec},
		{"framing", func(i *IssuerPart, v string) { i.Framing = v }, framings, badFraming},
	} {
		l.check(t, DefaultIssuerPart, func(i *IssuerPart) Faults { return faultsOf(i) })
	}
}

func TestWalletLimits(t *testing.T) {
	for _, l := range []limit[WalletPart]{
		{"gateway", func(w *WalletPart, v string) { w.Gateway = v }, goodPeer, badPeer},
		{"channel", func(w *WalletPart, v string) { w.Channel = v }, []string{"https://127.0.0.1:8443"}, []string{"", "http://127.0.0.1:8443", "https://"}},
		{"certificate", func(w *WalletPart, v string) { w.Certificate = v }, []string{"", "cert.pem"}, nil},
		{"requestor", func(w *WalletPart, v string) { w.Requestor = v }, []string{"40010030273"}, []string{"", "4001003027", "400100302733", "4001003027A"}},
		{"site", func(w *WalletPart, v string) { w.Site = v }, []string{"http://127.0.0.1:8680"}, badHTTP},
		{"holder", func(w *WalletPart, v string) { w.Holder = v }, []string{"A", letters(64)}, []string{"", letters(65)}},
		{"contactless", func(w *WalletPart, v string) { w.Contactless = v }, goodListen, badListen},
		{"spec", func(w *WalletPart, v string) { w.Spec = v }, goodSpec, badSpec},
		{"framing", func(w *WalletPart, v string) { w.Framing = v }, framings, badFraming},
	} {
		l.check(t, DefaultWalletPart, func(w *WalletPart) Faults { return faultsOf(w) })
	}
}

func TestMerchantLimits(t *testing.T) {
	for _, l := range []limit[MerchantPart]{
		{"gateway", func(m *MerchantPart, v string) { m.Gateway = v }, goodPeer, badPeer},
		{"phone", func(m *MerchantPart, v string) { m.Phone = v }, goodPeer, badPeer},
		{"amount", func(m *MerchantPart, v string) { m.Amount = v }, []string{"0.01", "12", "9999999999.99"}, []string{"", "10000000000.00", "1.5"}},
		{"name", func(m *MerchantPart, v string) { m.Name = v }, []string{"A", letters(25)}, []string{"", letters(26), "CAFÉ", "A\tB"}},
		{"city", func(m *MerchantPart, v string) { m.City = v }, []string{"A", letters(13)}, []string{"", letters(14), "MÜNCHEN"}},
		{"countryLetters", func(m *MerchantPart, v string) { m.Letters = v }, []string{"US"}, []string{"", "U", "USA"}},
		{"category", func(m *MerchantPart, v string) { m.Category = v }, []string{"5462"}, []string{"", "546", "54622", "546A"}},
		{"country", func(m *MerchantPart, v string) { m.Country = v }, []string{"840"}, []string{"", "84", "8400", "USA"}},
		{"currency", func(m *MerchantPart, v string) { m.Currency = v }, []string{"978"}, []string{"", "97", "9788", "EUR"}},
		{"acquirer", func(m *MerchantPart, v string) { m.Acquirer = v }, []string{"1", "12345678901"}, []string{"", "123456789012", "4005A2"}},
		{"terminal", func(m *MerchantPart, v string) { m.Terminal = v }, []string{"TERMID01"}, []string{"", letters(7), letters(9)}},
		{"acceptor", func(m *MerchantPart, v string) { m.Acceptor = v }, []string{letters(15)}, []string{"", letters(14), letters(16)}},
		{"spec", func(m *MerchantPart, v string) { m.Spec = v }, goodSpec, badSpec},
		{"framing", func(m *MerchantPart, v string) { m.Framing = v }, framings, badFraming},
	} {
		l.check(t, DefaultMerchantPart, func(m *MerchantPart) Faults { return faultsOf(m) })
	}
}

func TestStationNumberHasSixDigits(t *testing.T) {
	w := DefaultWalletPart()
	if w.Station = 999_999; len(faultsOf(&w)) > 0 {
		t.Errorf("999999 is refused: %v", faultsOf(&w))
	}
	if w.Station = 1_000_000; len(faultsOf(&w)) != 1 {
		t.Errorf("1000000 is not refused")
	}
}

func TestParseAmount(t *testing.T) {
	for text, want := range map[string]uint64{"0.00": 0, "12.50": 1250, "12": 1200, "0.01": 1, "9999999999.99": 999_999_999_999} {
		if got, err := ParseAmount(text); err != nil || got != want {
			t.Errorf("%q is %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"", ".", ".50", "12.", "12.5", "12.500", "12,50", "-1.00", "+1.00", "1e2", "0x10", "1_000", " 12", "12.50 ", "10000000000", "12.5.0"} {
		if got, err := ParseAmount(text); err == nil {
			t.Errorf("%q is taken for %d", text, got)
		}
	}
}

// What Print writes, load reads, to the same value.
func TestPrintThenLoad(t *testing.T) {
	g := DefaultGateway()
	g.Issuers[0].Ranges[0].OncePerWindow = false
	g.Issuers[0].Ranges[0].GraceSeconds = 0
	further := defaultIssuer()
	further.Name, further.Listen, further.Wire, further.Ranges = "0400", "[::1]:8601", defaultWire(200002), []Range{DefaultRange("400000-400009")}
	g.Issuers = append(g.Issuers, further)
	printed(t, g, LoadGateway)
	i := DefaultIssuerPart()
	i.Title, i.Framing = "Bänk \"of\" 'quotes'", "ascii4"
	printed(t, i, LoadIssuer)
	w := DefaultWalletPart()
	w.Certificate, w.Holder = "~/cert.pem", "yes"
	printed(t, w, LoadWallet)
	m := DefaultMerchantPart()
	m.Category, m.Amount, m.Letters = "0012", "010", "NO"
	printed(t, m, LoadMerchant)
}

func printed[S any](t *testing.T, settings S, load func(string) (S, error)) {
	t.Helper()
	var file bytes.Buffer
	if err := Print(&file, settings); err != nil {
		t.Fatal(err)
	}
	got, err := load(written(t, file.String()))
	if err != nil {
		t.Fatalf("%v in:\n%s", err, &file)
	}
	if d := cmp.Diff(settings, got, cmpopts.IgnoreUnexported(Wire{})); d != "" {
		t.Errorf("(-printed +loaded):\n%s", d)
	}
}

func written(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "settings.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestDataDir(t *testing.T) {
	t.Setenv("XDG_DATA_HOME", "/data")
	if got := DataDir("gateway"); got != filepath.Join("/data", "firsttap", "gateway") {
		t.Errorf("by XDG_DATA_HOME it is %s", got)
	}
	t.Setenv("XDG_DATA_HOME", "")
	t.Setenv("HOME", "/ada")
	if got := DataDir("gateway"); got != filepath.Join("/ada", ".local", "share", "firsttap", "gateway") {
		t.Errorf("without it, it is %s", got)
	}
}

func TestAFileHasALimit(t *testing.T) {
	full := "# " + strings.Repeat("x", fileBytesMax-3) + "\n"
	if _, err := LoadGateway(written(t, full)); err != nil {
		t.Errorf("a file of %d bytes: %v", len(full), err)
	}
	if _, err := LoadGateway(written(t, full+"\n")); err == nil {
		t.Errorf("a file of %d bytes is read", len(full)+1)
	}
}
