// Package metrics counts what the service does, for Prometheus.
//
// Metrics has one typed method for each thing that is counted, so that no
// label holds more than it should: labels are words of the code, response
// codes of a closed list, and names of the settings. None comes from card data
// or from what a peer sends, and none grows without end. The package decides
// nothing and keeps nothing but numbers. Start at New.
package metrics

import (
	"net/http"
	"runtime"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/token"
)

const namespace = "firsttap"

// Buckets of durations in seconds. Ours: from an echo to an issuer that does not
// answer.
var buckets = []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}

// Metrics is the counters of one service. Its methods may be called by many
// goroutines.
type Metrics struct {
	registry  *prometheus.Registry
	requests  *prometheus.CounterVec
	clients   *prometheus.CounterVec
	took      *prometheus.HistogramVec
	alarms    *prometheus.CounterVec
	throttled *prometheus.CounterVec
	blocked   *prometheus.CounterVec
	troubles  *prometheus.CounterVec

	messages    *known[messageLabels, prometheus.Observer]
	activations *known[activationLabels, prometheus.Counter]
	declines    *known[declineLabels, prometheus.Counter]
	questions   *known[questionLabels, prometheus.Observer]
	changes     *known[string, prometheus.Observer]
}

type (
	messageLabels    struct{ station, kind, result string }
	activationLabels struct{ code, result string }
	declineLabels    struct{ kind, reason string }
	questionLabels   struct{ issuer, ending string }
)

// New makes counters at zero. version is that of the program.
func New(version string) *Metrics {
	m := &Metrics{
		registry:  prometheus.NewRegistry(),
		requests:  counter("http_requests_total", "Requests at the HTTP doors.", "door", "route", "status"),
		clients:   counter("issuer_requests_total", "Requests of registered issuers at their door.", "issuer", "status"),
		took:      histogram("http_request_duration_seconds", "Time to answer a request at the HTTP doors.", "door", "route"),
		alarms:    counter("failures_alarms_total", "Scopes whose failed codes of an hour reached the alarm.", "scope"),
		throttled: counter("throttled_total", "Codes not checked because a scope had too many failed codes in the hour.", "scope"),
		blocked:   counter("account_blocked_total", "Codes not checked because the account is locked (row) or its day is used up (day).", "limit"),
		troubles:  counter("station_troubles_total", "What stations did that is no request: answers that nobody waits for, bad frames.", "station", "what"),
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Namespace: namespace, Name: "build_info", Help: "Always 1; the labels say what runs.",
		ConstLabels: prometheus.Labels{"version": version, "goversion": runtime.Version()},
	})
	build.Set(1)
	m.registry.MustRegister(m.requests, m.clients, m.took, m.alarms, m.throttled, m.blocked, m.troubles,
		build, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.openKnown()
	return m
}

// openKnown makes the counters of the messages' path.
func (m *Metrics) openKnown() {
	messages := histogram("message_duration_seconds", "Time to answer an ISO 8583 message of a station, the issuer's time in it; by kind and field 39.", "station", "kind", "result")
	activations := counter("activations_total", "Activations, by what their code is (M, N, P, S, U or none) and field 39.", "code", "result")
	declines := counter("declines_total", "ISO 8583 messages answered with neither 00 nor 85, by kind and why.", "kind", "reason")
	questions := histogram("issuer_question_duration_seconds", "Time that an issuer took over a question, a notice or an advice, by how it ended.", "issuer", "outcome")
	changes := histogram("store_change_duration_seconds", "Time until a change of a message's path was on disk.", "change")
	m.registry.MustRegister(messages, activations, declines, questions, changes)
	m.messages = knowing(func(l messageLabels) prometheus.Observer {
		return messages.WithLabelValues(l.station, l.kind, l.result)
	})
	m.activations = knowing(func(l activationLabels) prometheus.Counter { return activations.WithLabelValues(l.code, l.result) })
	m.declines = knowing(func(l declineLabels) prometheus.Counter { return declines.WithLabelValues(l.kind, l.reason) })
	m.questions = knowing(func(l questionLabels) prometheus.Observer { return questions.WithLabelValues(l.issuer, l.ending) })
	m.changes = knowing(func(change string) prometheus.Observer { return changes.WithLabelValues(change) })
}

func counter(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, labels)
}

func histogram(name, help string, labels ...string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: namespace, Name: name, Help: help, Buckets: buckets}, labels)
}

// Handler serves the counters in the text format.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{ErrorHandling: promhttp.HTTPErrorOnError, DisableCompression: true})
}

// Gatherer gives the counters to programs.
func (m *Metrics) Gatherer() prometheus.Gatherer { return m.registry }

// Request counts a request at an HTTP door. route is the pattern that served
// it, "" for none; issuer is a registered issuer's name, "" for any other
// caller.
func (m *Metrics) Request(door, route, issuer string, status int, took time.Duration) {
	code := strconv.Itoa(status)
	m.requests.WithLabelValues(door, orNone(route), code).Inc()
	m.took.WithLabelValues(door, orNone(route)).Observe(took.Seconds())
	if issuer != "" {
		m.clients.WithLabelValues(issuer, code).Inc()
	}
}

// Message counts a message of a station. station is a name of the settings, kind
// a word of the code, "" for a message refused before its kind was known;
// response is field 39, "" for a message that was not answered.
func (m *Metrics) Message(station, kind string, response token.Response, took time.Duration) {
	m.messages.of(messageLabels{station, orUnknown(kind), resultLabel(response)}).Observe(took.Seconds())
}

// Activation counts an answered activation by its code, beside Message.
func (m *Metrics) Activation(code dcvv2.Result, response token.Response) {
	m.activations.of(activationLabels{codeLabel(code), resultLabel(response)}).Inc()
}

// Declined counts an answered message that was not granted, beside Message. kind
// is as Message has it; what the core did not decide has no reason.
func (m *Metrics) Declined(kind string, because token.Reason) {
	m.declines.of(declineLabels{orUnknown(kind), orNone(string(because))}).Inc()
}

// Asked counts a question to an issuer. issuer is a name of the settings, ending
// a word of the code.
func (m *Metrics) Asked(issuer, ending string, took time.Duration) {
	m.questions.of(questionLabels{issuer, ending}).Observe(took.Seconds())
}

// Refused counts an activation whose code was not checked, by the limit that
// was reached. Other reasons count for nothing.
func (m *Metrics) Refused(because token.Reason) {
	switch because {
	case token.ReasonRequestorLimit:
		m.throttled.WithLabelValues("requestor").Inc()
	case token.ReasonRangeLimit:
		m.throttled.WithLabelValues("range").Inc()
	case token.ReasonLocked:
		m.blocked.WithLabelValues("row").Inc()
	case token.ReasonDayLimit:
		m.blocked.WithLabelValues("day").Inc()
	}
}

// Trouble counts what a station did that is no request. station is a name of
// the settings, what one of a few words.
func (m *Metrics) Trouble(station, what string) { m.troubles.WithLabelValues(station, what).Inc() }
