package api_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/firsttap/firsttap/api"
	"github.com/firsttap/firsttap/api/client"
	"github.com/firsttap/firsttap/api/wire"
	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/internal/certs"
	"github.com/firsttap/firsttap/internal/profiles"
)

var (
	greenbank  = certs.Identity{Role: certs.Issuer, Name: "greenbank"}
	bluebank   = certs.Identity{Role: certs.Issuer, Name: "bluebank"}
	green      = certs.Identity{Role: certs.Issuer, Name: "green"}
	enquirer   = certs.Identity{Role: certs.Enquirer, Name: "greenbank"}
	operator   = certs.Identity{Role: certs.Operator, Name: "ops"}
	auditor    = certs.Identity{Role: certs.Auditor, Name: "eyes"}
	requestor  = certs.Identity{Role: certs.Requestor, Name: "wallets"}
	network    = certs.GatewayClient
	everyone   = []certs.Identity{greenbank, bluebank, green, enquirer, operator, auditor, requestor, network}
	goodFields = fields("a-1", "greenbank", clearPAN)
)

func fields(id, client, pan string) string {
	return `{"msgIdentfctn":{"tranId":"` + id + `"},"cardAcceptr":{"clientId":"` + client + `"},"acctInfo":{"primryAcctNum":{"pan":"` + pan + `"}}}`
}

// fort is a house whose doors for issuers and operators ask for certificates.
type fort struct {
	*house
	dir string
}

func newFort(t testing.TB, identify certs.Known) *fort {
	t.Helper()
	f := &fort{house: newHouse(t, ring{}), dir: t.TempDir()}
	if _, err := certs.Make(f.dir, certs.Order{Clients: everyone}); err != nil {
		t.Fatal(err)
	}
	a, err := api.New(api.Options{
		Store: f.store, Keys: ring{}, Registry: registry(t), Now: func() time.Time { return f.clock },
		Log:    zerolog.New(f.log).Level(zerolog.TraceLevel),
		Limits: api.Limits{RequestsPerSecond: 100, Burst: 100},
		TwoWay: api.TwoWay{Issuers: true, Operators: true}, Identify: identify.Identify,
		Profiles: profiles.Process{},
	})
	if err != nil {
		t.Fatal(err)
	}
	f.issuers.Close()
	f.operators.Close()
	f.issuers, f.operators = f.opened(t, checked(t, "issuers", a.Issuers())), f.opened(t, checked(t, "operators", a.Operators()))
	return f
}

func (f *fort) opened(t testing.TB, h http.Handler) *httptest.Server {
	t.Helper()
	settings, err := certs.Server(certs.GatewayFiles(f.dir), certs.Terms{TwoWay: true})
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(nil)
	s.Config = api.NewHTTPServer(h)
	s.Listener = tls.NewListener(s.Listener, settings)
	s.Start()
	s.URL = strings.Replace(s.URL, "http://", "https://", 1)
	return s
}

func (f *fort) as(t testing.TB, who certs.Identity) *http.Client {
	t.Helper()
	transport, err := certs.Transport(certs.ClientFiles(f.dir, who))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func sendAs(t *testing.T, c *http.Client, method, url, body string) answer {
	t.Helper()
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	return do(t, c.Do, r)
}

// TestWhatEachCallerMayDo is the table of roles and doors. A refusal has no
// payload and changes nothing.
func TestWhatEachCallerMayDo(t *testing.T) {
	f := newFort(t, nil)
	issuers, operators := f.issuers.URL, f.operators.URL
	show, suspend := operators+strings.Replace(wire.TokenPath, "{reference}", reference, 1), operatorAddress(f.house, wire.SuspendPath)
	named := func(client string) string { return fields("a-1", client, clearPAN) }
	for _, c := range []struct {
		name         string
		who          certs.Identity
		method, url  string
		body         string
		status       int
		clientLogged string
	}{
		{"an enquirer generates", enquirer, "POST", issuers + wire.GeneratePath, good, 403, "greenbank"},
		{"an enquirer enrols", enquirer, "POST", issuers + wire.EnrollPath, goodFields, 403, "greenbank"},
		{"an enquirer unlocks", enquirer, "POST", issuers + wire.UnlockPath, goodFields, 403, "greenbank"},
		{"an enquirer unenrols", enquirer, "POST", issuers + wire.UnenrollPath, goodFields, 403, "greenbank"},
		{"an enquirer asks", enquirer, "POST", issuers + wire.InquiryPath, goodFields, 201, "greenbank"},
		{"an enquirer asks by a crooked path", enquirer, "POST", issuers + "/x/.." + wire.InquiryPath, goodFields, 403, "greenbank"},
		{"an enquirer looks around", enquirer, "GET", issuers + "/", "", 403, "greenbank"},
		{"an issuer as another", greenbank, "POST", issuers + wire.EnrollPath, named("bluebank"), 403, "greenbank"},
		{"an issuer as another, whose range it is", greenbank, "POST", issuers + wire.EnrollPath, fields("a-1", "bluebank", otherPAN), 403, "greenbank"},
		{"an issuer in other letters", greenbank, "POST", issuers + wire.EnrollPath, named("Greenbank"), 403, "greenbank"},
		{"an issuer in another's range", bluebank, "POST", issuers + wire.EnrollPath, named("bluebank"), 403, "bluebank"},
		{"a name that begins like an issuer's", green, "POST", issuers + wire.EnrollPath, named("greenbank"), 403, "green"},
		{"an issuer without a range", green, "POST", issuers + wire.EnrollPath, named("green"), 403, "green"},
		{"an operator at the issuers' door", operator, "POST", issuers + wire.EnrollPath, goodFields, 403, "ops"},
		{"an auditor at the issuers' door", auditor, "POST", issuers + wire.InquiryPath, goodFields, 403, "eyes"},
		{"an issuer", greenbank, "POST", issuers + wire.InquiryPath, strings.Replace(goodFields, "a-1", "a-2", 1), 201, "greenbank"},

		{"an issuer at the operators' door", greenbank, "GET", operators + wire.HealthPath, "", 403, "greenbank"},
		{"an enquirer at the operators' door", enquirer, "GET", operators + wire.HealthPath, "", 403, "greenbank"},
		{"a station at the issuers' door", requestor, "POST", issuers + wire.InquiryPath, goodFields, 403, "wallets"},
		{"a station at the operators' door", requestor, "GET", operators + wire.HealthPath, "", 403, "wallets"},
		{"the gateway at the operators' door", network, "GET", operators + wire.HealthPath, "", 403, "gateway"},
		{"an auditor reloads stations", auditor, "POST", operators + wire.StationsReloadPath, "", 403, "eyes"},
		{"an auditor suspends", auditor, "POST", suspend, "", 403, "eyes"},
		{"an auditor puts", auditor, "PUT", suspend, "", 403, "eyes"},
		{"an auditor looks", auditor, "GET", show, "", 200, "eyes"},
		{"an auditor looks whether it is there", auditor, "HEAD", show, "", 200, "eyes"},
		{"an operator looks", operator, "GET", show, "", 200, "ops"},
		{"an operator suspends", operator, "POST", suspend, "", 200, "ops"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f.log.Reset()
			enrolments, status := len(f.store.enrolments), f.store.tokens[reference].Status
			a := sendAs(t, f.as(t, c.who), c.method, c.url, c.body)
			if a.status != c.status || a.status == 403 && a.body != "" {
				t.Fatalf("got %d %q, want %d", a.status, a.body, c.status)
			}
			if a.status == 403 && (len(f.store.enrolments) != enrolments || f.store.tokens[reference].Status != status) {
				t.Error("a refusal changes nothing")
			}
			if !strings.Contains(f.log.String(), `"client":"`+c.clientLogged+`"`) {
				t.Errorf("the log does not name %s: %s", c.clientLogged, f.log)
			}
		})
	}
}

func TestTheClientStoryOverTwoWayTLS(t *testing.T) {
	f := newFort(t, nil)
	issuer := client.Issuer{BaseURL: f.issuers.URL, ClientID: "greenbank", HTTP: f.as(t, greenbank)}
	ctx := context.Background()
	if _, err := issuer.Enroll(ctx, client.AccountRequest{PAN: card.MustPAN(clearPAN)}); err != nil {
		t.Fatal(err)
	}
	got, err := issuer.Generate(ctx, client.GenerateRequest{PAN: card.MustPAN(clearPAN), Expiry: card.MustExpiry("3112")})
	if err != nil || len(got.Codes) == 0 {
		t.Fatalf("%v, %v", got, err)
	}
	if err := (client.Operator{BaseURL: f.operators.URL, HTTP: f.as(t, operator)}).Ready(ctx); err != nil {
		t.Error(err)
	}
}

// A door that asks for certificates lets nobody in who has none, even when the
// server in front of it forgot to ask.
func TestADoorBelievesNoServerThatForgets(t *testing.T) {
	f := newFort(t, nil)
	pair, err := tls.LoadX509KeyPair(filepath.Join(f.dir, certs.GatewayFile), filepath.Join(f.dir, certs.GatewayKeyFile))
	if err != nil {
		t.Fatal(err)
	}
	for name, settings := range map[string]*tls.Config{
		"no TLS": nil, "TLS one way": oneWay(t, f.dir),
		"TLS that verifies nothing": {Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAnyClientCert},
	} {
		for door, h := range map[string]http.Handler{"issuers": f.issuers.Config.Handler, "operators": f.operators.Config.Handler} {
			s := httptest.NewUnstartedServer(h)
			if settings != nil {
				s.Listener = tls.NewListener(s.Listener, settings)
			}
			s.Start()
			defer s.Close()
			base, anyone := s.URL, http.DefaultClient
			if settings != nil {
				base = strings.Replace(s.URL, "http://", "https://", 1)
				anyone = f.as(t, map[string]certs.Identity{"issuers": greenbank, "operators": operator}[door])
			}
			for _, path := range []string{wire.GeneratePath, wire.HealthPath, "/"} {
				if a := sendAs(t, anyone, "POST", base+path, good); a.status != 403 || a.body != "" {
					t.Errorf("%s, %s%s: got %d %q", name, door, path, a.status, a.body)
				}
			}
			anyone.CloseIdleConnections()
		}
	}
}

func oneWay(t *testing.T, dir string) *tls.Config {
	t.Helper()
	c, err := certs.Server(certs.GatewayFiles(dir), certs.Terms{})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// A certificate of a foreign authority is known by its fingerprint, one that is
// known to nobody gets 403.
func TestForeignCertificatesByFingerprint(t *testing.T) {
	dir := t.TempDir()
	if _, err := certs.Make(dir, certs.Order{Clients: everyone}); err != nil {
		t.Fatal(err)
	}
	known := certs.Known{}
	f := newFort(t, known)
	nameless, gateway := f.as(t, greenbank), certs.GatewayFiles(f.dir)
	all, err := certs.Read(gateway.CertificateFile)
	if err != nil {
		t.Fatal(err)
	}
	ask := func() answer {
		r := httptest.NewRequest(http.MethodGet, wire.HealthPath, nil)
		r.TLS = &tls.ConnectionState{VerifiedChains: [][]*x509.Certificate{all}} // without a URI of ours
		w := httptest.NewRecorder()
		f.operators.Config.Handler.ServeHTTP(w, r)
		return answer{status: w.Code, body: w.Body.String()}
	}
	if a := ask(); a.status != 403 || a.body != "" {
		t.Errorf("known to nobody: %d %s", a.status, a.body)
	}
	known[certs.FingerprintOf(all[0])] = auditor
	if a := ask(); a.status != 200 {
		t.Errorf("known by its fingerprint: %d %s", a.status, a.body)
	}
	if a := sendAs(t, nameless, "GET", f.operators.URL+wire.HealthPath, ""); a.status != 403 {
		t.Errorf("an issuer stays an issuer: %d", a.status)
	}
}

// Attackers who do not get as far as a request.
func TestHandshakesThatFail(t *testing.T) {
	f := newFort(t, nil)
	foreign, old := t.TempDir(), t.TempDir()
	for dir, now := range map[string]time.Time{foreign: {}, old: time.Now().AddDate(-certs.LeafYears, 0, -1)} {
		if _, err := certs.Make(dir, certs.Order{Clients: everyone, Now: now}); err != nil {
			t.Fatal(err)
		}
	}
	for name, attacker := range map[string]func(c *tls.Config){
		"no certificate":                 func(c *tls.Config) { c.GetClientCertificate = nil },
		"another authority's":            func(c *tls.Config) { shows(t, c, certs.ClientFiles(foreign, greenbank)) },
		"an expired one":                 func(c *tls.Config) { shows(t, c, certs.ClientFiles(old, greenbank)) },
		"the gateway's own":              func(c *tls.Config) { shows(t, c, certs.GatewayFiles(f.dir)) },
		"TLS 1.2 where 1.3 is the least": func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS12, tls.VersionTLS12 },
	} {
		t.Run(name, func(t *testing.T) {
			c := f.as(t, greenbank)
			attacker(c.Transport.(*http.Transport).TLSClientConfig)
			for _, url := range []string{f.issuers.URL + wire.InquiryPath, f.operators.URL + wire.HealthPath} {
				answer, err := c.Post(url, "application/json", strings.NewReader(goodFields))
				if err == nil {
					answer.Body.Close()
					t.Errorf("%s answered %s", url, answer.Status)
				}
			}
		})
	}
	if f.log.String() != "" {
		t.Errorf("a request came through: %s", f.log)
	}
}

func shows(t *testing.T, c *tls.Config, files certs.Files) {
	t.Helper()
	own, err := tls.LoadX509KeyPair(files.CertificateFile, files.PrivateKeyFile)
	if err != nil {
		t.Fatal(err)
	}
	c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &own, nil }
}

// Who never ends a handshake is cut by the deadline for headers. The test ends
// when the server hangs up, and not before.
func TestSlowHandshakesAreCut(t *testing.T) {
	f := newFort(t, nil)
	settings := oneWay(t, f.dir)
	for name, hello := range map[string][]byte{"silence": nil, "the begin of a hello": {0x16, 0x03, 0x01, 0x02, 0x00, 0x01}} {
		t.Run(name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			s := api.NewHTTPServer(f.issuers.Config.Handler)
			if s.ReadHeaderTimeout <= 0 {
				t.Fatal("the deadline for headers is the one for handshakes")
			}
			s.ReadHeaderTimeout = 50 * time.Millisecond
			go s.Serve(tls.NewListener(l, settings))
			defer s.Close()
			conn, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if _, err := conn.Write(hello); err != nil {
				t.Fatal(err)
			}
			if err := conn.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadAll(conn); os.IsTimeout(err) {
				t.Error("the server waits for ever")
			}
		})
	}
}
