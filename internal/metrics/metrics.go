// Package metrics counts what the service does, for Prometheus.
//
// Metrics has one typed method for each thing that is counted, so that no
// label holds more than it should: labels are words of the code, response
// codes, and names of registered issuers. None comes from card data, and none
// grows without end. The package decides nothing and keeps nothing but numbers.
// Start at New.
package metrics

import (
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/token"
	"github.com/firsttap/firsttap/vault"
)

const namespace = "firsttap"

// Buckets of durations in seconds. Ours: from a code computed in memory to an
// issuer that does not answer.
var buckets = []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 20}

// Metrics is the counters of one service. Its methods may be called by many
// goroutines.
type Metrics struct {
	registry    *prometheus.Registry
	requests    *prometheus.CounterVec
	clients     *prometheus.CounterVec
	took        *prometheus.HistogramVec
	activations *prometheus.CounterVec
	taps        *prometheus.CounterVec
	others      *prometheus.CounterVec
	messages    *prometheus.HistogramVec
	alarms      *prometheus.CounterVec
	throttled   *prometheus.CounterVec
	blocked     *prometheus.CounterVec
	troubles    *prometheus.CounterVec
}

// New makes counters at zero. version is that of the program.
func New(version string) *Metrics {
	m := &Metrics{
		registry:    prometheus.NewRegistry(),
		requests:    counter("http_requests_total", "Requests at the HTTP doors.", "door", "route", "status"),
		clients:     counter("issuer_requests_total", "Requests of registered issuers at their door.", "issuer", "status"),
		took:        histogram("http_request_duration_seconds", "Time to answer a request at the HTTP doors.", "door", "route"),
		activations: counter("activations_total", "Activations answered, by the code's result (M, N, P, S, U or none) and response (field 39).", "result", "response"),
		taps:        counter("taps_total", "Taps answered, by response (field 39).", "response"),
		others:      counter("messages_total", "Other ISO 8583 requests answered: online, life cycle, reversal; by response (field 39).", "kind", "response"),
		messages:    histogram("message_duration_seconds", "Time to answer an ISO 8583 request, the issuer's time in it.", "kind"),
		alarms:      counter("failures_alarms_total", "Scopes whose failed codes of an hour reached the alarm.", "scope"),
		throttled:   counter("throttled_total", "Codes not checked because a scope had too many failed codes in the hour.", "scope"),
		blocked:     counter("account_blocked_total", "Codes not checked because the account is locked (row) or its day is used up (day).", "limit"),
	}
	m.troubles = counter("station_troubles_total", "What stations did that is no request: answers that nobody waits for, bad frames.", "station", "what")
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Namespace: namespace, Name: "build_info", Help: "Always 1; the labels say what runs.",
		ConstLabels: prometheus.Labels{"version": version, "goversion": runtime.Version()},
	})
	build.Set(1)
	m.registry.MustRegister(m.requests, m.clients, m.took, m.activations, m.taps, m.others, m.messages, m.alarms, m.throttled, m.blocked, m.troubles,
		build, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
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

// Activation counts an answered activation. response is field 39.
func (m *Metrics) Activation(result dcvv2.Result, response string, took time.Duration) {
	m.activations.WithLabelValues(resultLabel(result), responseLabel(response)).Inc()
	m.messages.WithLabelValues("activation").Observe(took.Seconds())
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

// Tap counts an answered tap. response is field 39.
func (m *Metrics) Tap(response string, took time.Duration) {
	m.taps.WithLabelValues(responseLabel(response)).Inc()
	m.messages.WithLabelValues("tap").Observe(took.Seconds())
}

// Answered counts an answered request of any other kind. response is field 39.
func (m *Metrics) Answered(kind vault.Kind, response string, took time.Duration) {
	m.others.WithLabelValues(string(kind), responseLabel(response)).Inc()
	m.messages.WithLabelValues(string(kind)).Observe(took.Seconds())
}

// Trouble counts what a station did that is no request. station is a name of
// the settings, what one of a few words.
func (m *Metrics) Trouble(station, what string) { m.troubles.WithLabelValues(station, what).Inc() }

func resultLabel(r dcvv2.Result) string {
	switch r {
	case dcvv2.Match, dcvv2.NoMatch, dcvv2.NotProcessed, dcvv2.ShouldBePresent, dcvv2.NotParticipating:
		return string(rune(r))
	}
	return "none"
}

// responseLabel lets response codes pass that have the form of one: two digits,
// or a letter and a digit, or 6P. An issuer can send 361 of them at most.
func responseLabel(response string) string {
	if response == string(token.VerificationFailed) {
		return response
	}
	if len(response) == 2 && '0' <= response[1] && response[1] <= '9' {
		if first := response[0]; '0' <= first && first <= '9' || 'A' <= first && first <= 'Z' {
			return response
		}
	}
	return "other"
}

// scopeLabel is the kind of a scope: requestor of requestor/40010030273.
func scopeLabel(scope string) string {
	switch kind, _, _ := strings.Cut(scope, "/"); kind {
	case "requestor", "range", "station":
		return kind
	}
	return "other"
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}
