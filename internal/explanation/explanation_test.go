package explanation

import (
	"strings"
	"testing"

	"github.com/firsttap/firsttap/api/client"
	"github.com/firsttap/firsttap/token"
	"github.com/firsttap/firsttap/vault"
)

func TestUnanswered(t *testing.T) {
	for _, c := range []struct {
		event, detail, issuer string
		reason                token.Reason
	}{
		{vault.EventActivationDeclined, "response 91: issuer did not answer: nothing received in 2s", "did not answer: nothing received in 2s", token.ReasonIssuerUnavailable},
		{vault.EventTapDeclined, "response 91: issuer did not answer", "did not answer", token.ReasonIssuerUnavailable}, // of before it was told
		{
			vault.EventTapAccepted, "response 00: " + string(token.ReasonStoodIn) + ": differs in field 41",
			"did not answer: differs in field 41; the network decided in its place", token.ReasonStoodIn,
		},
	} {
		x := Of("ID", []client.AuditEntry{{Event: c.event, Detail: c.detail, Subject: "476173******0010"}})
		if x.Reason != string(c.reason) || x.Issuer != c.issuer || !strings.Contains(x.String(), "issuer    "+c.issuer+"\n") {
			t.Errorf("%s", x)
		}
	}
}

func TestUnderWay(t *testing.T) {
	x := Of("ID", []client.AuditEntry{{Event: vault.EventActivationClaimed, Subject: "476173******0010"}})
	if x.Decided != "" || x.Issuer != "has not answered yet" || !strings.Contains(x.String(), "under way") {
		t.Errorf("%s", x)
	}
}
