package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/firsttap/firsttap/api"
	"github.com/firsttap/firsttap/api/wire"
)

// FuzzIssuersDoor throws bytes at every path of the issuers' door: whatever
// comes, the door answers as the document says, and neither answer nor log
// holds a PAN in clear.
func FuzzIssuersDoor(f *testing.F) {
	paths := []string{wire.GeneratePath, wire.EnrollPath, wire.UnenrollPath, wire.InquiryPath, wire.UnlockPath, wire.DocumentPath, "/"}
	for i := range paths {
		for _, seed := range []string{
			good, strings.Replace(good, `"4761739001010010"`, `4761739001010010`, 1), fmt.Sprintf(goodAccount, "a"),
			`{}`, ``, `{"acctInfo":[]}`, `{"dcvv2Reqst":{"cdCnt":1e9}}`, `{"a":1,"a":2}`, `[[[[[[[[[[`, "{\"\xff\":1}",
			strings.Replace(good, "r-1", clearPAN, 1), strings.Replace(good, "agentId", clearPAN, 1),
			strings.Replace(good, `"dcvv2Reqst":{"cdCnt":2,"minRemngSecs":0}`, `"dcvv2Reqst":{}`, 1),
			strings.Replace(good, "3112", "2610", 1), strings.Replace(good, "greenbank", "bluebank", 1),
		} {
			f.Add(uint8(i), seed)
		}
	}
	h := enrolledWith(f, api.Limits{RequestsPerSecond: api.LimitMax, Burst: api.LimitMax})
	door, doc := h.api.Issuers(), theDocument(f)
	f.Fuzz(func(t *testing.T, which uint8, body string) {
		h.clock = h.clock.Add(1e6) // the rate never ends
		if len(h.store.served) > 1000 {
			clear(h.store.served)
		}
		h.log.Reset()
		x := call(door, "issuers", http.MethodPost, paths[int(which)%len(paths)], "application/json", body)
		if x.status >= 500 {
			t.Errorf("got %d %s", x.status, x.body)
		}
		if err := doc.check(x); err != nil {
			t.Errorf("%d %s: %v", x.status, x.body, err)
		}
		if strings.Contains(string(x.body), clearPAN) || strings.Contains(h.log.String(), clearPAN) {
			t.Error("the answer or the log holds the PAN")
		}
	})
}
