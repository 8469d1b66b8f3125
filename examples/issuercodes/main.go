// Command issuercodes enrols an account and gets a day of dynamic CVV2 codes
// for it, over two-way TLS, with firsttap's typed client. It prints a table.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"flag"
	"fmt"
	"log"
	"net/http"
	"os"
	"time"

	"github.com/firsttap/firsttap/api/client"
	"github.com/firsttap/firsttap/card"
)

func main() {
	url, name := flag.String("url", "https://127.0.0.1:8580", "issuers' door"), flag.String("client", "harbour", "clientId")
	authority, cert := flag.String("cacert", "authority.pem", "who signed the gateway"), flag.String("cert", "issuer-harbour.pem", "this client's certificate")
	key := flag.String("key", "issuer-harbour-key.pem", "its private key")
	digits, yymm := flag.String("pan", "", "card number"), flag.String("expiry", "", "YYMM")
	count := flag.Int("count", 24, "how many codes")
	flag.Parse()
	pan, err := card.ParsePAN(*digits)
	check(err)
	expiry, err := card.ParseExpiry(*yymm)
	check(err)
	issuer := client.Issuer{BaseURL: *url, ClientID: *name, HTTP: twoWay(*authority, *cert, *key)}

	ctx := context.Background()
	account, err := issuer.Enroll(ctx, client.AccountRequest{PAN: pan})
	check(err)
	fmt.Printf("%v is enrolled, generation %d, attempts %s\n", pan, account.Generation, account.Attempts.Status)
	got, err := issuer.Generate(ctx, client.GenerateRequest{PAN: pan, Expiry: expiry, Count: *count})
	check(err)
	fmt.Println("code  valid from            until")
	for _, c := range got.Codes {
		fmt.Printf("%s   %s  %s\n", c.Code.Reveal(), c.ValidFrom.Format(time.RFC3339), c.Expires.Format(time.RFC3339))
	}
}

// twoWay trusts one authority and shows a certificate.
func twoWay(authority, cert, key string) *http.Client {
	trusted, err := os.ReadFile(authority)
	check(err)
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(trusted) {
		log.Fatalf("%s holds no certificate", authority)
	}
	own, err := tls.LoadX509KeyPair(cert, key)
	check(err)
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{
		RootCAs: roots, Certificates: []tls.Certificate{own}, MinVersion: tls.VersionTLS13,
	}}}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
