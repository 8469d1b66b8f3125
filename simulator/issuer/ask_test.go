package issuer_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/internal/link"
	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/simulator/issuer"
	"github.com/firsttap/firsttap/simulator/site"
	"github.com/firsttap/firsttap/specs"
	"github.com/firsttap/firsttap/token"
)

const reference = "0123456789abcdef0123456789abcdef"

// network is a gateway that answers file updates: about the test's token, which
// it keeps, or with a decline.
type network struct {
	mu      sync.Mutex
	asked   []*messages.FileUpdate
	token   token.Token
	decline token.Response
}

func newNetwork(t *testing.T) *network {
	data := tokenData()
	return &network{token: token.Token{
		Number: data.Number, Reference: data.Reference, Requestor: data.Requestor, Expiry: data.Expiry, Type: data.Type,
		Status: token.Inactive, PAN: pan(t, good), PANExpiry: card.MustExpiry("2912"), TransactionID: activationID,
	}}
}

// statuses are the state that each wish leads to.
var statuses = map[token.NoticeReason]token.Status{
	token.NoticeSuspended: token.Suspended, token.NoticeResumed: token.Active, token.NoticeDeactivated: token.Deactivated,
	token.NoticeCallCentre: token.Active, token.NoticeIssuerApp: token.Active,
}

func (n *network) update(r *messages.FileUpdate) *messages.FileUpdateAnswer {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.asked = append(n.asked, r)
	if n.decline != "" {
		return r.Answer(token.Outcome{Response: n.decline, AnsweredBy: token.ByNetwork}, "", nil, false)
	}
	if status, ok := statuses[r.Reason]; ok {
		n.token.Status = status
	}
	if !r.PANExpiry.IsZero() {
		n.token.PANExpiry = r.PANExpiry
	}
	if !r.PAN.IsZero() {
		n.token.PAN, n.token.PANSequence = r.PAN, r.Sequence
	}
	return r.Answer(token.Outcome{Response: token.Approved, AnsweredBy: token.ByNetwork}, n.token.TransactionID, &n.token, true)
}

// handle is the network as the far end of a connection.
func (n *network) handle(t *testing.T) link.Handler {
	return func(_ context.Context, in link.Inbound) *specs.Message {
		typed, err := messages.Decode(in.Message)
		update, ok := typed.(*messages.FileUpdate)
		if err != nil || !ok {
			t.Errorf("the host sent %s: %v", in.Message.MTI(), err)
			return nil
		}
		return encoded(t, n.update(update))
	}
}

func encoded(t *testing.T, m messages.Message) *specs.Message {
	raw, err := messages.Encode(m)
	if err != nil {
		t.Error(err)
	}
	return raw
}

// answeringUpdates is an Ask without a wire, whose answer may be changed.
func answeringUpdates(t *testing.T, change func(*messages.FileUpdateAnswer)) func(context.Context, *specs.Message) (*specs.Message, error) {
	n := newNetwork(t)
	return func(_ context.Context, question *specs.Message) (*specs.Message, error) {
		typed, err := messages.Decode(question)
		if err != nil {
			t.Error(err)
		}
		answer := n.update(typed.(*messages.FileUpdate))
		if change != nil {
			change(answer)
		}
		return encoded(t, answer), nil
	}
}

func linked(t *testing.T, name string, handle link.Handler) link.Options {
	t.Helper()
	framing, err := specs.FramingByName(specs.FramingVAP)
	if err != nil {
		t.Fatal(err)
	}
	return link.Options{
		Name: name, Codec: specs.VisaStyleCodec(), Framing: framing, Key: messages.Key, Handle: handle, Log: zerolog.Nop(),
	}
}

// connect lets the network dial the host, whose Ask is that connection from then
// on. The test's connection is the network's end.
func connect(t *testing.T, h *issuer.Host, n *network) *link.Conn {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	pool := link.NewPool("gateway", true)
	h.Ask = pool.Ask
	door := linked(t, "host", h.Handle)
	door.Pool = pool
	ctx, cancel := context.WithCancel(context.Background())
	var serving sync.WaitGroup
	serving.Go(func() { _ = link.Serve(ctx, l, door) })
	t.Cleanup(func() { cancel(); serving.Wait() })
	conn, err := link.Dial(ctx, l.Addr().String(), nil, linked(t, "network", n.handle(t)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	return conn
}

// askOver asks the host on the network's connection.
func askOver(t *testing.T, conn *link.Conn, question messages.Message) messages.Message {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	raw, err := conn.Ask(ctx, encoded(t, question))
	if err != nil {
		t.Fatal(err)
	}
	typed, err := messages.Decode(raw)
	if err != nil {
		t.Fatal(err)
	}
	return typed
}

func signOn(t *testing.T, conn *link.Conn) {
	t.Helper()
	manage(t, conn, messages.SignOn)
}

func manage(t *testing.T, conn *link.Conn, code messages.NetworkCode) {
	t.Helper()
	answer, ok := askOver(t, conn, &messages.NetworkRequest{Transmitted: "1122121700", STAN: "000001", Code: code}).(*messages.NetworkAnswer)
	if !ok || answer.Response != token.Approved {
		t.Fatalf("network code %s is answered by %+v", code, answer)
	}
}

// Both ends ask on one connection that the network dialled: the whole family
// goes over it.
func TestTheFamilyOverOneConnection(t *testing.T) {
	h, n := newHost(t), newNetwork(t)
	h.Follow(issuer.Persona{Decides: issuer.Yellow, Method: token.ByCallCentre})
	conn := connect(t, h, n)
	if _, err := h.Inquire(t.Context(), reference); !errors.Is(err, link.ErrDown) {
		t.Errorf("before the network has signed on: %v", err)
	}
	signOn(t, conn)

	granted := askOver(t, conn, activation(pan(t, good), "2912", dcvv2.Match)).(*messages.ActivationAnswer)
	if granted.Outcome.Response != token.StepUp || granted.Method != token.ByCallCentre {
		t.Errorf("the activation is answered by %+v", granted)
	}
	askOver(t, conn, notice(t, token.NoticeCreated, token.Inactive, nil))
	reply, err := h.Activate(t.Context(), reference, token.ByCallCentre)
	if err != nil || !reply.Done() || reply.Record.Status != token.Active || known(t, h).Status != token.Active {
		t.Errorf("activating gave %+v, %v", reply, err)
	}
	payment := remote(t, func(r *messages.RemoteRequest) { r.TransactionID = transactionID(1) })
	if paid := askOver(t, conn, payment).(*messages.RemoteAnswer); paid.Outcome.Response != token.Approved {
		t.Errorf("the payment is answered by %+v", paid)
	}
	undo := reversal(t, 100, func(r *messages.Reversal) { r.TransactionID, r.Advice, r.STAN = transactionID(1), true, "000200" })
	if undone := askOver(t, conn, undo).(*messages.ReversalAnswer); undone.Response != token.Approved {
		t.Errorf("the reversal is answered by %+v", undone)
	}
	wantHeld(t, h, 5000)

	manage(t, conn, messages.Echo)
	if _, err := h.Inquire(t.Context(), reference); err != nil {
		t.Errorf("after an echo: %v", err)
	}
	manage(t, conn, messages.SignOff)
	if _, err := h.Inquire(t.Context(), reference); !errors.Is(err, link.ErrDown) {
		t.Errorf("after the network has signed off: %v", err)
	}
}

// steps are all that the host can ask, with what the question must say.
var steps = []struct {
	name  string
	ask   func(context.Context, *issuer.Host) (site.Reply, error)
	want  messages.FileUpdate
	after token.Status
}{
	{
		"suspend", func(ctx context.Context, h *issuer.Host) (site.Reply, error) { return h.Suspend(ctx, reference) },
		messages.FileUpdate{Action: messages.FileChange, Reason: token.NoticeSuspended},
		token.Suspended,
	},
	{
		"resume", func(ctx context.Context, h *issuer.Host) (site.Reply, error) { return h.Resume(ctx, reference) },
		messages.FileUpdate{Action: messages.FileChange, Reason: token.NoticeResumed},
		token.Active,
	},
	{"call centre", func(ctx context.Context, h *issuer.Host) (site.Reply, error) {
		return h.Activate(ctx, reference, token.ByCallCentre)
	}, messages.FileUpdate{Action: messages.FileChange, Reason: token.NoticeCallCentre}, token.Active},
	{"app", func(ctx context.Context, h *issuer.Host) (site.Reply, error) {
		return h.Activate(ctx, reference, token.ByIssuerApp)
	}, messages.FileUpdate{Action: messages.FileChange, Reason: token.NoticeIssuerApp}, token.Active},
	{"expiry", func(ctx context.Context, h *issuer.Host) (site.Reply, error) {
		return h.UpdateExpiry(ctx, reference, card.MustExpiry("3012"))
	}, messages.FileUpdate{Action: messages.FileChange, Reason: token.NoticeExpiry, PANExpiry: card.MustExpiry("3012")}, token.Inactive},
	{"replace", func(ctx context.Context, h *issuer.Host) (site.Reply, error) {
		return h.ReplacePAN(ctx, reference, card.MustPAN("4761739001010119"), 1, card.MustExpiry("3112"))
	}, messages.FileUpdate{
		Action: messages.FileChange, Reason: token.NoticeReplaced,
		PAN: card.MustPAN("4761739001010119"), Sequence: 1, PANExpiry: card.MustExpiry("3112"),
	}, token.Inactive},
	{
		"inquire", func(ctx context.Context, h *issuer.Host) (site.Reply, error) { return h.Inquire(ctx, reference) },
		messages.FileUpdate{Action: messages.FileInquiry},
		token.Inactive,
	},
	{
		"delete", func(ctx context.Context, h *issuer.Host) (site.Reply, error) { return h.Delete(ctx, reference) },
		messages.FileUpdate{Action: messages.FileChange, Reason: token.NoticeDeactivated},
		token.Deactivated,
	},
}

func TestStepsOfTheIssuer(t *testing.T) {
	for _, step := range steps {
		t.Run(step.name, func(t *testing.T) {
			h, n := newHost(t), newNetwork(t)
			signOn(t, connect(t, h, n))
			reply, err := step.ask(t.Context(), h)
			if err != nil || !reply.Done() || reply.Words() != "done" {
				t.Fatalf("the reply is %+v, %v", reply, err)
			}
			asked := *n.asked[0]
			if asked.STAN == "" || asked.RRN == "" || asked.Acquirer != issuer.DefaultInstitution {
				t.Errorf("the question's trace is %+v", asked.Trace)
			}
			asked.Trace = messages.Trace{}
			step.want.Reference = reference
			if asked != step.want {
				t.Errorf("the question is %+v", asked)
			}
			k := known(t, h)
			if k.Status != step.after || k != reply.Record || k.PAN != n.token.PAN || k.PANExpiry != n.token.PANExpiry {
				t.Errorf("the host knows %+v, the reply says %+v", k, reply.Record)
			}
		})
	}
}

// A decline of the network's is a reply in words, and changes nothing.
func TestDeclinesAreReplies(t *testing.T) {
	declines := []token.Response{
		token.InvalidTransaction, token.RecordNotFound, token.ClosedAccount, token.BadNumber, token.TriesExceeded,
		token.VerificationFailed, token.DuplicateTrace, token.Malfunction, token.IssuerUnavailable, token.FormatFault, token.DoNotHonour,
	}
	for _, decline := range declines {
		h, n := newHost(t), newNetwork(t)
		n.decline = decline
		signOn(t, connect(t, h, n))
		for _, step := range steps {
			reply, err := step.ask(t.Context(), h)
			if err != nil || reply.Done() || reply.Response != decline || reply.Record.Reference != "" {
				t.Errorf("%s declined with %s gave %+v, %v", step.name, decline, reply, err)
			}
			if words := reply.Words(); words == "" || strings.Contains(words, "response") {
				t.Errorf("%s has the words %q", decline, words)
			}
		}
		if _, ok := h.Book.Tokens().Find(reference); ok {
			t.Error("a decline made a token known")
		}
	}
	if words := (site.Reply{Response: "Z9"}).Words(); !strings.Contains(words, "Z9") {
		t.Errorf("an unknown response has the words %q", words)
	}
}

func TestWhatIsNoAnswer(t *testing.T) {
	notTheirs := func(a *messages.FileUpdateAnswer) { a.Token.Reference = strings.Repeat("f", 32) }
	otherKind := func(context.Context, *specs.Message) (*specs.Message, error) {
		return encoded(t, &messages.NetworkAnswer{
			NetworkRequest: messages.NetworkRequest{Transmitted: "1122121700", STAN: "000001", Code: messages.Echo}, Response: token.Approved,
		}), nil
	}
	unreadable := func(context.Context, *specs.Message) (*specs.Message, error) { return specs.NewMessage("0312"), nil }
	silent := func(ctx context.Context, _ *specs.Message) (*specs.Message, error) {
		_, bounded := ctx.Deadline()
		if !bounded {
			t.Error("the host waits without end")
		}
		return nil, link.ErrClosed
	}
	for name, ask := range map[string]func(context.Context, *specs.Message) (*specs.Message, error){
		"no connection": nil, "another token's": answeringUpdates(t, notTheirs), "another kind": otherKind,
		"unreadable": unreadable, "silence": silent,
	} {
		h := newHost(t)
		h.Ask = ask
		if reply, err := h.Suspend(t.Context(), reference); err == nil || reply.Response != "" {
			t.Errorf("%s gave %+v, %v", name, reply, err)
		}
	}
	h := newHost(t)
	h.Ask = answeringUpdates(t, nil)
	if _, err := h.UpdateExpiry(t.Context(), reference, card.Expiry{}); err == nil {
		t.Error("a question without its date was asked")
	}
	if _, err := newHost(t).Inquire(t.Context(), reference); !errors.Is(err, issuer.ErrNoConnection) {
		t.Errorf("without a connection: %v", err)
	}
}

func TestQuestionsHaveTracesOfTheirOwn(t *testing.T) {
	h, n := newHost(t), newNetwork(t)
	h.Random = strings.NewReader("\x00\x0f\x42\x3e") // 999 998
	h.Institution = "123456"
	h.Now = func() time.Time { return time.Date(2026, 11, 22, 12, 17, 0, 0, time.UTC) }
	signOn(t, connect(t, h, n))
	for range 3 {
		if _, err := h.Inquire(t.Context(), reference); err != nil {
			t.Fatal(err)
		}
	}
	for i, stan := range []string{"999999", "000001", "000002"} {
		got := n.asked[i].Trace
		if got.STAN != stan || got.Acquirer != "123456" || got.Transmitted != "1122121700" || got.RRN != "632612"+stan {
			t.Errorf("question %d has the trace %+v", i, got)
		}
	}
}

// A host that has too much to do, or is about to close, says so at once.
func TestWhatComesTooMuch(t *testing.T) {
	h := newHost(t)
	for _, in := range []link.Inbound{{Throttled: true}, {Draining: true}} {
		in.Message = encoded(t, tap(t, pan(t, good), 100, token.ARQCVerified))
		if answer := h.Handle(t.Context(), in); answer.Text(specs.P(39)) != string(token.IssuerUnavailable) {
			t.Errorf("the host answers %s", answer.Text(specs.P(39)))
		}
	}
	wantHeld(t, h, 5000)
}

// A host that dials the network signs on there and asks on the same line.
func TestAHostThatDials(t *testing.T) {
	h, n := newHost(t), newNetwork(t)
	signedOn := make(chan struct{}, 1)
	h.SignedOn = func() { signedOn <- struct{}{} }
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	updates := n.handle(t)
	door := linked(t, "network", func(ctx context.Context, in link.Inbound) *specs.Message {
		if typed, err := messages.Decode(in.Message); err == nil {
			if r, ok := typed.(*messages.NetworkRequest); ok {
				return encoded(t, r.Answer(token.Approved))
			}
		}
		return updates(ctx, in)
	})
	pool := link.NewPool("network", true, &link.Line{Addr: l.Addr().String(), Options: linked(t, "host", h.Handle), Up: h.SignOn})
	h.Ask = pool.Ask
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = link.Serve(ctx, l, door) })
	running.Go(func() { pool.Run(ctx) })
	t.Cleanup(func() { cancel(); running.Wait() })
	waiting, stop := context.WithTimeout(t.Context(), 10*time.Second)
	defer stop()
	if err := pool.WaitUp(waiting); err != nil {
		t.Fatal(err)
	}
	<-signedOn
	if reply, err := h.Suspend(waiting, reference); err != nil || reply.Record.Status != token.Suspended {
		t.Errorf("suspending gave %+v, %v", reply, err)
	}
}
