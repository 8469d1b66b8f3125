package api

import (
	"cmp"
	"container/list"
	"fmt"
	"math"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Limits bound what one client may ask of a door. A zero member is its default.
type Limits struct {
	RequestsPerSecond int // on average; RequestsPerSecondDefault
	Burst             int // at once after a pause; BurstDefault
	InFlight          int // under way at the same time; InFlightDefault
}

// Defaults and bounds of Limits. Ours: an issuer with a million cards that asks
// for a day's codes once a day makes 12 requests a second.
const (
	RequestsPerSecondDefault = 200
	BurstDefault             = 400
	InFlightDefault          = 32
	LimitMax                 = 100000 // of each
	// ClientsRemembered is how many clients of a door are told apart; one more
	// takes the place of the one that asked longest ago, which begins anew.
	ClientsRemembered = 4096
)

func (l Limits) orDefault() (Limits, error) {
	for name, n := range map[string]int{"requests per second": l.RequestsPerSecond, "burst": l.Burst, "requests in flight": l.InFlight} {
		if n < 0 || n > LimitMax {
			return l, fmt.Errorf("the limit of %s must be 1 to %d, or 0 for its default, not %d", name, LimitMax, n)
		}
	}
	return Limits{
		RequestsPerSecond: cmp.Or(l.RequestsPerSecond, RequestsPerSecondDefault),
		Burst:             cmp.Or(l.Burst, BurstDefault),
		InFlight:          cmp.Or(l.InFlight, InFlightDefault),
	}, nil
}

// tooSoon is the error of a request past a limit of its client.
type tooSoon struct{ after time.Duration }

// Error says how long to wait.
func (t *tooSoon) Error() string { return fmt.Sprintf("past a limit of this client for %v", t.after) }

// seconds is what Retry-After says: whole seconds, at least one.
func (t *tooSoon) seconds() int { return max(1, int(math.Ceil(t.after.Seconds()))) }

// clients counts what each client of a door asks for. Many goroutines use it.
type clients struct {
	limits Limits
	now    func() time.Time

	mu     sync.Mutex
	byName map[string]*list.Element
	order  *list.List // of *asking, the one that asked last at the back
}

// asking is one client.
type asking struct {
	name     string
	rate     *rate.Limiter
	inFlight int
}

func newClients(l Limits, now func() time.Time) *clients {
	return &clients{limits: l, now: now, byName: map[string]*list.Element{}, order: list.New()}
}

// find gives a client, new ones too. The caller holds c.mu.
func (c *clients) find(name string) *asking {
	if e, ok := c.byName[name]; ok {
		c.order.MoveToBack(e)
		return e.Value.(*asking)
	}
	if c.order.Len() >= ClientsRemembered {
		gone := c.order.Remove(c.order.Front()).(*asking)
		delete(c.byName, gone.name)
	}
	a := &asking{name: name, rate: rate.NewLimiter(rate.Limit(c.limits.RequestsPerSecond), c.limits.Burst)}
	c.byName[name] = c.order.PushBack(a)
	return a
}

// seat is a request under way, counted on one client.
type seat struct {
	clients *clients
	who     *asking
	charged bool // a request was taken from the client's rate
}

// enter counts a request on a client. A request whose client may yet turn out
// to be another is not charged before it leaves.
func (c *clients) enter(name string, charge bool) (*seat, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	who, err := c.admit(name, charge)
	if err != nil {
		return nil, err
	}
	return &seat{clients: c, who: who, charged: charge}, nil
}

// admit finds a client that may ask once more, and counts that. The caller
// holds c.mu.
func (c *clients) admit(name string, charge bool) (*asking, error) {
	who, now := c.find(name), c.now()
	if who.inFlight >= c.limits.InFlight {
		return nil, &tooSoon{after: time.Second}
	}
	if missing := 1 - who.rate.TokensAt(now); missing > 0 {
		return nil, &tooSoon{after: time.Duration(missing / float64(who.rate.Limit()) * float64(time.Second))}
	}
	if charge {
		who.rate.AllowN(now, 1)
	}
	who.inFlight++
	return who, nil
}

// become counts the request on another client instead, if it was not charged
// yet. A request that the other may not make stays with the first.
func (s *seat) become(name string) error {
	s.clients.mu.Lock()
	defer s.clients.mu.Unlock()
	if s.charged {
		return nil
	}
	who, err := s.clients.admit(name, true)
	if err != nil {
		return err
	}
	s.who.inFlight--
	s.who, s.charged = who, true
	return nil
}

// leave ends the request.
func (s *seat) leave() {
	s.clients.mu.Lock()
	defer s.clients.mu.Unlock()
	if !s.charged {
		s.who.rate.AllowN(s.clients.now(), 1)
	}
	s.who.inFlight--
}

// ipv6Client is how much of an address tells clients apart: whoever has one
// address of version 6 has the other 2^64 of its network too.
const ipv6Client = 64

// remote names a client by its address.
func remote(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	address, err := netip.ParseAddr(host)
	if err != nil {
		return "address/" + host
	}
	address = address.Unmap().WithZone("")
	if address.Is6() {
		if network, err := address.Prefix(ipv6Client); err == nil {
			return "address/" + network.String()
		}
	}
	return "address/" + address.String()
}
