package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/firsttap/firsttap/api/client"
	"github.com/firsttap/firsttap/api/wire"
	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/vault"
)

// good is a request for two codes; %s is what a case puts in or changes.
const good = `{"msgIdentfctn":{"tranId":"r-1"},"cardAcceptr":{"clientId":"greenbank"},"agentId":"web",` +
	`"acctInfo":{"primryAcctNum":{"pan":"4761739001010010","panSeqNum":"00","xpryDt":"3112"}},"dcvv2Reqst":{"cdCnt":2,"minRemngSecs":0}}`

const goodAccount = `{"msgIdentfctn":{"tranId":"%s"},"cardAcceptr":{"clientId":"greenbank"},"acctInfo":{"primryAcctNum":{"pan":"4761739001010010"}}}`

func enrolled(t testing.TB, keys ring) *house {
	h := newHouse(t, keys)
	for pan, issuer := range map[string]string{clearPAN: "greenbank", otherPAN: "bluebank"} {
		i := h.issuer()
		i.ClientID = issuer
		if _, err := i.Enroll(context.Background(), client.AccountRequest{PAN: card.MustPAN(pan)}); err != nil {
			t.Fatal(err)
		}
	}
	return h
}

func indented(t *testing.T, a answer) string {
	t.Helper()
	if a.status != http.StatusCreated {
		t.Fatalf("got %d %s, want 201", a.status, a.body)
	}
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(json.RawMessage(a.body)); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func TestAnswersOfTheIssuersDoor(t *testing.T) {
	h := newHouse(t, ring{})
	base := h.issuers.URL
	golden(t, "inquiry-never-seen.json", indented(t, post(t, base+wire.InquiryPath, fmt.Sprintf(goodAccount, "a-1"))))
	golden(t, "enroll.json", indented(t, post(t, base+wire.EnrollPath, fmt.Sprintf(goodAccount, "a-2"))))
	golden(t, "generate.json", indented(t, post(t, base+wire.GeneratePath, good)))
	golden(t, "inquiry.json", indented(t, post(t, base+wire.InquiryPath, fmt.Sprintf(goodAccount, "a-3"))))
	h.clock = h.clock.Add(time.Minute)
	golden(t, "unenroll.json", indented(t, post(t, base+wire.UnenrollPath, fmt.Sprintf(goodAccount, "a-4"))))
	wantProblem(t, post(t, base+wire.GeneratePath, strings.Replace(good, "r-1", "r-2", 1)), 402, wire.CodeNotEnrolled, wire.PAN)
	again := post(t, base+wire.EnrollPath, fmt.Sprintf(goodAccount, "a-5"))
	if !strings.Contains(again.body, `"gnrtn":1`) {
		t.Errorf("enrolling anew raises the generation: %s", again.body)
	}
}

// The worked case of the default profile: 24 codes from 12:34:56 on.
func TestGenerateThroughTheClient(t *testing.T) {
	h := enrolled(t, ring{})
	got, err := h.issuer().Generate(context.Background(), client.GenerateRequest{
		TransactionID: "r-1", PAN: card.MustPAN(clearPAN), Expiry: card.MustExpiry("3112"),
	})
	if err != nil {
		t.Fatal(err)
	}
	var codes []string
	for i, c := range got.Codes {
		codes = append(codes, c.Code.Reveal())
		start := h.clock.Truncate(time.Hour).Add(time.Duration(i) * time.Hour)
		if !c.ValidFrom.Equal(start) || !c.Expires.Equal(start.Add(time.Hour)) || !c.Window.Start().Equal(start) {
			t.Errorf("code %d is good from %v to %v in window %v", i, c.ValidFrom, c.Expires, c.Window)
		}
	}
	want := "075 917 751 781 205 077 874 440 146 045 490 790 974 922 387 343 786 394 941 193 086 546 677 686"
	if diff := cmp.Diff(want, strings.Join(codes, " ")); diff != "" {
		t.Error(diff)
	}
	if got.TransactionID != "r-1" {
		t.Errorf("the answer repeats the request's id, not %q", got.TransactionID)
	}
}

func TestGenerateSkipsAWindowWithTooLittleLeft(t *testing.T) {
	h := enrolled(t, ring{}) // 12:34:56: 1504 s are left
	for _, c := range []struct {
		remaining time.Duration
		first     string
	}{{1504 * time.Second, "075"}, {1505 * time.Second, "917"}, {1504*time.Second + 1, "917"}, {time.Hour, "917"}} {
		got, err := h.issuer().Generate(context.Background(), client.GenerateRequest{
			PAN: card.MustPAN(clearPAN), Expiry: card.MustExpiry("3112"), Count: 1, MinRemaining: c.remaining,
		})
		if err != nil || len(got.Codes) != 1 || got.Codes[0].Code.Reveal() != c.first {
			t.Errorf("%v left: got %d codes, %v", c.remaining, len(got.Codes), err)
		}
	}
}

func TestGenerateTakesIntegersForDigits(t *testing.T) {
	h := enrolled(t, ring{})
	body := strings.NewReplacer(`"4761739001010010"`, `4761739001010010`, `"panSeqNum":"00"`, `"panSeqNum":0`).Replace(good)
	if a := post(t, h.issuers.URL+wire.GeneratePath, body); a.status != http.StatusCreated || !strings.Contains(a.body, `"cd":"075"`) {
		t.Errorf("got %d", a.status)
	}
}

func TestGenerateRefuses(t *testing.T) {
	h := enrolled(t, ring{})
	for _, c := range []struct{ name, old, new, code, field string }{
		{"no codes", `"cdCnt":2`, `"cdCnt":0`, wire.CodeFieldValue, wire.CodeCount},
		{"25 codes", `"cdCnt":2`, `"cdCnt":25`, wire.CodeFieldValue, wire.CodeCount},
		{"fewer than none", `"cdCnt":2`, `"cdCnt":-1`, wire.CodeFieldValue, wire.CodeCount},
		{"half a code", `"cdCnt":2`, `"cdCnt":1.5`, wire.CodeFieldValue, wire.CodeCount},
		{"an exponent", `"cdCnt":2`, `"cdCnt":1e1`, wire.CodeFieldValue, wire.CodeCount},
		{"many codes", `"cdCnt":2`, `"cdCnt":"many"`, wire.CodeFieldType, wire.CodeCount},
		{"a count in quotes", `"cdCnt":2`, `"cdCnt":"2"`, wire.CodeFieldType, wire.CodeCount},
		{"a count of null", `"cdCnt":2`, `"cdCnt":null`, wire.CodeFieldType, wire.CodeCount},
		{"a negative remainder", `"minRemngSecs":0`, `"minRemngSecs":-1`, wire.CodeFieldValue, wire.MinRemainingSecs},
		{"longer than the window", `"minRemngSecs":0`, `"minRemngSecs":3601`, wire.CodeFieldValue, wire.MinRemainingSecs},
		{"longer than any window", `"minRemngSecs":0`, `"minRemngSecs":64801`, wire.CodeFieldValue, wire.MinRemainingSecs},
		{"no PAN", `"pan":"4761739001010010",`, ``, wire.CodeFieldMissing, wire.PAN},
		{"a wrong check digit", `0010"`, `0011"`, wire.CodeFieldValue, wire.PAN},
		{"12 digits", `4761739001010010`, `476173900101`, wire.CodeFieldValue, wire.PAN},
		{"20 digits", `4761739001010010`, `47617390010100104761`, wire.CodeFieldValue, wire.PAN},
		{"letters", `4761739001010010`, `47617390010100lO`, wire.CodeFieldValue, wire.PAN},
		{"a PAN with a sign", `"4761739001010010"`, `-4761739001010010`, wire.CodeFieldValue, wire.PAN},
		{"a PAN with a fraction", `"4761739001010010"`, `4761739001010010.0`, wire.CodeFieldValue, wire.PAN},
		{"a PAN that is true", `"4761739001010010"`, `true`, wire.CodeFieldType, wire.PAN},
		{"a PAN that is a list", `"4761739001010010"`, `[{}]`, wire.CodeFieldType, wire.PAN},
		{"no expiry", `,"xpryDt":"3112"`, ``, wire.CodeFieldMissing, wire.Expiry},
		{"a 13th month", `"3112"`, `"3113"`, wire.CodeFieldValue, wire.Expiry},
		{"an expiry of five", `"3112"`, `"31120"`, wire.CodeFieldValue, wire.Expiry},
		{"an integer expiry", `"3112"`, `3112`, wire.CodeFieldType, wire.Expiry},
		{"sequence 100", `"00"`, `"100"`, wire.CodeFieldValue, wire.PANSequence},
		{"no client", `"clientId":"greenbank"`, ``, wire.CodeFieldType, "cardAcceptr"},
		{"an empty client", `"greenbank"`, `""`, wire.CodeFieldValue, wire.ClientID},
		{"a client of 65", `"greenbank"`, `"` + strings.Repeat("g", 65) + `"`, wire.CodeFieldValue, wire.ClientID},
		{"an empty agent", `"web"`, `""`, wire.CodeFieldValue, wire.AgentID},
		{"no request id", `"msgIdentfctn":{"tranId":"r-1"},`, ``, wire.CodeFieldMissing, wire.TransactionID},
		{"a request id with a line end", `"r-1"`, `"r\n1"`, wire.CodeFieldValue, wire.TransactionID},
		{"the PAN as request id", `"r-1"`, `"r-4761-7390-0101-0010"`, wire.CodeFieldValue, wire.TransactionID},
		{"the PAN without its check digit as request id", `"r-1"`, `"r-476173900101001"`, wire.CodeFieldValue, wire.TransactionID},
		{"an unknown member", `"agentId"`, `"agntId"`, wire.CodeFieldUnknown, "agntId"},
		{"another case", `"agentId"`, `"AgentId"`, wire.CodeFieldUnknown, "AgentId"},
		{"a PAN as a name", `"agentId"`, `"4761739001010010"`, wire.CodeFieldUnknown, "****************"},
		{"a member twice", `"cdCnt":2`, `"cdCnt":2,"cdCnt":2`, wire.CodeFieldDuplicate, wire.CodeCount},
		{"something behind", `"minRemngSecs":0}}`, `"minRemngSecs":0}}{}`, wire.CodeBodyNotJSON, ""},
		{"half a body", `"minRemngSecs":0}}`, `"minRemngSecs":0`, wire.CodeBodyNotJSON, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			body := strings.Replace(good, c.old, c.new, 1)
			if body == good {
				t.Fatal("the case changes nothing")
			}
			a := post(t, h.issuers.URL+wire.GeneratePath, body)
			wantProblem(t, a, 400, c.code, c.field)
			if strings.Contains(a.body, "47617390") || strings.Contains(a.body, "many") {
				t.Errorf("a problem repeats no value: %s", a.body)
			}
		})
	}
}

func TestGenerateIsBoundByTheRange(t *testing.T) {
	h := enrolled(t, ring{})
	blue := strings.NewReplacer("greenbank", "bluebank", clearPAN, otherPAN)
	for _, c := range []struct{ old, new, field string }{
		{`"cdCnt":2`, `"cdCnt":4`, wire.CodeCount},
		{`"minRemngSecs":0`, `"minRemngSecs":18001`, wire.MinRemainingSecs},
	} {
		body := blue.Replace(strings.Replace(good, c.old, c.new, 1))
		wantProblem(t, post(t, h.issuers.URL+wire.GeneratePath, body), 400, wire.CodeFieldValue, c.field)
	}
	for i, limit := range []string{`"cdCnt":3,"minRemngSecs":18000`, `"cdCnt":1`} {
		body := blue.Replace(strings.NewReplacer(`"cdCnt":2,"minRemngSecs":0`, limit, "r-1", fmt.Sprint("r-", i)).Replace(good))
		if a := post(t, h.issuers.URL+wire.GeneratePath, body); a.status != http.StatusCreated {
			t.Errorf("%s is at the limit: %d %s", limit, a.status, a.body)
		}
	}
}

// The public reference: 403 without payload for the wrong client.
func TestForbiddenHasNoPayload(t *testing.T) {
	h := enrolled(t, ring{})
	for name, body := range map[string]string{
		"another issuer's account":   strings.Replace(good, clearPAN, otherPAN, 1),
		"nobody's account":           strings.Replace(good, clearPAN, strangerPAN, 1),
		"an unknown client":          strings.Replace(good, "greenbank", "redbank", 1),
		"an unknown client, no luck": strings.NewReplacer("greenbank", "redbank", clearPAN, strangerPAN).Replace(good),
	} {
		a := post(t, h.issuers.URL+wire.GeneratePath, body)
		if a.status != http.StatusForbidden || a.body != "" {
			t.Errorf("%s: got %d %q", name, a.status, a.body)
		}
	}
	i := h.issuer()
	i.ClientID = "redbank"
	_, err := i.Inquire(context.Background(), client.AccountRequest{PAN: card.MustPAN(clearPAN)})
	wantClientProblem(t, err, 403, client.CodeClientForbidden)
}

func TestARepeatGetsTheSameAnswer(t *testing.T) {
	h := enrolled(t, ring{})
	address := h.issuers.URL + wire.GeneratePath
	first := post(t, address, good)
	h.clock = h.clock.Add(3 * time.Hour) // the window has moved
	for name, body := range map[string]string{
		"the same bytes":       good,
		"the same in integers": strings.Replace(good, `"4761739001010010"`, `4761739001010010`, 1),
	} {
		if again := post(t, address, body); again.status != http.StatusCreated || again.body != first.body {
			t.Errorf("%s: the answer differs, %d", name, again.status)
		}
	}
	if fresh := post(t, address, strings.Replace(good, "r-1", "r-2", 1)); fresh.body == first.body {
		t.Error("another id is another request")
	}
	h.clock = h.clock.Add(vault.RequestsFor - 3*time.Hour - time.Second)
	if again := post(t, address, good); again.body != first.body {
		t.Error("a repeat within 24 hours gets the same answer")
	}
	h.clock = h.clock.Add(time.Second)
	if late := post(t, address, good); late.body == first.body {
		t.Error("after 24 hours it is a new request")
	}
}

func TestAnIDNamesOneRequest(t *testing.T) {
	h := enrolled(t, ring{})
	address := h.issuers.URL + wire.GeneratePath
	post(t, address, good)
	wantProblem(t, post(t, address, strings.Replace(good, `"cdCnt":2`, `"cdCnt":3`, 1)), 402, wire.CodeRequestIDReused, wire.TransactionID)
	wantProblem(t, post(t, h.issuers.URL+wire.InquiryPath, fmt.Sprintf(goodAccount, "r-1")), 402, wire.CodeRequestIDReused, wire.TransactionID)
	blue := strings.NewReplacer("greenbank", "bluebank", clearPAN, otherPAN).Replace(good)
	if a := post(t, address, blue); a.status != http.StatusCreated {
		t.Errorf("another client's id is another id: %d %s", a.status, a.body)
	}
}

func TestARefusedRequestMayBeTriedAgain(t *testing.T) {
	h := newHouse(t, ring{})
	wantProblem(t, post(t, h.issuers.URL+wire.GeneratePath, good), 402, wire.CodeNotEnrolled, wire.PAN)
	post(t, h.issuers.URL+wire.EnrollPath, fmt.Sprintf(goodAccount, "a-1"))
	if a := post(t, h.issuers.URL+wire.GeneratePath, good); a.status != http.StatusCreated {
		t.Errorf("got %d %s", a.status, a.body)
	}
}

// An enrolment that is repeated after the account was unenrolled must not
// enrol it again.
func TestARepeatedEnrolmentChangesNothing(t *testing.T) {
	h := newHouse(t, ring{})
	ctx, q := context.Background(), client.AccountRequest{TransactionID: "e-1", PAN: card.MustPAN(clearPAN)}
	first, err := h.issuer().Enroll(ctx, q)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.issuer().Unenroll(ctx, client.AccountRequest{PAN: q.PAN}); err != nil {
		t.Fatal(err)
	}
	again, err := h.issuer().Enroll(ctx, q)
	if err != nil || again != first {
		t.Errorf("got %+v, %v, want %+v", again, err, first)
	}
	now, err := h.issuer().Inquire(ctx, client.AccountRequest{PAN: q.PAN})
	if err != nil || now.Enrolled {
		t.Errorf("the account stays unenrolled: %+v, %v", now, err)
	}
}

func TestWhatIsOutOfReach(t *testing.T) {
	for name, h := range map[string]*house{"a key": enrolled(t, ring{missing: errors.New("no such key")}), "the store": enrolled(t, ring{})} {
		if name == "the store" {
			h.store.broken = errors.New("disk full")
		}
		a := post(t, h.issuers.URL+wire.GeneratePath, good)
		wantProblem(t, a, 503, wire.CodeUnavailable, "")
		if a.header.Get("Retry-After") == "" || strings.Contains(a.body, "disk") {
			t.Errorf("%s: says when to try again and not what broke: %v %s", name, a.header, a.body)
		}
	}
}
