package gateway

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/rs/zerolog"

	"github.com/firsttap/firsttap/gateway/stations"
	"github.com/firsttap/firsttap/internal/link"
	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/specs"
)

// Each reason for no answer is on one side: the issuer has seen the question, or
// it has not.
func TestWhatWasNotSent(t *testing.T) {
	for err, want := range map[error]bool{
		link.ErrDown: true, link.ErrBusy: true, link.ErrDuplicate: true, stations.ErrNoIssuer: true,
		link.ErrClosed: false, link.ErrRejected: false, context.DeadlineExceeded: false, nil: false,
	} {
		if got := notSent(err); got != want {
			t.Errorf("%v: %v", err, got)
		}
	}
}

// asked is how asking an issuer ends whose host is scripted, and what the observer
// hears of it.
func asked(t *testing.T, handle link.Handler, timeout bool) (ending Ending, err error) {
	t.Helper()
	framing, _ := specs.FramingByName(specs.FramingVAP)
	s := stations.Settings{
		Station: stations.Station{Name: "harbour", Role: stations.Issuer, Number: 1, Codec: specs.VisaStyleCodec(), Framing: framing},
		Listen:  "127.0.0.1:0",
	}
	g := &Gateway{Options: Options{IssuerTimeout: IssuerTimeoutDefault, Log: zerolog.Nop(), Asked: func(a Asked) {
		if ending != "" || a.Issuer != "harbour" || a.Took <= 0 {
			t.Errorf("heard of %+v", a)
		}
		ending = a.Ending
	}}}
	if timeout {
		g.IssuerTimeout = 1 // ns
	}
	g.stations = stations.New(stations.Options{Handle: func(context.Context, stations.Station, link.Inbound) *specs.Message { return nil }, Log: zerolog.Nop()})
	if err := g.stations.Apply(t.Context(), []stations.Settings{s}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		g.stations.Run(ctx)
	}()
	defer func() {
		cancel()
		<-done
	}()
	if handle != nil {
		c, err := link.Dial(ctx, g.stations.Address("harbour"), nil, link.Options{
			Codec: specs.VisaStyleCodec(), Framing: framing, Key: messages.Key, Log: zerolog.Nop(), Handle: handle,
		})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if err := g.stations.WaitUp(ctx); err != nil {
			t.Fatal(err)
		}
	}
	_, err = g.askTyped(t.Context(), "harbour", &messages.NetworkRequest{Transmitted: "1122123456", STAN: "000001", Code: messages.Echo})
	return ending, err
}

func TestHowAskingEnds(t *testing.T) {
	refuses := func(_ context.Context, in link.Inbound) *specs.Message { return messages.Refusal(in.Message, "91") }
	garbles := func(_ context.Context, in link.Inbound) *specs.Message {
		a := in.Message.Clone()
		a.SetMTI("0810") // without field 39
		return a
	}
	if ending, err := asked(t, nil, false); !errors.Is(err, link.ErrDown) || errors.Is(err, errSilent) || ending != EndNotSent {
		t.Errorf("nobody is connected: %v, %s", err, ending)
	}
	if ending, err := asked(t, func(context.Context, link.Inbound) *specs.Message { return nil }, true); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, link.ErrDown) || ending != EndTimeout {
		t.Errorf("no answer in time: %v, %s", err, ending)
	}
	if ending, err := asked(t, garbles, false); !errors.Is(err, errSilent) || ending != EndUnread {
		t.Errorf("an answer that cannot be read: %v, %s", err, ending)
	}
	if ending, err := asked(t, refuses, false); err != nil || ending != EndAnswered {
		t.Errorf("an answer: %v, %s", err, ending)
	}
}

func TestEndings(t *testing.T) {
	for _, c := range []struct {
		err  error
		want Ending
	}{
		{nil, EndAnswered},
		{link.ErrDown, EndNotSent},
		{link.ErrBusy, EndNotSent},
		{stations.ErrNoIssuer, EndNotSent},
		{errors.New("the question cannot be encoded"), EndNotSent},
		{fmt.Errorf("%w: %w", errSilent, context.DeadlineExceeded), EndTimeout},
		{fmt.Errorf("%w: %w", errSilent, context.Canceled), EndClosed},
		{fmt.Errorf("%w: %w", errSilent, link.ErrClosed), EndClosed},
		{fmt.Errorf("%w: %w", errSilent, link.ErrRejected), EndRejected},
		{fmt.Errorf("%w: %w", errSilent, errors.New("bytes are left over")), EndUnread},
	} {
		if got := endingOf(c.err); got != c.want {
			t.Errorf("%v ends as %s, not as %s", c.err, got, c.want)
		}
	}
}
