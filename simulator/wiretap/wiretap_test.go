package wiretap_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/emv"
	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/simulator/wiretap"
	"github.com/firsttap/firsttap/specs"
	"github.com/firsttap/firsttap/token"
)

// transport answers without a network.
type transport func(*http.Request) (*http.Response, error)

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) { return t(r) }

func only(t *testing.T, tap *wiretap.Tap) wiretap.Sighting {
	t.Helper()
	seen, n := tap.Since(0)
	if n != 1 {
		t.Fatalf("%d sightings: %v", n, seen)
	}
	return seen[0]
}

func TestHTTPIsSeenWithoutIdentifiers(t *testing.T) {
	tests := []struct{ url, want string }{
		{"http://bank.example/apply", "/apply"},
		{"http://bank.example/", "/"},
		{"http://bank.example", "/"},
		{"http://bank.example/office/applications/12/approve", "/office/applications/12/approve"},
		{"http://bank.example/cards/0123456789abcdef0123456789abcdef", "/cards/…"},
		{"http://bank.example/cards/0123456789abcdef0123456789abcdef/codes", "/cards/…/codes"},
		{"http://bank.example/applications/AbCdEfGhIjKlMnOpQrStUvWx", "/applications/…"},
		{"http://bank.example/cards/4761739001010010", "/cards/…"},
		{"http://bank.example/cards/4761-7390-0101-0010", "/cards/…"},
		{"https://phones.example/provisioning/v1/tokens/0123456789abcdef/key", "/provisioning/v1/tokens/…/key"},
		{"http://api.example/dCVV2/v1/PanDB/Enroll", "/dCVV2/v1/PanDB/Enroll"},
		{"http://api.example/find?pan=4761739001010010&code=123#secret", "/find"},
	}
	for _, test := range tests {
		var tap wiretap.Tap
		client := http.Client{Transport: tap.HTTP("person", transport(func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 201, Status: "201 Created", Body: http.NoBody, Request: r}, nil
		}))}
		response, err := client.Post(test.url, "text/plain", strings.NewReader("pan=4761739001010010"))
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		seen := only(t, &tap)
		if want := "POST " + test.want + " 201"; seen.What != want || seen.Actor != "person" || seen.Way != wiretap.Asked {
			t.Errorf("%s is seen as %q by %s, %s; want %q", test.url, seen.What, seen.Actor, seen.Way, want)
		}
	}
}

// The answer goes on to its reader whole, and nothing of it is kept.
func TestBodiesPassAndAreNotKept(t *testing.T) {
	const page = `<b id="card-number">4761739001010010</b>`
	var tap wiretap.Tap
	client := http.Client{Transport: tap.HTTP("person", transport(func(r *http.Request) (*http.Response, error) {
		if sent, _ := io.ReadAll(r.Body); string(sent) != "name=Ada" {
			t.Errorf("the server gets %q", sent)
		}
		return &http.Response{StatusCode: 200, Status: "200 OK", Body: io.NopCloser(strings.NewReader(page)), Request: r}, nil
	}))}
	response, err := client.Post("http://bank.example/apply", "text/plain", strings.NewReader("name=Ada"))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if got, _ := io.ReadAll(response.Body); string(got) != page {
		t.Errorf("the reader gets %q", got)
	}
	if kept := fmt.Sprintf("%+v", only(t, &tap)); strings.Contains(kept, "4761739001010010") || strings.Contains(kept, "Ada") {
		t.Errorf("kept: %s", kept)
	}
}

func TestNoAnswerIsSeenToo(t *testing.T) {
	var tap wiretap.Tap
	client := http.Client{Transport: tap.HTTP("person", transport(func(*http.Request) (*http.Response, error) {
		return nil, errors.New("connection refused")
	}))}
	if _, err := client.Get("http://bank.example/apply"); err == nil {
		t.Fatal("no error")
	}
	if seen := only(t, &tap); seen.What != "GET /apply no answer" {
		t.Errorf("seen as %q", seen.What)
	}
}

func encoded(t *testing.T, typed messages.Message) []byte {
	t.Helper()
	m, err := messages.Encode(typed)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := specs.VisaStyleCodec().Append(nil, m)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

var (
	trace = messages.Trace{Transmitted: "1122121700", STAN: "000123", RRN: "632612000123", Acquirer: "400552", Terminal: "TERMID01", Acceptor: "CORNERBAKERY001"}
	place = messages.Place{Category: "6012", EntryMode: "0100", Condition: "51", Currency: "840"}
)

func TestISOIsSeenMasked(t *testing.T) {
	code, err := dcvv2.ParseCode("737")
	if err != nil {
		t.Fatal(err)
	}
	arqc, err := emv.NewCryptogram([]byte{0xF8, 0xBF, 0x25, 0x59, 0x96, 0xA9, 0xB0, 0x02})
	if err != nil {
		t.Fatal(err)
	}
	activation := &messages.ActivationRequest{
		Trace: trace, Place: place,
		Activation: token.Activation{
			PAN: card.MustPAN("4761739001010010"), Expiry: card.MustExpiry("2912"),
			CVV2:      dcvv2.Presented{Presence: dcvv2.PresenceGiven, Code: code},
			Requestor: "40010030273", Type: token.SecureElement, Device: token.Device{ID: "device"},
		},
	}
	tap := &messages.TapRequest{Trace: trace, Place: place, Tap: token.Tap{
		Number: card.MustPAN("4895370012345671"), Expiry: card.MustExpiry("2912"), Amount: 1250,
		Chip: emv.Input{AmountAuthorised: 1250, ATC: 7, IAD: []byte{6, 1, 18, 3, 0xA0, 0, 0}}, Cryptogram: arqc,
	}}
	tests := []struct {
		name string
		sent bool
		body []byte
		want string
		way  wiretap.Way
	}{
		{"activation", true, encoded(t, activation), "0100 2=476173******0010 63.3=3700 126.10=11****", wiretap.Sent},
		{"tap", false, encoded(t, tap), "0100 2=489537******5671 4=000000001250 55.01.9F36=0007 55.01.9F26=***", wiretap.Received},
		{"no message", false, []byte("4761739001010010"), "undecodable", wiretap.Received},
		{"nothing", false, nil, "undecodable", wiretap.Received},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var tap wiretap.Tap
			tap.ISO("wallet", specs.VisaStyleCodec())(test.sent, test.body)
			seen := only(t, &tap)
			if seen.What != test.want || seen.Way != test.way || seen.Bytes != len(test.body) || seen.Actor != "wallet" {
				t.Errorf("seen as %q, %s, %d bytes, by %s; want %q", seen.What, seen.Way, seen.Bytes, seen.Actor, test.want)
			}
		})
	}
}

func TestQuestions(t *testing.T) {
	tests := []struct {
		what string
		way  wiretap.Way
		want bool
	}{
		{"0100 2=1", wiretap.Sent, true},
		{"0101", wiretap.Received, true},
		{"0110 39=00", wiretap.Received, false},
		{"0620", wiretap.Received, true},
		{"0630", wiretap.Sent, false},
		{"GET /apply 200", wiretap.Asked, false},
		{"", wiretap.Sent, false},
	}
	for _, test := range tests {
		if got := (wiretap.Sighting{What: test.what, Way: test.way}).IsQuestion(); got != test.want {
			t.Errorf("%q %s: a question is %v", test.what, test.way, got)
		}
	}
}

func TestSinceAndChanged(t *testing.T) {
	var tap wiretap.Tap
	changed := tap.Changed()
	if again := tap.Changed(); again != changed {
		t.Error("two that wait get two channels")
	}
	tap.Add(wiretap.Sighting{What: "first"})
	select {
	case <-changed:
	default:
		t.Error("a sighting does not wake who waits")
	}
	select {
	case <-tap.Changed():
		t.Error("awake before the next sighting")
	default:
	}
	tap.Add(wiretap.Sighting{What: "second"})
	seen, n := tap.Since(1)
	if n != 2 || len(seen) != 1 || seen[0].What != "second" {
		t.Errorf("after the first: %v, %d in all", seen, n)
	}
	seen[0].What = "changed"
	if again, _ := tap.Since(1); again[0].What != "second" {
		t.Error("a reader can change what is kept")
	}
	if seen, n := tap.Since(99); n != 2 || len(seen) != 0 {
		t.Errorf("after the 99th: %v, %d", seen, n)
	}
}

// What is kept is bounded; who reads on from a number misses only what was
// dropped.
func TestItKeepsTheLatest(t *testing.T) {
	const all = 4096 + 1
	var tap wiretap.Tap
	for i := range all {
		tap.Add(wiretap.Sighting{Bytes: i})
	}
	seen, n := tap.Since(0)
	if n != all || len(seen) != all-2048 || seen[0].Bytes != 2048 || seen[len(seen)-1].Bytes != all-1 {
		t.Errorf("%d sightings, %d kept", n, len(seen))
	}
	if seen, _ := tap.Since(all - 1); len(seen) != 1 || seen[0].Bytes != all-1 {
		t.Errorf("the last is %v", seen)
	}
	if seen, _ := tap.Since(100); seen[0].Bytes != 2048 {
		t.Errorf("after the hundredth comes %d", seen[0].Bytes)
	}
}
