package gateway

import (
	"context"
	"errors"

	"github.com/firsttap/firsttap/gateway/stations"
	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/token"
	"github.com/firsttap/firsttap/vault"
)

// overtakenTries is how often a request is decided anew because another one
// changed what it is about in the same moment.
const overtakenTries = 5

var errOvertaken = errors.New("others changed the same token or transaction again and again")

// update serves a step in a token's life, or an inquiry (0302): facts, the
// core's decision, one claim that does it.
func (g *Gateway) update(ctx context.Context, from stations.Station, r *messages.FileUpdate, e *event) messages.Message {
	for range overtakenTries {
		t, err := g.tokenNamed(ctx, r)
		if err != nil {
			return g.updateFault(r, err, e)
		}
		granting := token.Grant(g.wishOf(from, r), t, g.Passcodes, g.Now())
		e.outcome, e.transaction = granting.Outcome(t), t.TransactionID
		if r.Action == messages.FileInquiry {
			return g.tell(from, r, t, e)
		}
		result, err := g.claimUpdate(ctx, from, r, granting, e)
		switch {
		case err != nil:
			return g.updateFault(r, err, e)
		case result.State == vault.Overtaken:
			continue
		case result.State == vault.Conflict:
			e.transaction, e.outcome = "", duplicateTrace
			return r.Answer(e.outcome, "", nil, false)
		case result.State == vault.Answered:
			e.note, e.transaction, e.outcome = "repeat of an answered request", result.Recorded.TransactionID, *result.Recorded.Outcome
			t = asTold(t, r, e.outcome)
		case granting.Change != nil:
			t = result.Token
			g.notices.nudge()
		}
		return g.tell(from, r, t, e)
	}
	return g.updateFault(r, errOvertaken, e)
}

// tell answers a file update with the token as it is. Only issuers and
// operators are told the PAN.
func (g *Gateway) tell(from stations.Station, r *messages.FileUpdate, t token.Token, e *event) messages.Message {
	return r.Answer(e.outcome, e.transaction, &t, from.Role == stations.Issuer || from.Role == stations.Operator)
}

// asTold is a token as the first answer to a file update told of it, whatever
// became of it since. Only a PAN that r does not change itself is told as it is
// now: no outcome keeps one.
func asTold(t token.Token, r *messages.FileUpdate, o token.Outcome) token.Token {
	t.Status = o.Status
	switch r.Reason {
	case token.NoticeReplaced:
		t.PAN, t.PANExpiry = r.PAN, r.PANExpiry
	case token.NoticeExpiry:
		t.PANExpiry = r.PANExpiry
	}
	return t
}

// claimUpdate does what was granted, or records that it was not.
func (g *Gateway) claimUpdate(ctx context.Context, from stations.Station, r *messages.FileUpdate, granted token.Granting, e *event) (vault.ClaimResult, error) {
	c := vault.Claim{
		Key: requestKey(from.Name, vault.KindLifeCycle, r.Trace), Content: r.Content(), Kind: vault.KindLifeCycle,
		TransactionID: e.transaction, At: g.Now(), Change: granted.Change, Outcome: &e.outcome,
		Detail: "asked: " + string(r.Reason) + " by " + string(from.Role) + " " + from.Name,
	}
	if c.TransactionID == "" {
		var err error
		if c.TransactionID, err = g.transactionIDs.Next(); err != nil {
			return vault.ClaimResult{}, err
		}
	}
	return g.Store.Claim(ctx, c)
}

// tokenNamed finds the token that a file update is about, by whichever name it
// has; the zero token when there is none, or when its two names disagree.
func (g *Gateway) tokenNamed(ctx context.Context, r *messages.FileUpdate) (t token.Token, err error) {
	if r.Reference != "" {
		t, err = g.Store.TokenByReference(ctx, r.Reference)
	} else {
		t, err = g.Store.Token(ctx, r.Number)
	}
	switch {
	case errors.Is(err, vault.ErrNotFound):
		return token.Token{}, nil
	case err == nil && !r.Number.IsZero() && r.Number != t.Number:
		return token.Token{}, nil
	}
	return t, err
}

// parties says who a station is in a token's life.
var parties = map[stations.Role]token.Party{
	stations.Requestor: token.Requestor, stations.Provider: token.Requestor,
	stations.Issuer: token.Issuer, stations.Operator: token.Operator,
}

func (g *Gateway) wishOf(from stations.Station, r *messages.FileUpdate) token.Wish {
	w := token.Wish{
		By: parties[from.Role], Requestor: r.Requestor, Issuer: from.Name,
		Inquiry: r.Action == messages.FileInquiry, Reason: r.Reason,
		Code: r.Code, PAN: r.PAN, PANSequence: r.Sequence, PANExpiry: r.PANExpiry,
	}
	if from.RequestorID != "" {
		w.Requestor = from.RequestorID
	}
	if registration, ok := g.Registry.Find(r.PAN); ok {
		w.PANIssuer = registration.Issuer
	}
	return w
}

func (g *Gateway) updateFault(r *messages.FileUpdate, err error, e *event) messages.Message {
	e.err, e.outcome = err, malfunction
	return r.Answer(e.outcome, "", nil, false)
}
