package stations

import (
	"context"
	"crypto/tls"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"go.uber.org/goleak"

	"github.com/firsttap/firsttap/internal/link"
	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/specs"
	"github.com/firsttap/firsttap/token"
)

// patience bounds every wait; nothing should take as long.
const patience = 20 * time.Second

var (
	codec      = specs.VisaStyleCodec()
	vap, _     = specs.FramingByName(specs.FramingVAP)
	binary2, _ = specs.FramingByName(specs.FramingBinary2)
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func door(name string, role Role, number uint32) Settings {
	return Settings{
		Station: Station{Name: name, Role: role, Number: number, Spec: codec.Name(), Codec: codec, Framing: vap},
		Listen:  "127.0.0.1:0",
	}
}

// running is a table that runs until the test's end. Its stations approve every
// sign-on; an echo is answered once release is closed.
type running struct {
	testing.TB
	*Table
	release chan struct{}
	asked   chan string // stations whose echoes are held
}

func run(t testing.TB, list ...Settings) *running {
	t.Helper()
	r := &running{TB: t, release: make(chan struct{}), asked: make(chan string, 16)}
	r.Table = New(Options{
		Handle: r.handle, Number: 400000, Log: zerolog.Nop(),
		SignOn: func(ctx context.Context, _ Station, c *link.Conn) error {
			_, err := c.Ask(ctx, request(t, 999, messages.SignOn))
			return err
		},
	})
	r.must(r.Apply(t.Context(), list))
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	return r
}

func (r *running) handle(ctx context.Context, from Station, in link.Inbound) *specs.Message {
	typed, err := messages.Decode(in.Message)
	if err != nil {
		r.Error(err)
		return nil
	}
	question := typed.(*messages.NetworkRequest)
	switch {
	case in.Draining, in.Throttled:
		return encoded(r, question.Answer(token.IssuerUnavailable))
	case question.Code == messages.SignOn:
		in.Session.Set(true)
	case question.Code == messages.Echo:
		r.asked <- from.Name
		select {
		case <-r.release:
		case <-ctx.Done():
		}
	}
	return encoded(r, question.Answer(token.Approved))
}

func (r *running) must(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

func request(t testing.TB, n int, code messages.NetworkCode) *specs.Message {
	t.Helper()
	return encoded(t, &messages.NetworkRequest{Transmitted: "1122123456", STAN: stan(n), Code: code})
}

func stan(n int) string {
	digits := []byte("000000")
	for i := len(digits) - 1; n > 0; i, n = i-1, n/10 {
		digits[i] = byte('0' + n%10)
	}
	return string(digits)
}

func encoded(t testing.TB, m messages.Message) *specs.Message {
	t.Helper()
	raw, err := messages.Encode(m)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// dial connects a peer to a door.
func (r *running) dial(name string, framing specs.Framing) *link.Conn {
	r.Helper()
	c, err := link.Dial(context.Background(), r.Address(name), nil, link.Options{
		Name: name, Codec: codec, Framing: framing, Key: messages.Key, Log: zerolog.Nop(),
		Handle: func(_ context.Context, in link.Inbound) *specs.Message {
			typed, err := messages.Decode(in.Message)
			if err != nil {
				return nil
			}
			return encoded(r, typed.(*messages.NetworkRequest).Answer(token.Approved))
		},
	})
	r.must(err)
	r.Cleanup(c.Close)
	return c
}

// ask asks without waiting.
func ask(t testing.TB, c *link.Conn, n int, code messages.NetworkCode) <-chan string {
	question := request(t, n, code)
	response := make(chan string, 1)
	go func() {
		a, err := c.Ask(context.Background(), question)
		if err != nil {
			response <- err.Error()
			return
		}
		response <- a.Text(specs.P(39))
	}()
	return response
}

func got[T any](t testing.TB, from <-chan T, what string) (v T) {
	t.Helper()
	select {
	case v = <-from:
	case <-time.After(patience):
		t.Fatalf("%s did not come within %v", what, patience)
	}
	return v
}

func (r *running) until(what string, holds func() bool) {
	r.Helper()
	for end := time.Now().Add(patience); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			r.Fatalf("%s: not within %v", what, patience)
		}
	}
}

func open(c *link.Conn) bool {
	select {
	case <-c.Done():
		return false
	default:
		return true
	}
}

func TestAddingAStationDisturbsNoOther(t *testing.T) {
	wallets, merchants := door("wallets", Requestor, 100001), door("merchants", Merchant, 100002)
	r := run(t, wallets)
	c := r.dial("wallets", vap)
	address := r.Address("wallets")
	waits := ask(t, c, 1, messages.Echo)
	got(t, r.asked, "the request")
	wallets.RequestorID, wallets.SignOn = "40010030273", true // hangs on no connection
	r.must(r.Apply(t.Context(), []Settings{wallets, merchants}))
	if s, _ := r.Station("wallets"); s.RequestorID != "40010030273" || !s.SignOn {
		t.Errorf("the station stands as %+v", s)
	}
	if a := got(t, ask(t, r.dial("merchants", vap), 2, messages.SignOn), "an answer at the new door"); a != "00" {
		t.Errorf("the new door answers %s", a)
	}
	close(r.release)
	if a := got(t, waits, "the answer"); a != "00" || !open(c) || r.Address("wallets") != address {
		t.Errorf("the request under way got %s; open %v", a, open(c))
	}
}

func TestARemovedStationDrains(t *testing.T) {
	wallets, merchants := door("wallets", Requestor, 100001), door("merchants", Merchant, 100002)
	r := run(t, wallets, merchants)
	address := r.Address("merchants")
	stays, goes, idle := r.dial("wallets", vap), r.dial("merchants", vap), r.dial("merchants", vap)
	waits := ask(t, goes, 1, messages.Echo)
	got(t, r.asked, "the request")
	r.must(r.Apply(t.Context(), []Settings{wallets}))
	got(t, idle.Done(), "the idle connection's end")
	if a := got(t, ask(t, goes, 2, messages.SignOn), "a refusal"); a != "91" || !open(goes) {
		t.Errorf("a request while it drains got %s", a)
	}
	close(r.release)
	if a := got(t, waits, "the answer"); a != "00" {
		t.Errorf("the request under way got %s", a)
	}
	got(t, goes.Done(), "the connection's end")
	if !open(stays) {
		t.Error("the other station's connection has ended")
	}
	r.until("nobody listens", func() bool {
		c, err := link.Dial(context.Background(), address, nil, link.Options{Codec: codec, Framing: vap, Key: messages.Key, Log: zerolog.Nop()})
		if err == nil {
			c.Close()
		}
		return err != nil
	})
	if _, ok := r.Station("merchants"); ok || len(r.List()) != 1 {
		t.Error("it is in the table still")
	}
}

func TestChangedFramingIsForNewConnections(t *testing.T) {
	wallets := door("wallets", Requestor, 100001)
	r := run(t, wallets)
	before, address := r.dial("wallets", vap), r.Address("wallets")
	waits := ask(t, before, 1, messages.Echo)
	got(t, r.asked, "the request")
	wallets.Framing = binary2
	r.must(r.Apply(t.Context(), []Settings{wallets}))
	if r.Address("wallets") != address {
		t.Error("the door has moved")
	}
	if a := got(t, ask(t, r.dial("wallets", binary2), 2, messages.SignOn), "an answer in the new framing"); a != "00" {
		t.Errorf("got %s", a)
	}
	close(r.release)
	if a := got(t, waits, "the answer in the old framing"); a != "00" {
		t.Errorf("got %s", a)
	}
	got(t, before.Done(), "the old connection's end")
}

// A door may be given from one station to another.
func TestAStationTakesAnothersDoor(t *testing.T) {
	wallets := door("wallets", Requestor, 100001)
	r := run(t, door("merchants", Merchant, 100002))
	address := r.Address("merchants")
	wallets.Listen = address // one that the table holds under another name
	r.must(r.Apply(t.Context(), nil))
	r.until("the address is free", func() bool { return r.Apply(t.Context(), []Settings{wallets}) == nil })
	merchants := door("merchants", Merchant, 100002)
	merchants.Listen = address
	r.must(r.Apply(t.Context(), []Settings{merchants}))
	if a := got(t, ask(t, r.dial("merchants", vap), 1, messages.SignOn), "an answer"); a != "00" || r.Address("merchants") != address {
		t.Errorf("got %s at %s", a, r.Address("merchants"))
	}
}

func TestAListAtFaultChangesNothing(t *testing.T) {
	wallets := door("wallets", Requestor, 100001)
	r := run(t, wallets)
	c := r.dial("wallets", vap)
	taken := door("merchants", Merchant, 100002)
	taken.Listen = r.Address("wallets") // the system chose it: another process's, for all that the table knows
	other := door("others", Merchant, 100003)
	other.Listen = taken.Listen
	err := r.Apply(t.Context(), []Settings{taken, door("provider", Provider, 100004)})
	if err == nil || !strings.Contains(err.Error(), "merchants cannot listen") {
		t.Errorf("got %v", err)
	}
	bad := door("bad", "bank", 100001)
	err = r.Apply(t.Context(), []Settings{wallets, bad, taken, other})
	for _, want := range []string{"its role is none", `has the number of "wallets"`, `listens where "merchants" does`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not said in %v", want, err)
		}
	}
	if list := r.List(); len(list) != 1 || list[0].Name != "wallets" || !open(c) {
		t.Errorf("the table has %+v", list)
	}
	r.must(r.Apply(t.Context(), []Settings{wallets})) // Prepare let go of its lock
}

func TestWhatIsAtFaultOfAStation(t *testing.T) {
	issuer := door("issuer", Issuer, 200001)
	for want, change := range map[string]func(*Settings){
		"":                               func(*Settings) {},
		"has no name":                    func(s *Settings) { s.Name = "" },
		"its role is none":               func(s *Settings) { s.Role = "" },
		"Codec and Framing are required": func(s *Settings) { s.Codec = nil },
		"it listens or is dialled":       func(s *Settings) { s.Address = "127.0.0.1:1" },
		"only issuers are dialled":       func(s *Settings) { s.Role, s.Listen, s.Address = Merchant, "", "127.0.0.1:1" },
		"at most 16 connections":         func(s *Settings) { s.Listen, s.Address, s.Connections = "", "127.0.0.1:1", link.ConnectionsMax+1 },
		"its protection is none":         func(s *Settings) { s.Security = "tls" },
		"it has no TLS settings":         func(s *Settings) { s.Security = TwoWay },
	} {
		s := issuer
		change(&s)
		err := check([]Settings{s})
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
	most := issuer
	most.Listen, most.Address, most.Connections = "", "127.0.0.1:1", link.ConnectionsMax
	if err := check([]Settings{most}); err != nil {
		t.Error(err)
	}
}

func TestAnIssuerThatDialsIn(t *testing.T) {
	issuer := door("issuer", Issuer, 200001)
	issuer.SignOn = true
	r := run(t, issuer)
	question := request(t, 7, messages.Echo)
	if _, err := r.Ask(t.Context(), "issuer", question); !errors.Is(err, link.ErrDown) {
		t.Errorf("before it dials in: %v", err)
	}
	c := r.dial("issuer", vap)
	r.until("it is connected", func() bool { return r.List()[0].Connections == 1 })
	if _, err := r.Ask(t.Context(), "issuer", question); !errors.Is(err, link.ErrDown) || r.Up()["issuer"] {
		t.Errorf("before it signs on: %v", err)
	}
	if a := got(t, ask(t, c, 1, messages.SignOn), "the sign-on"); a != "00" {
		t.Fatalf("the sign-on got %s", a)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	r.must(r.WaitUp(ctx))
	if _, err := r.Ask(t.Context(), "issuer", question); err != nil || r.List()[0].SignedOn != 1 {
		t.Errorf("after it: %v, %+v", err, r.List()[0])
	}
	if _, err := r.Ask(t.Context(), "nobody", question); !errors.Is(err, ErrNoIssuer) {
		t.Errorf("an issuer without a station: %v", err)
	}
}

// Lines to an issuer are dialled, signed on, and drained when it is dialled
// elsewhere; what is asked meanwhile goes to the new place.
func TestADialledIssuerMoves(t *testing.T) {
	hosts := run(t, door("one", Requestor, 1), door("other", Requestor, 2))
	issuer := door("issuer", Issuer, 200001)
	issuer.Listen, issuer.Address, issuer.Connections, issuer.SignOn = "", hosts.Address("one"), 3, true
	r := run(t, issuer)
	connected := func(name string, n int) func() bool {
		return func() bool {
			for _, s := range hosts.List() {
				if s.Name == name {
					return s.Connections == n && s.SignedOn == n
				}
			}
			return false
		}
	}
	hosts.until("three connections", connected("one", 3))
	r.until("all are signed on", func() bool { s := r.List()[0]; return s.Connections == 3 && s.SignedOn == 3 && s.Dialled })
	waits := make(chan error, 1)
	go func() {
		_, err := r.Ask(context.Background(), "issuer", request(t, 7, messages.Echo))
		waits <- err
	}()
	got(t, hosts.asked, "the question")
	issuer.Address = hosts.Address("other")
	r.must(r.Apply(t.Context(), []Settings{issuer}))
	hosts.until("three connections at the new place", connected("other", 3))
	hosts.until("one at the old", connected("one", 1))
	close(hosts.release)
	if err := got(t, waits, "the answer"); err != nil {
		t.Errorf("the question under way: %v", err)
	}
	hosts.until("none at the old", connected("one", 0))
	if _, err := r.Ask(t.Context(), "issuer", request(t, 8, messages.Echo)); err != nil {
		t.Errorf("a question at the new place: %v", err)
	}
}

func TestRolesAndKinds(t *testing.T) {
	want := map[Kind]string{
		Network:    "requestor, provider, merchant, issuer, operator",
		Activation: "requestor, provider",
		Tap:        "merchant", Remote: "merchant",
		Reversal:   "requestor, provider, merchant",
		FileUpdate: "requestor, provider, issuer, operator",
	}
	for kind, who := range want {
		if got := WhoMay(kind); got != who {
			t.Errorf("%s may come from %s, want %s", kind, got, who)
		}
	}
	if Role("bank").May(Network) {
		t.Error("a role that is none may send something")
	}
}

func TestATableThatNeverRanClosesItsDoors(t *testing.T) {
	table := New(Options{Log: zerolog.Nop()})
	if err := table.Apply(t.Context(), []Settings{door("wallets", Requestor, 1)}); err != nil {
		t.Fatal(err)
	}
	address := table.Address("wallets")
	table.Close()
	again := door("wallets", Requestor, 1)
	again.Listen = address
	if err := New(Options{}).Apply(t.Context(), []Settings{again}); err != nil {
		t.Errorf("the address is held still: %v", err)
	}
}

// Changes from many sides end, and the last one stands.
func TestChangesAtTheSameTime(t *testing.T) {
	r := run(t, door("wallets", Requestor, 1))
	var changing sync.WaitGroup
	for n := range 8 {
		changing.Go(func() {
			list := []Settings{door("wallets", Requestor, 1)}
			if n%2 == 0 {
				list = append(list, door("merchants", Merchant, 2))
			}
			list[0].Limits.InFlight = n + 1
			if err := r.Apply(context.Background(), list); err != nil {
				t.Error(err)
			}
		})
	}
	changing.Wait()
	if a := got(t, ask(t, r.dial("wallets", vap), 1, messages.SignOn), "an answer"); a != "00" {
		t.Errorf("got %s", a)
	}
}

func TestAdmittance(t *testing.T) {
	s := door("wallets", Requestor, 1)
	s.Security, s.TLS = TwoWay, &tls.Config{}
	table := New(Options{Admit: func(from Station, _ tls.ConnectionState) error { return errors.New(from.Name) }})
	if o := table.linkOptions(table.newEntry(s), s); o.TLS == nil || o.Admit == nil || o.Admit(tls.ConnectionState{}).Error() != "wallets" {
		t.Error("a two-way door does not ask who comes")
	}
	s.Security = Plain
	if o := table.linkOptions(table.newEntry(s), s); o.TLS != nil || o.Admit != nil {
		t.Error("a plain door has TLS")
	}
}

// What a connection hangs on, and what is taken up without one ending.
func TestWhatDisturbsConnections(t *testing.T) {
	for what, c := range map[string]struct {
		change   func(*Settings)
		disturbs bool
	}{
		"the same":                  {func(*Settings) {}, false},
		"the codec read anew":       {func(s *Settings) { s.Codec = specs.VisaStyleCodec() }, false},
		"TLS settings read anew":    {func(s *Settings) { s.TLS = &tls.Config{} }, false},
		"a requestor id":            {func(s *Settings) { s.RequestorID = "40010030273" }, false},
		"who mints":                 {func(s *Settings) { s.Mints, s.TokenKeyVersion = ByStation, 2 }, false},
		"a stand-in policy":         {func(s *Settings) { s.StandIn.Taps = token.StandInApprove }, false},
		"a door's sign-on":          {func(s *Settings) { s.SignOn = true }, false},
		"an issuer's sign-on":       {func(s *Settings) { s.Role, s.SignOn = Issuer, true }, true},
		"the role":                  {func(s *Settings) { s.Role = Provider }, true},
		"the number":                {func(s *Settings) { s.Number++ }, true},
		"the spec":                  {func(s *Settings) { s.Spec = "ascii87" }, true},
		"what a description says":   {func(s *Settings) { s.SpecSum = "ab" }, true},
		"the codec of no name":      {func(s *Settings) { s.Spec, s.Codec = "", nil }, true},
		"the framing":               {func(s *Settings) { s.Framing = binary2 }, true},
		"the protection":            {func(s *Settings) { s.Security = TwoWay }, true},
		"the address":               {func(s *Settings) { s.Listen = "127.0.0.1:1" }, true},
		"where it is dialled":       {func(s *Settings) { s.Listen, s.Address = "", "127.0.0.1:1" }, true},
		"the number of connections": {func(s *Settings) { s.Connections = 2 }, true},
		"a limit":                   {func(s *Settings) { s.Limits.RequestsPerSecond = 1 }, true},
		"a time-out":                {func(s *Settings) { s.Timeouts.Idle = time.Second }, true},
	} {
		before := door("wallets", Requestor, 1)
		after := before
		c.change(&after)
		if got := before.wire() != after.wire(); got != c.disturbs {
			t.Errorf("%s disturbs: %v", what, got)
		}
	}
}
