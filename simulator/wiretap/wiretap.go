// Package wiretap keeps what went over the wire between the actors, in order
// and masked, so that a story can be told from what was really sent.
//
// It sees HTTP through a RoundTripper and ISO 8583 through a link's trace, and
// never keeps a body, a card number or a code. Start at Tap.
package wiretap

import (
	"cmp"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/specs"
)

// sightingsMax bounds what a Tap keeps: a story has about 30 (ours). At the
// bound the older half is dropped.
const sightingsMax = 4096

// Sighting is one thing that went over the wire.
type Sighting struct {
	At    time.Time     `json:"at"`
	Actor string        `json:"actor"` // who sent or received it
	Way   Way           `json:"way"`
	What  string        `json:"what"`           // message type and masked fields, or method, path and status
	Bytes int           `json:"bytes,omitzero"` // of an ISO 8583 message without its frame
	Took  time.Duration `json:"-"`              // of an HTTP request
}

// Way says which way a sighting went, seen from its actor.
type Way string

// Ways.
const (
	Sent     Way = "sent"
	Received Way = "received"
	Asked    Way = "asked" // an HTTP request with its answer
)

// IsQuestion reports whether an ISO 8583 sighting asks for an answer.
func (s Sighting) IsQuestion() bool {
	return s.Way != Asked && len(s.What) > 3 && (s.What[2]-'0')%2 == 0
}

// Tap collects sightings. The zero value is ready; its methods may be called
// by many goroutines.
type Tap struct {
	// Raw, when set, gets every ISO 8583 message in clear. It is for tests
	// that search for its secrets everywhere else.
	Raw func(body []byte)

	mu        sync.Mutex
	dropped   int // sightings before those kept
	sightings []Sighting
	changed   chan struct{}
}

// Since gives the sightings after the first n as far as they are kept, and how
// many there have been.
func (t *Tap) Since(n int) ([]Sighting, int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	from := min(max(0, n-t.dropped), len(t.sightings))
	return append([]Sighting(nil), t.sightings[from:]...), t.dropped + len(t.sightings)
}

// Changed is closed at the next sighting.
func (t *Tap) Changed() <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.changed == nil {
		t.changed = make(chan struct{})
	}
	return t.changed
}

// Add keeps a sighting.
func (t *Tap) Add(s Sighting) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.sightings) == sightingsMax {
		const half = sightingsMax / 2
		t.sightings = append(t.sightings[:0], t.sightings[half:]...)
		t.dropped += half
	}
	t.sightings = append(t.sightings, s)
	if t.changed != nil {
		close(t.changed)
		t.changed = nil
	}
}

// ISO gives a link's trace for an actor.
func (t *Tap) ISO(actor string, codec *specs.Codec) func(sent bool, body []byte) {
	return func(sent bool, body []byte) {
		way := Received
		if sent {
			way = Sent
		}
		if t.Raw != nil {
			t.Raw(body)
		}
		what := "undecodable"
		if m, err := codec.Parse(body); err == nil {
			what = m.MTI() + " " + strings.Join(messages.Summary(codec, m), " ")
		}
		t.Add(Sighting{At: time.Now(), Actor: actor, Way: way, What: what, Bytes: len(body)})
	}
}

// HTTP wraps a transport so that an actor's requests are seen. nil is the
// default transport.
func (t *Tap) HTTP(actor string, next http.RoundTripper) http.RoundTripper {
	if next == nil {
		next = http.DefaultTransport
	}
	return roundTripper{tap: t, actor: actor, next: next}
}

type roundTripper struct {
	tap   *Tap
	actor string
	next  http.RoundTripper
}

func (r roundTripper) RoundTrip(request *http.Request) (*http.Response, error) {
	began := time.Now()
	response, err := r.next.RoundTrip(request)
	status := "no answer"
	if err == nil {
		status = response.Status[:min(3, len(response.Status))]
	}
	r.tap.Add(Sighting{
		At: time.Now(), Actor: r.actor, Way: Asked, Took: time.Since(began),
		What: request.Method + " " + shorten(request.URL) + " " + status,
	})
	return response, err
}

// An identifier in a path is a segment with a digit in it that is too long for
// an application's number, or one too long for a word (ours).
const (
	numberedMax = 11
	wordMax     = 19
)

// shorten shows a path without its query and without the identifiers that
// would let a reader open a cardholder's page.
func shorten(u *url.URL) string {
	segments := strings.Split(cmp.Or(u.Path, "/"), "/")
	for i, s := range segments {
		if len(s) > wordMax || len(s) > numberedMax && strings.ContainsAny(s, "0123456789") {
			segments[i] = "…"
		}
	}
	return strings.Join(segments, "/")
}
