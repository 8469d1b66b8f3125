package wallet_test

import (
	"encoding/hex"
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/emv"
	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/simulator/phone"
	"github.com/firsttap/firsttap/simulator/site"
	"github.com/firsttap/firsttap/simulator/station/stationtest"
	"github.com/firsttap/firsttap/simulator/wallet"
	"github.com/firsttap/firsttap/specs"
	"github.com/firsttap/firsttap/token"
)

const (
	reference = "0123456789abcdef0123456789abcdef"
	number    = "4895370012345671"
	cardKey   = "68EFE6451FDF864C2FE579FE16B35826"
	requestor = "40010030273"
)

func seeded(n byte) *rand.ChaCha8 { return rand.NewChaCha8([32]byte{n}) }

// channel is a phones' door that gives the material it is told to, and
// remembers which results it was told.
type channel struct {
	material map[string]any
	status   int // of the answer to key requests; 0 is 200
	refuse   int // of the answer to results; 0 is 204
	results  []string

	next      []map[string]any // limited-use keys for requests to replenish, in turn; then 429
	replenish []string         // the references that were signed for
}

// material is what a phone can load.
func material(t *testing.T) map[string]any {
	t.Helper()
	key, err := emv.ParseKey(cardKey)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]any{
		"reference": reference, "number": number, "expiry": "2912", "sequence": "01", "cardKey": cardKey, "keyCheckValue": key.CheckValue(),
		"keyIndex": 1, "cryptogramVersion": 18, "aid": hex.EncodeToString(phone.AID()), "serviceCode": "201", "discretionary": "000000000000",
	}
}

func (c *channel) serve(t *testing.T, p *phone.Phone) string {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("POST /provisioning/v1/tokens/"+reference+"/key", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if c.status != 0 {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(c.status)
			_, _ = w.Write([]byte(`{"type":"about:blank","title":"Not Found","status":404,"code":"token-not-found","detail":"no such token"}`))
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]string{"jwe": sealed(t, p, c.material)})
	})
	mux.HandleFunc("POST /provisioning/v1/tokens/"+reference+"/result", func(w http.ResponseWriter, r *http.Request) {
		c.results = append(c.results, said(t, r, "result", "success", "failure"))
		w.WriteHeader(max(c.refuse, http.StatusNoContent))
	})
	mux.HandleFunc("POST /provisioning/v1/tokens/"+reference+"/replenish", func(w http.ResponseWriter, r *http.Request) {
		c.replenish = append(c.replenish, said(t, r, "reference", reference))
		if len(c.next) == 0 {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(http.StatusTooManyRequests)
			_, _ = w.Write([]byte(`{"status":429,"code":"keys-lent-out","detail":"wait"}`))
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]string{"jwe": sealed(t, p, c.next[0])})
		c.next = c.next[1:]
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL
}

func sealed(t *testing.T, p *phone.Phone, material map[string]any) string {
	clear, err := json.Marshal(material)
	if err != nil {
		t.Error(err)
	}
	to := jose.Recipient{Algorithm: jose.ECDH_ES_A256KW, Key: &p.Key().PublicKey}
	encrypter, err := jose.NewEncrypter(jose.A256GCM, to, (&jose.EncrypterOptions{}).WithContentType("json"))
	if err != nil {
		t.Error(err)
		return ""
	}
	jwe, err := encrypter.Encrypt(clear)
	if err != nil {
		t.Error(err)
		return ""
	}
	compact, err := jwe.CompactSerialize()
	if err != nil {
		t.Error(err)
	}
	return compact
}

// said is a member of what a phone has signed about the token; it must be one of
// those allowed.
func said(t *testing.T, r *http.Request, member string, allowed ...string) string {
	var body struct{ JWS string }
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		t.Errorf("the body is no JSON: %v", err)
		return ""
	}
	signed, err := jose.ParseSignedCompact(body.JWS, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		t.Errorf("the body is not signed: %v", err)
		return ""
	}
	var clear map[string]string
	if err := json.Unmarshal(signed.UnsafePayloadWithoutVerification(), &clear); err != nil || clear["reference"] != reference {
		t.Errorf("what was signed is about %q: %v", clear["reference"], err)
	}
	if !slices.Contains(allowed, clear[member]) {
		t.Errorf("%s is %q", member, clear[member])
	}
	return clear[member]
}

// answerWith is a gateway's script that answers each activation.
func answerWith(t *testing.T, o token.Outcome, granted *token.Token) stationtest.Script {
	return func(_ *specs.Message, typed messages.Message) *specs.Message {
		request, ok := typed.(*messages.ActivationRequest)
		if !ok {
			t.Errorf("the wallet asks with a %T", typed)
			return nil
		}
		return stationtest.Encode(t, request.Answer("532612000123456", o, granted))
	}
}

var (
	yes     = token.Outcome{Response: token.Approved, AnsweredBy: token.ByIssuer, CVV2: dcvv2.Match, AuthorizationID: "123456"}
	granted = token.Token{
		Number: card.MustPAN(number), Requestor: requestor, Reference: reference, Expiry: card.MustExpiry("2912"),
		Type: token.SecureElement, Status: token.Active,
	}
)

func shown(t *testing.T) site.Card {
	t.Helper()
	code, err := dcvv2.ParseCode("737")
	if err != nil {
		t.Fatal(err)
	}
	return site.Card{PAN: card.MustPAN("4761739001010010"), Expiry: card.MustExpiry("2912"), Code: code}
}

func open(t *testing.T, gateway *stationtest.Gateway, c *channel) *wallet.Wallet {
	t.Helper()
	return openWith(t, gateway, c, func(*wallet.Options) {})
}

func openWith(t *testing.T, gateway *stationtest.Gateway, c *channel, change func(*wallet.Options)) *wallet.Wallet {
	t.Helper()
	p, err := phone.New(seeded(1), phone.Clock(func() time.Time { return stationtest.Noon }))
	if err != nil {
		t.Fatal(err)
	}
	o := wallet.Options{
		Station: gateway.Options(seeded(2)), ChannelURL: c.serve(t, p), HTTP: &http.Client{}, Requestor: requestor, Phone: p,
		Device: token.Device{Type: "01", Language: "en", PhoneLast4: "0100", Name: "ADAS PHONE"},
	}
	change(&o)
	w, err := wallet.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	return w
}

func TestProvision(t *testing.T) {
	gateway := stationtest.Serve(t, answerWith(t, yes, &granted))
	c := &channel{material: material(t)}
	w := open(t, gateway, c)
	got, err := w.Provision(t.Context(), shown(t))
	if err != nil {
		t.Fatal(err)
	}
	if !got.Approved() || got.KeyCheck != c.material["keyCheckValue"] || got.Answer.Token.Number.Reveal() != number {
		t.Errorf("provisioned: %+v", got)
	}
	if refs := w.Phone().References(); len(refs) != 1 || refs[0] != reference {
		t.Errorf("the phone holds %v", refs)
	}
	if len(c.results) != 1 || c.results[0] != "success" {
		t.Errorf("the network was told %v", c.results)
	}

	request := gateway.Asked()[1].(*messages.ActivationRequest).Activation
	if request.Type != token.SecureElement {
		t.Errorf("the wallet asks for a token of type %s", request.Type)
	}
	if request.PAN != shown(t).PAN || request.CVV2.Code != shown(t).Code || !request.CVV2.HasCode() || request.Requestor != requestor ||
		len(request.Device.ID) != 48 || request.Device.Name != "ADAS PHONE" {
		t.Errorf("the wallet asked %+v", request)
	}
}

// A refusal is a value: the phone stays as it is and the phones' door is not
// asked.
func TestARefusalIsNoError(t *testing.T) {
	for _, o := range []token.Outcome{
		{Response: token.CVV2Failed, AnsweredBy: token.ByNetwork, CVV2: dcvv2.NoMatch},
		{Response: token.DoNotHonour, AnsweredBy: token.ByIssuer, CVV2: dcvv2.Match},
		{Response: token.IssuerUnavailable, AnsweredBy: token.ByNetwork, CVV2: dcvv2.Match},
	} {
		c := &channel{}
		w := open(t, stationtest.Serve(t, answerWith(t, o, nil)), c)
		got, err := w.Provision(t.Context(), shown(t))
		if err != nil || got.Approved() || got.Answer.Outcome.Response != o.Response || got.Answer.Outcome.Additional.CVV2 != o.CVV2 {
			t.Errorf("refused with %s: %+v, %v", o.Response, got, err)
		}
		if len(w.Phone().References()) != 0 || len(c.results) != 0 {
			t.Errorf("refused with %s, and the phone was changed", o.Response)
		}
	}
}

func TestProvisioningThatBreaks(t *testing.T) {
	otherCheck := material(t)
	otherCheck["keyCheckValue"] = "000000"
	otherVersion := material(t)
	otherVersion["cryptogramVersion"] = 22 // known, but no phone makes it
	tests := []struct {
		name    string
		channel channel
		want    string
		told    string
	}{
		{"no such token at the phones' door", channel{status: 404}, "fetching the token's key", ""},
		{"a key that is not the one of its check value", channel{material: otherCheck}, "keyCheckValue", ""},
		{"material that the phone cannot use", channel{material: otherVersion}, "loading the token on the phone", "failure"},
		{"the result is not taken", channel{material: material(t), refuse: 500}, "reporting the loaded token", "success"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := open(t, stationtest.Serve(t, answerWith(t, yes, &granted)), &test.channel)
			got, err := w.Provision(t.Context(), shown(t))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("the error is %v", err)
			}
			if got.Approved() {
				t.Error("it is approved all the same")
			}
			if told := strings.Join(test.channel.results, " "); told != test.told {
				t.Errorf("the network was told %q, want %q", told, test.told)
			}
			if err != nil && strings.Contains(err.Error(), cardKey) {
				t.Error("the error holds the key")
			}
		})
	}
}

func TestAnAnswerOfAnotherType(t *testing.T) {
	gateway := stationtest.Serve(t, func(raw *specs.Message, typed messages.Message) *specs.Message {
		answer := stationtest.Encode(t, typed.(*messages.ActivationRequest).Answer("", token.Outcome{Response: token.DoNotHonour}, nil))
		answer.Delete(specs.P(63, 3)) // without its mark it is the answer to a tap
		return answer
	})
	_, err := open(t, gateway, &channel{}).Provision(t.Context(), shown(t))
	if err == nil || !strings.Contains(err.Error(), "answered an activation with") {
		t.Errorf("the error is %v", err)
	}
}

func TestOpenWantsAGatewayAndARequestor(t *testing.T) {
	gateway := stationtest.Serve(t, answerWith(t, yes, nil))
	o := wallet.Options{Station: gateway.Options(seeded(1)), Requestor: "4001003027"}
	if _, err := wallet.Open(t.Context(), o); err == nil || !strings.Contains(err.Error(), "11 digits") {
		t.Errorf("a requestor of ten digits: %v", err)
	}
	o.Requestor, o.Type = requestor, "XX"
	if _, err := wallet.Open(t.Context(), o); err == nil || !strings.Contains(err.Error(), "type") {
		t.Errorf("a type that is none: %v", err)
	}
	for _, below := range []int{-1, token.LentUsesMax + 1} {
		o.Type, o.ReplenishBelow = "", below
		if _, err := wallet.Open(t.Context(), o); err == nil || !strings.Contains(err.Error(), "replenished below") {
			t.Errorf("replenishing below %d: %v", below, err)
		}
	}
	o.ReplenishBelow = token.LentUsesMax
	o.Requestor, o.Station.Addr = requestor, "127.0.0.1:1"
	if _, err := wallet.Open(t.Context(), o); err == nil || !strings.Contains(err.Error(), "firsttap gateway") {
		t.Errorf("no gateway: %v", err)
	}
}
