package siege_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"go.uber.org/goleak"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/emv"
	"github.com/firsttap/firsttap/gateway"
	"github.com/firsttap/firsttap/gateway/stations"
	"github.com/firsttap/firsttap/internal/link"
	"github.com/firsttap/firsttap/specs"
	"github.com/firsttap/firsttap/token"
	"github.com/firsttap/firsttap/vault"
	"github.com/firsttap/firsttap/vault/sqlite"
)

// patience bounds every wait; nothing is measured by it.
const patience = 30 * time.Second

// Stations of the town. witness and harbour are honest, the others are played by
// the attacker.
const (
	wallets, merchants, secured = "wallets", "merchants", "secured"
	meadow                      = "meadow" // an issuer that is dialled
	cove                        = "cove"   // an issuer that dials in

	witness, harbour = "witness", "harbour"

	gatewayNumber = 400000
	issuerTimeout = 20 * time.Second
)

// Times of a town, where it is waited for their end. Those that cut off are no
// shorter than any honest station needs on a slow machine; package link holds what
// they are without settings.
const (
	hastyTimeout = time.Second // of the attacker's issuers
	cutOffTime   = 1500 * time.Millisecond
	dialTime     = time.Second
	restTime     = 100 * time.Millisecond // in every town: goroutines are looked at after an attack
)

// Limits of stations that are not as without settings, so that attacks may come
// from all sides at once. What one station may take without is TestBounds'.
const (
	fewConnections = 24 // of merchants, and of the issuer that dials in
	issuerInFlight = 64
)

// Account ranges of the issuers.
const (
	harbourRange = "4761739"
	meadowRange  = "4895379"
	coveRange    = "400000"
	tokenRange   = "489537001"
)

var (
	codec      = specs.VisaStyleCodec()
	framing, _ = specs.FramingByName(specs.FramingVAP)
	expiry     = card.MustExpiry("3112")
	policy     = enrolling(dcvv2.DefaultPolicy())
)

// enrolling saves attackers to enrol their accounts one by one.
func enrolling(p dcvv2.Policy) dcvv2.Policy {
	p.EnrolByDefault = true
	return p
}

var cipher = sync.OnceValues(func() (*vault.Cipher, error) {
	return vault.NewCipher([]byte("sealing key of the test, 32 byte"), []byte("reference key of the test, 32 by"))
})

// emptyStore is a store that nobody has used: each town gets a copy, since making
// one takes long.
var emptyStore = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "siege")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "store.db")
	c, err := cipher()
	if err != nil {
		return nil, err
	}
	s, err := sqlite.Open(path, c)
	if err != nil {
		return nil, err
	}
	if err := s.Close(); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

// town is a gateway with its honest stations.
type town struct {
	testing.TB
	clock   clock
	keys    *keyring
	store   vault.Store
	gateway *gateway.Gateway
	log     *logbook
	walls   *walls
	honest  *issuer
	host    *host // of meadow
	line    *peer // the gateway's connection to it
	witness *station
	stop    func() // cuts the gateway off
	ended   chan struct{}

	accounts, stans atomic.Int64
	openFails       atomic.Int64 // accepts that fail, see doorOf
}

func newTown(t testing.TB, change ...func(*gateway.Options)) *town {
	t.Helper()
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, before) })
	w := &town{TB: t, clock: newClock(), keys: newKeyring(t), log: new(logbook), ended: make(chan struct{})}
	c, err := cipher()
	w.must(err)
	empty, err := emptyStore()
	w.must(err)
	path := filepath.Join(t.TempDir(), "store.db")
	w.must(os.WriteFile(path, empty, 0o600))
	w.store, err = sqlite.Open(path, c)
	w.must(err)
	t.Cleanup(func() { w.must(w.store.Close()) })
	w.honest, w.host = newIssuer(t), newHost(t)
	w.open(change)
	w.witness = w.dial(witness)
	w.walls = newWalls(w)
	w.line = w.host.accept()
	w.until("the honest issuer's line", func() bool { return w.gateway.LinesUp()[harbour] })
	return w
}

// waiting makes a gateway that does not wait longer for the attacker's issuers.
func waiting(timeout time.Duration) func(*gateway.Options) {
	return func(o *gateway.Options) {
		for i := range o.Stations {
			if s := &o.Stations[i]; s.Name == meadow || s.Name == cove {
				s.Timeouts.Answer = timeout
			}
		}
	}
}

// cutting makes a gateway that soon cuts off who does not read, or does not end
// what it began.
func cutting(o *gateway.Options) {
	o.Times.Frame, o.Times.Write, o.Times.Handshake = cutOffTime, cutOffTime, cutOffTime
}

func (w *town) open(change []func(*gateway.Options)) {
	w.Helper()
	var registered []dcvv2.Registration
	for leading, name := range map[string]string{harbourRange: harbour, meadowRange: meadow, coveRange: cove} {
		registered = append(registered, dcvv2.Registration{Range: card.MustRange(leading), Issuer: name, Schedule: dcvv2.Always(policy)})
	}
	registry, err := dcvv2.NewRegistry(registered...)
	w.must(err)
	passcodes, err := token.NewPasscodeKey([]byte("passcode key of the test, 32 by."))
	w.must(err)
	o := gateway.Options{
		Store: w.store, Keys: w.keys, Registry: registry, Stations: w.stations(), Passcodes: passcodes,
		TokenRange: card.MustRange(tokenRange), TokenKeyVersion: 1, Institution: "400000", IssuerTimeout: issuerTimeout,
		Now: w.clock.Now, Random: rand.Reader, Log: zerolog.New(w.log), Listen: w.listen,
		Times: link.Times{Rest: restTime},
	}
	for _, c := range change {
		c(&o)
	}
	w.gateway, err = gateway.New(o)
	w.must(err)
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		defer close(w.ended)
		if err := w.gateway.Run(ctx); err != nil {
			w.Errorf("the gateway ended with %v", err)
		}
	}()
	w.stop = func() {
		cancel()
		got(w, w.ended, "the gateway's end")
	}
	w.Cleanup(w.stop)
}

func (w *town) stations() []stations.Settings {
	s := func(name string, role stations.Role, number uint32) stations.Settings {
		return stations.Settings{Listen: "127.0.0.1:0", Station: stations.Station{
			Name: name, Role: role, Number: number, Spec: codec.Name(), Codec: codec, Framing: framing,
		}}
	}
	list := []stations.Settings{
		s(wallets, stations.Requestor, 100001), s(merchants, stations.Merchant, 100002), s(secured, stations.Merchant, 100003),
		s(witness, stations.Requestor, 100004), s(cove, stations.Issuer, 200003),
		s(harbour, stations.Issuer, 200001), s(meadow, stations.Issuer, 200002),
	}
	list[1].Limits.Connections, list[4].Limits.Connections = fewConnections, fewConnections
	list[4].Limits.InFlight, list[6].Limits.InFlight = issuerInFlight, issuerInFlight
	list[2].Security, list[2].TLS = stations.OneWay, &tls.Config{Certificates: []tls.Certificate{certificate(w)}}
	list[5].Listen, list[5].Address = "", w.honest.addr
	list[6].Listen, list[6].Address = "", w.host.Addr().String()
	return list
}

// listen opens doors whose system has few file descriptors and small buffers.
func (w *town) listen(address string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	return poor{l, &w.openFails}, err
}

func (w *town) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// until waits for a condition that no channel tells of.
func (w *town) until(what string, holds func() bool) {
	w.Helper()
	for end := time.Now().Add(patience); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			w.Fatalf("%s: not within %v; the log ends with\n%s", what, patience, w.log.end())
		}
	}
}

// says waits for a log line with all of these words.
func (w *town) says(words ...string) {
	w.Helper()
	w.until("a log line with "+strings.Join(words, ", "), func() bool { return w.log.count(words...) > 0 })
}

// got waits for something, but not for ever.
func got[T any](t testing.TB, from <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(patience):
		t.Fatalf("%s did not come within %v", what, patience)
		panic("not reached")
	}
}

// clock is the system's, set ahead or behind.
type clock struct{ ahead *atomic.Int64 }

func newClock() clock { return clock{ahead: new(atomic.Int64)} }

func (c clock) Now() time.Time        { return time.Now().Add(time.Duration(c.ahead.Load())) }
func (c clock) jump(by time.Duration) { c.ahead.Add(int64(by)) }

// logbook keeps log lines. It holds no more than the attacks need, so that it
// is no part of what they make the gateway take.
type logbook struct {
	mu    sync.Mutex
	lines []string
}

const logLinesMax = 50_000

func (b *logbook) Write(line []byte) (int, error) {
	if bytes.Contains(line, []byte(`"message":"message"`)) && bytes.Contains(line, []byte(`"level":"info"`)) && !bytes.Contains(line, []byte(`"note"`)) {
		return len(line), nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.lines) < logLinesMax {
		b.lines = append(b.lines, string(line))
	}
	return len(line), nil
}

func (b *logbook) clear() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lines = nil
}

// end is the last lines.
func (b *logbook) end() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.Join(b.lines[max(0, len(b.lines)-20):], "")
}

// count counts the lines that have all of these words.
func (b *logbook) count(words ...string) (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
next:
	for _, line := range b.lines {
		for _, word := range words {
			if !strings.Contains(line, word) {
				continue next
			}
		}
		n++
	}
	return n
}

// keyring holds one key of each kind.
type keyring struct {
	code   dcvv2.MasterKey
	token  emv.Key
	panics atomic.Bool // at codes of coveRange
}

func newKeyring(t testing.TB) *keyring {
	t.Helper()
	code, err := dcvv2.NewMasterKey([]byte("\x01\x23\x45\x67\x89\xAB\xCD\xEF\xFE\xDC\xBA\x98\x76\x54\x32\x10"))
	if err != nil {
		t.Fatal(err)
	}
	master, err := emv.ParseKey("2315208C9110AD402315208C9110AD40")
	if err != nil {
		t.Fatal(err)
	}
	return &keyring{code: code, token: master}
}

var errNoKey = errors.New("no such key")

func (k *keyring) CVK(string, int) (emv.Key, error) { return emv.Key{}, errNoKey }

func (k *keyring) CodeMaster(accountRange string, _ int) (dcvv2.Master, error) {
	if k.panics.Load() && accountRange == coveRange {
		panic("a secret that must not be logged")
	}
	return k.code, nil
}

func (k *keyring) TokenMaster(int) (emv.Key, error) { return k.token, nil }
