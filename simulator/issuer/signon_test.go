package issuer_test

import (
	"context"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"github.com/firsttap/firsttap/internal/link"
	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/simulator/issuer"
	"github.com/firsttap/firsttap/simulator/station/stationtest"
	"github.com/firsttap/firsttap/specs"
	"github.com/firsttap/firsttap/token"
)

// A host that dials the gateway signs on, and tells when it may not.
func TestTheHostSignsOn(t *testing.T) {
	for _, response := range []token.Response{token.Approved, token.IssuerUnavailable} {
		gateway := stationtest.ServeAll(t, func(_ *specs.Message, typed messages.Message) *specs.Message {
			return stationtest.Encode(t, typed.(*messages.NetworkRequest).Answer(response))
		})
		told := 0
		host := &issuer.Host{Log: zerolog.Nop(), SignedOn: func() { told++ }}
		o := gateway.Options(strings.NewReader(""))
		c, err := link.Dial(t.Context(), gateway.Addr, nil, link.Options{
			Codec: o.Codec, Framing: o.Framing, Key: messages.Key, Log: zerolog.Nop(),
			Handle: func(context.Context, link.Inbound) *specs.Message { return nil },
		})
		if err != nil {
			t.Fatal(err)
		}
		err = host.SignOn(t.Context(), c)
		c.Close()
		if good := response == token.Approved; (err == nil) != good || (told == 1) != good {
			t.Errorf("39=%s: %v, told %d times", response, err, told)
		}
		if asked := gateway.Asked(); len(asked) != 1 || asked[0].(*messages.NetworkRequest).Code != messages.SignOn {
			t.Errorf("it asked %v", asked)
		}
	}
}
