package metrics

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/firsttap/firsttap/vault"
)

// scrapeTimeout bounds what one look at the state may take (ours).
const scrapeTimeout = 5 * time.Second

// ever is after every notice's time.
var ever = time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)

// Connections are those of a station.
type Connections struct {
	Open     int
	SignedOn int
}

// state is read when the counters are asked for: notices, audit trail, lines and
// connections.
type state struct {
	store    vault.Store
	lines    func() map[string]bool
	stations func() map[string]Connections

	mu   sync.Mutex
	last int64 // audit number seen last

	notices  *prometheus.Desc
	audit    *prometheus.Desc
	up       *prometheus.Desc
	open     *prometheus.Desc
	signedOn *prometheus.Desc
	reached  *prometheus.Desc
}

// Watch adds the state of a store, of the lines to the issuers by name, true for
// up, and of the stations' connections. Call it once.
func (m *Metrics) Watch(store vault.Store, lines func() map[string]bool, stations func() map[string]Connections) {
	m.registry.MustRegister(&state{
		store: store, lines: lines, stations: stations,
		notices:  description("notices_waiting", "Notices to issuers that wait for an acknowledgement, up to 1000."),
		audit:    description("audit_entries", "Number of the audit trail's last entry."),
		up:       description("issuer_line_up", "1 when the line to the issuer is connected and signed on.", "issuer"),
		open:     description("station_connections", "Connections of the station.", "station"),
		signedOn: description("station_connections_signed_on", "Connections of the station that have signed on.", "station"),
		reached:  description("store_up", "1 when the store answered while these were read."),
	})
}

func description(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(prometheus.BuildFQName(namespace, "", name), help, labels, nil)
}

// Describe is prometheus.Collector's.
func (s *state) Describe(d chan<- *prometheus.Desc) {
	for _, each := range []*prometheus.Desc{s.notices, s.audit, s.up, s.open, s.signedOn, s.reached} {
		d <- each
	}
}

// Collect is prometheus.Collector's. A store that does not answer leaves its
// numbers out and says so.
func (s *state) Collect(c chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		c <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	for name, up := range s.lines() {
		gauge(s.up, oneIf(up), name)
	}
	for name, c := range s.stations() {
		gauge(s.open, float64(c.Open), name)
		gauge(s.signedOn, float64(c.SignedOn), name)
	}
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	waiting, err := s.store.Due(ctx, ever, 0, vault.ListMax)
	if err == nil {
		gauge(s.notices, float64(len(waiting)))
		var last int64
		if last, err = s.lastEntry(ctx); err == nil {
			gauge(s.audit, float64(last))
		}
	}
	gauge(s.reached, oneIf(err == nil))
}

func oneIf(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

// lastEntry finds the number of the trail's last entry from the one seen last:
// numbers have no gaps, so growing steps overshoot soon and halves find it.
func (s *state) lastEntry(ctx context.Context) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	exists := func(number int64) (bool, error) {
		entries, err := s.store.Audit(ctx, number-1, 1)
		return len(entries) > 0, err
	}
	beyond := s.last + 1
	for step := int64(1); ; step *= 2 {
		yes, err := exists(beyond)
		if err != nil {
			return 0, err
		}
		if !yes {
			break
		}
		s.last, beyond = beyond, beyond+step
	}
	for beyond-s.last > 1 {
		middle := s.last + (beyond-s.last)/2
		yes, err := exists(middle)
		switch {
		case err != nil:
			return 0, err
		case yes:
			s.last = middle
		default:
			beyond = middle
		}
	}
	return s.last, nil
}
