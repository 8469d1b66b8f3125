package e2e_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/firsttap/firsttap/internal/seed"
	"github.com/firsttap/firsttap/simulator/merchant"
	"github.com/firsttap/firsttap/simulator/phone"
	"github.com/firsttap/firsttap/simulator/site"
	"github.com/firsttap/firsttap/simulator/station"
	"github.com/firsttap/firsttap/simulator/wallet"
	"github.com/firsttap/firsttap/specs"
	"github.com/firsttap/firsttap/token"
)

// TestTokenSurvivesKill kills the gateway the moment its 0110 with a token has
// arrived, starts it again on the same store, and pays with the token.
func TestTokenSurvivesKill(t *testing.T) {
	h := newHouse(t)
	at := h.elsewhere(t)
	gateway := h.start(t, at.gateway)
	gateway.awaits(t, said["gateway"])
	h.start(t, at.issuer).awaits(t, said["issuer"])
	card, _ := applied(t, "http://"+at.site)

	held, err := phone.New(seed.Stream(1, "phone"))
	if err != nil {
		t.Fatal(err)
	}
	reference := h.activate(t, at, held, card, func() { gateway.kill(t) })

	h.start(t, at.gateway).awaits(t, said["gateway"])
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	w := h.wallet(ctx, t, at, held)
	defer w.Close()
	if _, err := w.Load(ctx, reference); err != nil {
		t.Fatalf("the token's key cannot be had after the restart: %v", err)
	}
	pay(ctx, t, at, held)
}

// activate asks for a token and calls then before anything else is done.
func (h house) activate(t *testing.T, at places, held *phone.Phone, card site.Card, then func()) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	w := h.wallet(ctx, t, at, held)
	defer w.Close()
	answer, err := w.Request(ctx, card)
	then()
	if err != nil {
		t.Fatal(err)
	}
	if answer.Outcome.Response != token.Approved || answer.Token == nil {
		t.Fatalf("no token: response %s", answer.Outcome.Response)
	}
	return answer.Token.Reference
}

// pay taps until the issuer's line is up again after the restart: 91 says that
// it is not yet.
func pay(ctx context.Context, t *testing.T, at places, held *phone.Phone) {
	t.Helper()
	m, err := merchant.Open(ctx, merchant.Options{
		Station: stationAt(at.merchants, "TERMID01"),
		Name:    "CORNER BAKERY            SAN FRANCISCOUS", Category: "5462", Country: "840", Currency: "840",
	})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	for ctx.Err() == nil {
		receipt, err := m.Tap(ctx, held.Card(), 12_50)
		if err != nil {
			t.Fatal(err)
		}
		switch response := receipt.Answer.Outcome.Response; {
		case receipt.Approved() && receipt.ARPC == merchant.ARPCVerified:
			return
		case response != token.IssuerUnavailable:
			t.Fatalf("the token does not pay: response %s, ARPC %s", response, receipt.ARPC)
		}
	}
	t.Fatal("the issuer never answered")
}

func (h house) wallet(ctx context.Context, t *testing.T, at places, held *phone.Phone) *wallet.Wallet {
	t.Helper()
	encoded, err := os.ReadFile(filepath.Join(h.data, "firsttap", "gateway", "certs", "authority.pem"))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(encoded)
	w, err := wallet.Open(ctx, wallet.Options{
		Station: stationAt(at.wallets, "WALLET01"), ChannelURL: "https://" + at.phones, Requestor: "40010030273",
		HTTP:  &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS13}}},
		Phone: held, Device: token.Device{Type: "01"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func stationAt(addr, terminal string) station.Options {
	framing, _ := specs.FramingByName(specs.FramingVAP)
	return station.Options{
		Name: terminal, Addr: addr, Number: 100001, Codec: specs.VisaStyleCodec(), Framing: framing,
		Acquirer: "400552", Terminal: terminal, Acceptor: "ACCEPTOR0000001",
		Now: time.Now, Random: seed.Stream(uint64(time.Now().UnixNano()), terminal), Log: zerolog.Nop(),
	}
}
