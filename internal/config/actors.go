package config

import (
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/token"
)

// IssuerPart is the settings of `firsttap issuer`.
type IssuerPart struct {
	Name    string `yaml:"name"`  // its clientId at the dCVV2 API
	Title   string `yaml:"title"` // as its pages show it
	Host    string `yaml:"host"`  // where the gateway dials its host
	Site    string `yaml:"site"`  // where its web site listens
	Range   string `yaml:"range"` // that cards are drawn from
	Approve string `yaml:"approve"`
	Decides string `yaml:"decides"` // how its host decides about activations, one of IssuerDecides
	Method  string `yaml:"method"`  // of a step-up, one of IssuerMethods
	API     string `yaml:"api"`     // of the gateway, for codes
	// Certificates is the folder with authority.pem and this issuer's
	// certificate for the API; "" is the one that the gateway makes. An API
	// without TLS needs none.
	Certificates string `yaml:"certificates"`
	// Dial is the gateway's door for this issuer; then its host dials in there
	// and does not listen.
	Dial        string `yaml:"dial,omitempty"`
	Connections int    `yaml:"connections"` // that it dials
	TLS         string `yaml:"tls"`         // of its host: off, one-way or two-way
	Wire        `yaml:",inline"`
}

// Ways in which applications are approved.
const (
	ApproveAuto   = "auto"   // as they come in
	ApproveOffice = "office" // by a person, at the site's /office
)

// Words for how an issuer decides about activations, and how a token that waits
// gets active. The first of each is the default.
var (
	IssuerDecides = []string{"green", "scores", "yellow", "red", "closed"}
	IssuerMethods = []string{"passcode", "call-centre", "app"}
)

// TokenTypes are the words for types of tokens. The first is the default.
var TokenTypes = []string{"secure-element", "cloud", "e-commerce", "card-on-file"}

// TokenType is the type of a word of TokenTypes; check has made sure of it.
func TokenType(word string) token.Type {
	return map[string]token.Type{
		"secure-element": token.SecureElement, "cloud": token.Cloud,
		"e-commerce": token.ECommerce, "card-on-file": token.CardOnFile,
	}[word]
}

// WalletPart is the settings of `firsttap wallet`.
type WalletPart struct {
	Gateway     string `yaml:"gateway"`     // its door for wallets
	Channel     string `yaml:"channel"`     // its HTTPS door for phones
	Certificate string `yaml:"certificate"` // file with the authority's certificate of that door; "" is the one that the gateway makes
	Requestor   string `yaml:"requestor"`   // token requestor id
	Type        string `yaml:"type"`        // of the tokens it asks for, one of TokenTypes
	Site        string `yaml:"site"`        // of the issuer
	Holder      string `yaml:"holder"`      // who applies
	Contactless string `yaml:"contactless"` // where terminals reach the phone
	Caller      `yaml:",inline"`
	Wire        `yaml:",inline"`
}

// MerchantPart is the settings of `firsttap merchant`.
type MerchantPart struct {
	Gateway  string `yaml:"gateway"` // its door for merchants
	Phone    string `yaml:"phone"`   // where the phone is held
	Amount   string `yaml:"amount"`  // such as 12.50
	Name     string `yaml:"name"`
	City     string `yaml:"city"`
	Letters  string `yaml:"countryLetters"` // ISO 3166, such as US
	Category string `yaml:"category"`
	Country  string `yaml:"country"`
	Currency string `yaml:"currency"`
	Acquirer string `yaml:"acquirer"`
	Terminal string `yaml:"terminal"`
	Acceptor string `yaml:"acceptor"`
	Caller   `yaml:",inline"`
	Wire     `yaml:",inline"`
}

// Caller says how a station secures its connections to the gateway.
type Caller struct {
	TLS          string `yaml:"tls"`          // off, one-way or two-way, as its door has it
	Certificates string `yaml:"certificates"` // folder of authority and certificate; "" is the one that the gateway makes
	Known        string `yaml:"stationName"`  // as the gateway's settings name it, and its certificate
}

func defaultCaller(name string) Caller { return Caller{TLS: Off, Known: name} }

func (c Caller) check(f *Faults) {
	checkOneOf(f, "tls", c.TLS, Off, OneWay, TwoWay)
	checkIssuerName(f, "stationName", c.Known)
}

// DefaultIssuerPart fits DefaultGateway.
func DefaultIssuerPart() IssuerPart {
	return IssuerPart{
		Name: IssuerNameDefault, Title: "Harbour Bank", Host: "127.0.0.1:8600", Site: "127.0.0.1:8680",
		Range: IssuerRangeDefault, Approve: ApproveAuto, API: "https://127.0.0.1:8580", Wire: defaultWire(200001),
		Decides: IssuerDecides[0], Method: IssuerMethods[0],
		Connections: 1, TLS: Off,
	}
}

// DefaultWalletPart fits DefaultGateway and DefaultIssuerPart.
func DefaultWalletPart() WalletPart {
	return WalletPart{
		Gateway: "127.0.0.1:8583", Channel: "https://127.0.0.1:8443", Requestor: "40010030273", Type: TokenTypes[0],
		Site: "http://127.0.0.1:8680", Holder: "Ada Lovelace", Contactless: "127.0.0.1:8700", Wire: defaultWire(100001),
		Caller: defaultCaller("wallets"),
	}
}

// DefaultMerchantPart fits DefaultGateway and DefaultWalletPart.
func DefaultMerchantPart() MerchantPart {
	return MerchantPart{
		Gateway: "127.0.0.1:8584", Phone: "127.0.0.1:8700", Amount: "12.50",
		Name: "CORNER BAKERY", City: "SAN FRANCISCO", Letters: "US", Category: "5462", Country: "840", Currency: "840",
		Acquirer: "400552", Terminal: "TERMID01", Acceptor: "CORNERBAKERY001", Wire: defaultWire(100002),
		Caller: defaultCaller("merchants"),
	}
}

// LoadIssuer reads an issuer's settings; an empty path gives the defaults.
func LoadIssuer(path string) (IssuerPart, error) {
	i := DefaultIssuerPart()
	err := load(path, &i)
	return i, err
}

// LoadWallet reads a wallet's settings; an empty path gives the defaults.
func LoadWallet(path string) (WalletPart, error) {
	w := DefaultWalletPart()
	err := load(path, &w)
	return w, err
}

// LoadMerchant reads a merchant's settings; an empty path gives the defaults.
func LoadMerchant(path string) (MerchantPart, error) {
	m := DefaultMerchantPart()
	err := load(path, &m)
	return m, err
}

func (i *IssuerPart) check(f *Faults) {
	checkIssuerName(f, "name", i.Name)
	checkLength(f, "title", i.Title, 1, titleMax)
	checkListen(f, "host", i.Host)
	checkListen(f, "site", i.Site)
	if _, err := card.ParseRange(i.Range); err != nil {
		f.add("range", "%v", err)
	}
	if i.Approve != ApproveAuto && i.Approve != ApproveOffice {
		f.add("approve", "must be %s or %s", ApproveAuto, ApproveOffice)
	}
	checkOneOf(f, "decides", i.Decides, IssuerDecides...)
	checkOneOf(f, "method", i.Method, IssuerMethods...)
	checkURL(f, "api", i.API, "https", "http")
	if i.Dial != "" {
		checkPeer(f, "dial", i.Dial)
	}
	checkWhole(f, "connections", i.Connections, 1, linesMax)
	checkOneOf(f, "tls", i.TLS, Off, OneWay, TwoWay)
	i.Wire.check(f, "")
}

func (w *WalletPart) check(f *Faults) {
	checkPeer(f, "gateway", w.Gateway)
	checkURL(f, "channel", w.Channel, "https")
	checkDigits(f, "requestor", w.Requestor, token.RequestorDigits, token.RequestorDigits)
	checkOneOf(f, "type", w.Type, TokenTypes...)
	checkURL(f, "site", w.Site, "http")
	checkLength(f, "holder", w.Holder, 1, holderMax)
	checkListen(f, "contactless", w.Contactless)
	w.Caller.check(f)
	w.Wire.check(f, "")
}

func (m *MerchantPart) check(f *Faults) {
	checkPeer(f, "gateway", m.Gateway)
	checkPeer(f, "phone", m.Phone)
	if _, err := ParseAmount(m.Amount); err != nil {
		f.add("amount", "%v", err)
	}
	checkDigits(f, "category", m.Category, 4, 4)
	checkDigits(f, "country", m.Country, 3, 3)
	checkDigits(f, "currency", m.Currency, 3, 3)
	checkDigits(f, "acquirer", m.Acquirer, 1, 11)
	checkWireText(f, "name", m.Name, 1, 25)
	checkWireText(f, "city", m.City, 1, 13)
	checkWireText(f, "countryLetters", m.Letters, 2, 2)
	checkWireText(f, "terminal", m.Terminal, 8, 8)
	checkWireText(f, "acceptor", m.Acceptor, 15, 15)
	m.Caller.check(f)
	m.Wire.check(f, "")
}

// Most characters of names (ours).
const (
	issuerNameMax = 64 // the API takes no longer clientId
	titleMax      = 64
	holderMax     = 64
)

// checkIssuerName wants what the dCVV2 API takes as a clientId.
func checkIssuerName(f *Faults, path, name string) {
	const characters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"
	if name == "" || len(name) > issuerNameMax || strings.Trim(name, characters) != "" {
		f.add(path, "must have 1 to %d of A-Z a-z 0-9 . _ -", issuerNameMax)
	}
}

// checkLength counts characters, not bytes.
func checkLength(f *Faults, path, s string, least, most int) {
	switch n := utf8.RuneCountInString(s); {
	case n >= least && n <= most:
	case least == most:
		f.add(path, "must have %d characters, not %d", least, n)
	default:
		f.add(path, "must have %d to %d characters, not %d", least, most, n)
	}
}

// checkWireText wants what every code page of the wire has: the letters,
// digits and signs of ASCII.
func checkWireText(f *Faults, path, s string, least, most int) {
	for _, r := range s {
		if r < ' ' || r > '~' {
			f.add(path, "must have letters, digits and signs of ASCII only, not %q", r)
			return
		}
	}
	checkLength(f, path, s, least, most)
}

var errAmount = errors.New("an amount is written like 12.50, with at most ten digits before the point")

// ParseAmount reads "12.50" or "12" as minor units of a currency with two
// decimals.
func ParseAmount(s string) (uint64, error) {
	whole, cents, dotted := strings.Cut(s, ".")
	if !dotted {
		cents = "00"
	}
	n, err := strconv.ParseUint(whole+cents, 10, 64)
	if err != nil || len(cents) != 2 || whole == "" || len(whole) > 10 {
		return 0, errAmount
	}
	return n, nil
}
