package gateway_test

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net"
	"path/filepath"
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
	"github.com/firsttap/firsttap/specs"
	"github.com/firsttap/firsttap/token"
	"github.com/firsttap/firsttap/vault"
	"github.com/firsttap/firsttap/vault/sqlite"
)

// patience bounds every wait of a test; nothing should take as long.
const patience = 20 * time.Second

// Names and ranges of the test world.
const (
	issuerName = "harbour"

	cardRange    = "4761739" // registered, with keys
	keylessRange = "400000"  // registered, its key is missing
	tokenRange   = "489537001"

	wallets, merchants = "wallets", "merchants"

	// Of a world with the whole family, see family_test.go.
	providers, operators = "providers", "operators"
	otherIssuer          = "meadow"
	otherRange           = "4895379"
)

var (
	codec      = specs.VisaStyleCodec()
	framing, _ = specs.FramingByName(specs.FramingVAP)
	expiry     = card.MustExpiry("3112")
	policy     = dcvv2.DefaultPolicy()

	// halfPast is the time at which a world begins: no code of another window
	// is good.
	halfPast = time.Date(2026, 11, 22, 12, 30, 0, 0, time.UTC)
)

// settings change a world before it begins.
type settings struct {
	dir     string                        // of the store; a new one by default
	timeout time.Duration                 // the gateway's for issuers
	wrap    func(vault.Store) vault.Store // to make the store misbehave
	policy  dcvv2.Policy                  // of the ranges; the default policy by default
	quiet   bool                          // logs to nowhere, as benchmarks do
	before  func(vault.Store, *clock)     // works on the store before the gateway runs
	host    string                        // address of an issuer that the test plays itself

	profile *specs.Codec  // of all stations; visa-style by default
	family  bool          // see family_test.go
	standIn token.StandIn // in the issuer's place
	version emv.Version   // of new tokens, see gateway.Options
	signOn  bool          // is demanded of wallets

	requestorMax int                    // failures in an hour, see gateway.Options
	observe      func(gateway.Observed) // likewise
}

// world is a gateway that runs between a scripted issuer, wallets and
// merchants, all over loopback sockets.
type world struct {
	testing.TB
	clock    *clock
	keys     *keyring
	store    vault.Store
	issuer   *issuer
	gateway  *gateway.Gateway
	log      *logbook
	alarms   alarms
	troubles troubles
	quiet    bool
	doors    map[string]string // addresses

	wallet, merchant *station
	accounts         atomic.Int64

	profile            *specs.Codec
	standIn            token.StandIn
	signOn             bool
	passcodes          token.PasscodeKey
	other              *issuer // of otherRange; nil without the whole family
	provider, operator *station
	stop               func() // ends the gateway
}

// looksForLeaks has the tests whose first world looks for leaks when all of its
// worlds have ended: each begins goroutines as long as it runs.
var looksForLeaks sync.Map

func newWorld(t testing.TB, change ...func(*settings)) *world {
	t.Helper()
	if _, another := looksForLeaks.LoadOrStore(t.Name(), true); !another {
		before := goleak.IgnoreCurrent()
		t.Cleanup(func() {
			goleak.VerifyNone(t, before)
			looksForLeaks.Delete(t.Name())
		})
	}
	set := settings{timeout: 5 * time.Second, policy: policy, profile: codec}
	for _, c := range change {
		c(&set)
	}
	if set.dir == "" {
		set.dir = t.TempDir()
	}
	w := &world{
		TB: t, clock: &clock{now: halfPast}, keys: newKeyring(t), log: new(logbook), quiet: set.quiet,
		doors: make(map[string]string), profile: set.profile, standIn: set.standIn, signOn: set.signOn, passcodes: newPasscodeKey(t),
	}
	w.store = openStore(t, set.dir)
	t.Cleanup(func() {
		if err := w.store.Close(); err != nil {
			t.Errorf("closing the store: %v", err)
		}
	})
	if set.before != nil {
		set.before(w.store, w.clock)
	}
	if set.wrap != nil {
		w.store = set.wrap(w.store)
	}
	if set.host == "" {
		w.issuer = newIssuerIn(t, set.profile)
	} else {
		w.issuer = &issuer{addr: set.host}
	}
	if set.family {
		w.other = newIssuerIn(t, set.profile)
	}
	w.start(set)
	if set.host == "" {
		w.waitIssuer()
	}
	w.wallet, w.merchant = w.dial(wallets), w.dial(merchants)
	if set.family {
		w.provider, w.operator = w.dial(providers), w.dial(operators)
	}
	return w
}

func newPasscodeKey(t testing.TB) token.PasscodeKey {
	t.Helper()
	key, err := token.NewPasscodeKey([]byte("passcode key of the test, 32 by."))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func openStore(t testing.TB, dir string) vault.Store {
	t.Helper()
	cipher, err := vault.NewCipher([]byte("sealing key of the test, 32 byte"), []byte("reference key of the test, 32 by"))
	if err != nil {
		t.Fatal(err)
	}
	store, err := sqlite.Open(filepath.Join(dir, "store.db"), cipher)
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// start runs the gateway until the test's end.
func (w *world) start(set settings) {
	w.Helper()
	registered := []dcvv2.Registration{
		{Range: card.MustRange(cardRange), Issuer: issuerName, Schedule: dcvv2.Always(set.policy)},
		{Range: card.MustRange(keylessRange), Issuer: issuerName, Schedule: dcvv2.Always(set.policy)},
	}
	if set.family {
		registered = append(registered, dcvv2.Registration{
			Range: card.MustRange(otherRange), Issuer: otherIssuer, Schedule: dcvv2.Always(set.policy),
		})
	}
	registry, err := dcvv2.NewRegistry(registered...)
	w.must(err)
	w.gateway, err = gateway.New(gateway.Options{
		Store: w.store, Keys: w.keys, Registry: registry,
		Stations:   w.stations(),
		TokenRange: card.MustRange(tokenRange), TokenKeyVersion: 1, Institution: "400000", IssuerTimeout: set.timeout,
		Now: w.clock.Now, Random: newChance(7), Log: w.logger(),
		RequestorFailuresPerHourMax: set.requestorMax, Alarm: w.alarms.ring, Observe: set.observe, Trouble: w.troubles.note,
		Passcodes: w.passcodes, CryptogramVersion: set.version,
	})
	w.must(err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	for _, name := range []string{wallets, merchants, providers, operators} {
		w.doors[name] = w.gateway.Address(name)
	}
	go func() { done <- w.gateway.Run(ctx) }()
	w.stop = sync.OnceFunc(func() {
		cancel()
		if err := got(w, done, "the gateway's end"); err != nil {
			w.Errorf("the gateway ended with %v", err)
		}
	})
	w.Cleanup(w.stop)
}

func (w *world) logger() zerolog.Logger {
	if w.quiet {
		return zerolog.New(io.Discard)
	}
	return zerolog.New(w.log).Level(zerolog.TraceLevel)
}

func (w *world) waitIssuer() {
	w.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	w.must(w.gateway.WaitIssuers(ctx))
}

// stations are an issuer that is dialled, and doors for wallets and merchants;
// of the whole family, also those of family_test.go.
func (w *world) stations() []stations.Settings {
	profile := cmp.Or(w.profile, codec)
	s := func(name string, role stations.Role, number uint32) stations.Settings {
		set := stations.Settings{Station: stations.Station{
			Name: name, Role: role, Number: number, Spec: profile.Name(), Codec: profile, Framing: framing,
		}}
		if role != stations.Issuer {
			set.Listen = "127.0.0.1:0"
		}
		return set
	}
	issuer := s(issuerName, stations.Issuer, 200001)
	issuer.Address, issuer.SignOn, issuer.StandIn = w.issuer.addr, true, w.standIn
	wallet := s(wallets, stations.Requestor, 100001)
	wallet.SignOn = w.signOn
	list := []stations.Settings{issuer, wallet, s(merchants, stations.Merchant, 100002)}
	if w.other != nil {
		list = append(list, w.familyStations(s)...)
	}
	return list
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// until waits for a condition that no channel tells of.
func (w *world) until(what string, holds func() bool) {
	w.Helper()
	for end := time.Now().Add(patience); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			w.Fatalf("%s: not within %v", what, patience)
		}
	}
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

func listen(t testing.TB, addr string) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// clock stands still until it is set.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = t
}

func (c *clock) forward(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// keyring holds one key of each kind.
type keyring struct {
	code  dcvv2.MasterKey
	token emv.Key
	cvk   emv.Key
	gone  atomic.Bool // token keys too

	noStatic atomic.Bool  // the static key is missing
	given    atomic.Int64 // how often a key for codes was asked for
}

var errNoKey = errors.New("no such key")

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
	cvk, err := emv.ParseKey("FEDCBA98765432100123456789ABCDEF")
	if err != nil {
		t.Fatal(err)
	}
	return &keyring{code: code, token: master, cvk: cvk}
}

// CVK gives the key of the range that has one.
func (k *keyring) CVK(accountRange string, version int) (emv.Key, error) {
	if accountRange != cardRange || version != 1 || k.noStatic.Load() {
		return emv.Key{}, errNoKey
	}
	return k.cvk, nil
}

// CodeMaster gives the key of the range that has one.
func (k *keyring) CodeMaster(accountRange string, _ int) (dcvv2.Master, error) {
	k.given.Add(1)
	if accountRange != cardRange && accountRange != otherRange || k.gone.Load() {
		return nil, errNoKey
	}
	return k.code, nil
}

// TokenMaster gives the key of all versions.
func (k *keyring) TokenMaster(int) (emv.Key, error) {
	if k.gone.Load() {
		return emv.Key{}, errNoKey
	}
	return k.token, nil
}
