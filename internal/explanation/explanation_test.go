package explanation

import (
	"strings"
	"testing"

	"github.com/firsttap/firsttap/api/client"
	"github.com/firsttap/firsttap/vault"
)

func TestUnderWay(t *testing.T) {
	x := Of("ID", []client.AuditEntry{{Event: vault.EventActivationClaimed, Subject: "476173******0010"}})
	if x.Decided != "" || x.Issuer != "has not answered yet" || !strings.Contains(x.String(), "under way") {
		t.Errorf("%s", x)
	}
}
