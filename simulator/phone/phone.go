// Package phone is the cardholder's phone: a device key, the tokens that a
// wallet has loaded, and the contactless card application that a terminal
// meets when the phone is tapped.
//
// It answers card commands (APDUs, ISO/IEC 7816-4) as a real contactless
// application does, checks the issuer's answer, and counts its taps. It never
// sees the PAN behind a token, never speaks ISO 8583 and never decides whether
// a payment is good. The commands and data objects are those of EMV Books 1
// to 3 and EMV Contactless Book B; the choice of data is ours.
//
// A token in a secure element has a card key, which never runs out. A cloud
// token is lent keys that make a few cryptograms each and expire: Keys tells
// what is left of them, and Replenish adds one. Remote pays without a terminal.
// What thieves do is here too, for cases: Clone, Masquerade and Record.
//
// Start at New, Load and Transmit. Serve offers a phone over TCP and Dial
// reaches one, so that a terminal need not know whether the card it reads is a
// simulated phone or a card in a reader.
package phone

import (
	"context"
	"crypto/ecdsa"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/emv"
)

// TokensMax is how many tokens a phone holds (ours; wallets allow about ten).
const TokensMax = 16

// Cryptogram versions that a phone computes, by the numbers people use.
const (
	Version10 = 10 // card key; the issuer answers by method 1
	Version17 = 17 // card key, over four elements only; the issuer answers by method 1
	Version18 = 18 // session key; the issuer answers by method 2; for tokens in a secure element
	Version43 = 43 // limited-use key; the issuer does not answer; for cloud tokens
)

// Errors that Load, Choose, Replenish and Remote wrap.
var (
	ErrMaterial  = errors.New("the key material cannot be loaded")
	ErrFull      = fmt.Errorf("a phone holds at most %d tokens", TokensMax)
	ErrNotLoaded = errors.New("no token with this reference is on the phone")
)

// AID is the application identifier of every token: the credit and debit
// application of the Visa-style profile, A0000000031010.
func AID() []byte { return []byte{0xA0, 0, 0, 0, 0x03, 0x10, 0x10} }

// Material is what a token service gives a phone for one token: its CardKey,
// or for Version43 a first limited-use key and no CardKey. KeyIndex,
// ServiceCode and Discretionary default to those of the Visa-style profile.
type Material struct {
	Number        card.PAN // the token, never the PAN behind it
	Sequence      card.Sequence
	Expiry        card.Expiry
	CardKey       emv.Key // none for Version43
	Lent          LentKey // for Version43 only
	Reference     string  // 32 hexadecimal characters; safe to show
	Requestor     string  // token requestor id, 11 digits
	AID           []byte  // AID() when empty
	Version       int     // cryptogram version: Version10, 17, 18 or 43; Version18 when 0
	KeyIndex      byte    // derivation key index of tag 9F10; 1 when 0
	ServiceCode   string  // of track 2, three digits; 201 when empty
	Discretionary string  // the end of track 2, at most 13 digits; zeros when empty
}

// Answer is what a phone made of an issuer's answer to its last tap.
type Answer string

// What became of the issuer's answer.
const (
	NoAnswer Answer = "none"     // none came yet
	Accepted Answer = "accepted" // the ARPC verified
	Refused  Answer = "refused"  // the ARPC did not verify
)

// LastTap is what a phone remembers of its last transaction, be it a tap or a
// payment without a terminal.
type LastTap struct {
	ATC    uint16 // 0 when there was no transaction
	Answer Answer
}

// Phone is one device. Its methods may be called by many goroutines; taps
// take place one command at a time.
type Phone struct {
	mu       sync.Mutex
	device   *ecdsa.PrivateKey
	tokens   []*application
	selected *application // by SELECT of its AID; nil before
	chosen   int          // of tokens: the one that pays
	now      func() time.Time
}

// Option is a choice about a phone: see Clock.
type Option func(*Phone)

// Clock gives the phone another clock than time.Now. It tells when limited-use
// keys expire; a phone whose clock is wrong uses them too long, or not at all.
func Clock(now func() time.Time) Option { return func(p *Phone) { p.now = now } }

// New makes a phone without tokens. random supplies its device key and is
// not kept.
func New(random io.Reader, options ...Option) (*Phone, error) {
	key, err := drawKey(random)
	if err != nil {
		return nil, fmt.Errorf("drawing the device key: %w", err)
	}
	p := &Phone{device: key, now: time.Now}
	for _, choose := range options {
		choose(p)
	}
	return p, nil
}

// Load puts a token on the phone and chooses it for the next tap. A token of
// the same reference is replaced; its counter goes on, and so does the count of
// uses of a limited-use key that comes again.
func (p *Phone) Load(m Material) error {
	app, err := install(m)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.selected = nil
	if i := p.find(m.Reference); i >= 0 {
		app.follow(p.tokens[i])
		p.tokens[i], p.chosen = app, i
		return nil
	}
	if len(p.tokens) == TokensMax {
		return ErrFull
	}
	p.tokens = append(p.tokens, app)
	p.chosen = len(p.tokens) - 1
	return nil
}

// Choose makes the token of this reference the one that pays.
func (p *Phone) Choose(reference string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := p.find(reference)
	if i < 0 {
		return ErrNotLoaded
	}
	p.chosen, p.selected = i, nil
	return nil
}

// References lists the tokens on the phone in the order they were loaded.
func (p *Phone) References() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	references := make([]string, len(p.tokens))
	for i, app := range p.tokens {
		references[i] = app.material.Reference
	}
	return references
}

// LastTap tells of the last transaction of the token that pays.
func (p *Phone) LastTap() LastTap {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.tokens) == 0 {
		return LastTap{Answer: NoAnswer}
	}
	app := p.tokens[p.chosen]
	return LastTap{ATC: app.atc, Answer: app.answer}
}

// SetCounter makes a phone that has been used: the next tap of the token that
// pays has counter n+1. Without a token it does nothing.
func (p *Phone) SetCounter(n uint16) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.tokens) > 0 {
		p.tokens[p.chosen].atc = n
	}
}

// Clone copies the phone with its keys and counters, as a thief would who
// broke the secure element. From then on the two count apart.
func (p *Phone) Clone() *Phone {
	p.mu.Lock()
	defer p.mu.Unlock()
	twin := &Phone{device: p.device, chosen: p.chosen, now: p.now}
	for _, app := range p.tokens {
		twin.tokens = append(twin.tokens, app.clone())
	}
	return twin
}

// Transmit answers one command. The answer always ends with a status word;
// bad commands get one that says what is wrong (ISO/IEC 7816-4).
func (p *Phone) Transmit(command []byte) []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	c, status := parseCommand(command)
	if status != statusOK {
		return status.append(nil)
	}
	data, status := p.answer(c)
	return status.append(data)
}

// Card is the phone held to a terminal in the same program.
func (p *Phone) Card() Card { return near{p} }

// Card is whatever answers card commands: a phone in this program, one behind
// Dial, or a reader with a card on it.
type Card interface {
	// Transmit sends one command and gives the answer with its status word.
	Transmit(ctx context.Context, command []byte) ([]byte, error)
}

type near struct{ phone *Phone }

// Transmit sends one command, unless ctx has ended.
func (n near) Transmit(ctx context.Context, command []byte) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return n.phone.Transmit(command), nil
}

func (p *Phone) find(reference string) int {
	return slices.IndexFunc(p.tokens, func(a *application) bool { return a.material.Reference == reference })
}
