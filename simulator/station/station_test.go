package station_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/internal/link"
	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/simulator/station"
	"github.com/firsttap/firsttap/simulator/station/stationtest"
	"github.com/firsttap/firsttap/specs"
	"github.com/firsttap/firsttap/token"
)

// beginAt makes a station's first trace number n+2: the sign-on takes n+1.
func beginAt(n byte) *bytes.Reader { return bytes.NewReader([]byte{0, 0, 0, n}) }

func silent(*specs.Message, messages.Message) *specs.Message { return nil }

func wantError(t *testing.T, err error, words ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("there is no error")
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("the error %q does not say %q", err, w)
		}
	}
}

func TestDialSignsOn(t *testing.T) {
	gateway := stationtest.Serve(t, silent)
	s, err := station.Dial(t.Context(), gateway.Options(beginAt(41)))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	asked := gateway.Asked()
	if len(asked) != 1 {
		t.Fatalf("the gateway was asked %d times", len(asked))
	}
	signOn, ok := asked[0].(*messages.NetworkRequest)
	if !ok || signOn.Code != messages.SignOn || signOn.STAN != "000043" || signOn.Transmitted != "1122120000" {
		t.Errorf("the first message is %+v", asked[0])
	}
	want := messages.Trace{
		Transmitted: "1122120000", STAN: "000044", RRN: "632612000044",
		Acquirer: "400552", Terminal: "TERMID01", Acceptor: "TOKENREQUESTOR1",
	}
	if got := s.NextTrace(); got != want {
		t.Errorf("the next trace is %+v, want %+v", got, want)
	}
}

func TestTraceNumbersGoRound(t *testing.T) {
	gateway := stationtest.Serve(t, silent)
	s, err := station.Dial(t.Context(), gateway.Options(bytes.NewReader([]byte{0, 0x0F, 0x42, 0x3C}))) // 999996
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, want := range []string{"999999", "000001", "000002"} {
		if got := s.NextTrace().STAN; got != want {
			t.Errorf("the next trace number is %s, want %s", got, want)
		}
	}
}

func TestTheGatewayIsAway(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	o := stationtest.Serve(t, silent).Options(beginAt(0))
	o.Addr = l.Addr().String()
	_, err = station.Dial(t.Context(), o)
	wantError(t, err, o.Addr, "is `firsttap gateway` running?")
}

func TestTheSignOnIsRefused(t *testing.T) {
	tests := []struct {
		name   string
		script func(t *testing.T) stationtest.Script
		want   []string
	}{
		{"with a response", func(t *testing.T) stationtest.Script {
			return func(_ *specs.Message, typed messages.Message) *specs.Message {
				return stationtest.Encode(t, typed.(*messages.NetworkRequest).Answer(token.DoNotHonour))
			}
		}, []string{"refused the sign-on of wallet", "response 05", "100001"}},
		{"by a bare refusal", func(*testing.T) stationtest.Script {
			return func(raw *specs.Message, _ messages.Message) *specs.Message { return messages.Refusal(raw, "30") }
		}, []string{"30"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := station.Dial(t.Context(), stationtest.ServeAll(t, test.script(t)).Options(beginAt(0)))
			wantError(t, err, test.want...)
		})
	}
}

func TestTheDoorClosesAtTheSignOn(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_ = c.Close()
		}
	}()
	o := stationtest.Serve(t, silent).Options(beginAt(0))
	o.Addr = l.Addr().String()
	if _, err := station.Dial(t.Context(), o); err == nil {
		t.Error("a closed door is taken for a sign-on")
	}
}

func TestNoChanceNoSignOn(t *testing.T) {
	_, err := station.Dial(t.Context(), stationtest.Serve(t, silent).Options(bytes.NewReader([]byte{1, 2, 3})))
	wantError(t, err, "drawing the first trace number")
}

func TestAsk(t *testing.T) {
	echo := func(s *station.Station) *messages.NetworkRequest {
		next := s.NextTrace()
		return &messages.NetworkRequest{Transmitted: next.Transmitted, STAN: next.STAN, Code: messages.Echo}
	}
	t.Run("answered", func(t *testing.T) {
		s := dialled(t, stationtest.Serve(t, silent))
		typed, err := s.Ask(t.Context(), echo(s))
		if answer, ok := typed.(*messages.NetworkAnswer); err != nil || !ok || answer.Response != token.Approved {
			t.Errorf("the echo gives %v, %v", typed, err)
		}
	})
	t.Run("a question without its mandatory field", func(t *testing.T) {
		s := dialled(t, stationtest.Serve(t, silent))
		_, err := s.Ask(t.Context(), &messages.NetworkRequest{Code: messages.Echo})
		var field *messages.FieldError
		if !errors.As(err, &field) || field.Path != "7" {
			t.Errorf("the error is %v", err)
		}
	})
	t.Run("an answer without its mandatory fields", func(t *testing.T) {
		s := dialled(t, stationtest.Serve(t, func(raw *specs.Message, _ messages.Message) *specs.Message {
			answer := messages.Refusal(raw, string(token.Approved))
			answer.Delete(specs.P(63, 3))
			return answer
		}))
		_, err := s.Ask(t.Context(), notification(s))
		wantError(t, err, "0630 (39=00) cannot be read", "field 63.3")
	})
	t.Run("no answer", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		s := dialled(t, stationtest.Serve(t, func(*specs.Message, messages.Message) *specs.Message {
			cancel()
			return nil
		}))
		_, err := s.Ask(ctx, notification(s))
		wantError(t, err, "asking the gateway: no answer", "nothing was received")
	})
	t.Run("the answer to another question", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		gateway := stationtest.Serve(t, func(raw *specs.Message, _ messages.Message) *specs.Message {
			answer := messages.Refusal(raw, string(token.Approved))
			answer.Set(specs.P(11), "999999")
			return answer
		})
		o := gateway.Options(beginAt(0))
		o.Log = zerolog.New(hook(cancel)) // once it is logged, it is known
		s, err := station.Dial(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		_, err = s.Ask(ctx, notification(s))
		wantError(t, err, "asking the gateway: no answer", "one came that differs in field 11")
	})
	t.Run("closed", func(t *testing.T) {
		s := dialled(t, stationtest.Serve(t, silent))
		s.Close()
		if _, err := s.Ask(t.Context(), echo(s)); !errors.Is(err, link.ErrClosed) {
			t.Errorf("the error is %v", err)
		}
	})
}

// hook is called at each log line.
type hook func()

func (h hook) Write(line []byte) (int, error) {
	h()
	return len(line), nil
}

func notification(s *station.Station) *messages.Notification {
	return &messages.Notification{
		PAN: card.MustPAN("4761739001010010"), Trace: s.NextTrace(), TransactionID: "532612000123456", Reason: token.NoticeCreated,
		Token: messages.TokenData{
			Number: card.MustPAN("4895370012345671"), Requestor: "40010030273", Reference: "0123456789abcdef0123456789abcdef",
			Expiry: card.MustExpiry("2912"), Type: token.SecureElement, Status: token.Inactive,
		},
	}
}

func dialled(t *testing.T, gateway *stationtest.Gateway) *station.Station {
	t.Helper()
	s, err := station.Dial(t.Context(), gateway.Options(beginAt(0)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}
