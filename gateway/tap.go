package gateway

import (
	"context"
	"errors"
	"strconv"

	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/emv"
	"github.com/firsttap/firsttap/gateway/stations"
	"github.com/firsttap/firsttap/messages"
	"github.com/firsttap/firsttap/token"
	"github.com/firsttap/firsttap/vault"
)

// tap serves an authorization by token: facts, acceptance, claim, issuer,
// conclusion, answer. Like activate it gives no answer to a repeat of a
// request that is still under way.
func (g *Gateway) tap(ctx context.Context, from stations.Station, r *messages.TapRequest, e *event) messages.Message {
	r.Tap.Requestor, r.Tap.Merchant = r.Requestor, r.Acceptor
	facts, err := g.tokenFacts(ctx, r.Tap)
	if err != nil {
		return g.tapFault(r, err, e)
	}
	at := g.Now()
	found := token.Accept(r.Tap, facts, at)
	p := payment{
		facts: facts, amount: r.Tap.Amount,
		claim: vault.Claim{
			Key: requestKey(from.Name, vault.KindTap, r.Trace), Content: r.Content(), Kind: vault.KindTap, At: at,
			ATC: r.Tap.Chip.ATC, Mark: r.Mark(), Detail: paymentDetail(facts.Token, r.EntryMode, signedBy(r.Tap.Chip, facts.Token)),
		},
		question: g.questionAbout(r.Trace, r.Setting()),
		ask: func(ctx context.Context, asked vault.Question, id string, found token.Acceptance) token.IssuerAnswer {
			question := r.ForIssuer(id, messages.Additional{Authentication: found.Authentication}, facts.Token)
			return g.ask(ctx, asked, question, &question.Trace)
		},
	}
	state, err := g.pay(ctx, p, found, e)
	switch {
	case err != nil:
		return g.tapFault(r, err, e)
	case state == vault.Busy:
		return nil
	}
	return r.Answer(e.transaction, e.outcome, e.outcome.ARPC(r.Tap, facts.CardKey))
}

// payment is a payment by token, at a terminal or without one.
type payment struct {
	facts    token.TapFacts
	amount   uint64
	claim    vault.Claim    // but for what the acceptance says
	question vault.Question // but for the account
	ask      func(ctx context.Context, asked vault.Question, transactionID string, found token.Acceptance) token.IssuerAnswer
}

// pay claims a payment that was looked at, asks the issuer where that is to be
// asked, and concludes. The event gets the outcome and the transaction; the state
// is that of the claim.
func (g *Gateway) pay(ctx context.Context, p payment, found token.Acceptance, e *event) (vault.ClaimState, error) {
	var err error
	if p.claim.TransactionID, err = g.transactionIDs.Next(); err != nil {
		return "", err
	}
	e.transaction = p.claim.TransactionID
	p.account()
	found, result, err := g.claimPayment(ctx, &p, found)
	switch {
	case err != nil:
		return "", err
	case result.State == vault.Busy:
		e.note, e.transaction = "repeat of a request under way", result.Recorded.TransactionID
	case result.State == vault.Conflict:
		e.transaction, e.outcome = "", duplicateTrace
	case result.State == vault.Answered:
		e.note, e.transaction, e.outcome = "repeat of an answered request", result.Recorded.TransactionID, *result.Recorded.Outcome
	case !found.Ask():
		e.outcome = found.Declined(p.facts.Token)
	default:
		e.claimed()
		if e.outcome, err = g.authorize(ctx, p, found); err != nil {
			g.leave(failed(p.claim, malfunction))
		}
	}
	return result.State, err
}

// account puts the token's account into the question.
func (p *payment) account() {
	t := p.facts.Token
	p.question.Issuer, p.question.PAN, p.question.Sequence, p.question.Expiry = t.Issuer, t.PAN, t.PANSequence, t.PANExpiry
	p.question.Reference, p.question.Amount = t.Reference, p.amount
}

// claimPayment raises the token's counter for a payment that was accepted, or
// has the store say whether one with a counter that is too low came before.
// What the store finds against it is the new finding.
func (g *Gateway) claimPayment(ctx context.Context, p *payment, found token.Acceptance) (token.Acceptance, vault.ClaimResult, error) {
	c := &p.claim
	if found.Counts() {
		c.Reference, c.Question = p.facts.Token.Reference, &p.question
		c.LentKey, c.LentUsesMax = found.LentIndex, token.LentUsesMax
		if found.Authentication == token.NotAuthenticated { // of a token on file, which needs no cryptogram
			c.Reference, c.ATC, c.Mark = "", 0, nil
		}
		result, err := g.Store.Claim(ctx, *c)
		if err != nil {
			return found, result, err
		}
		switch {
		case result.State == vault.Stale && result.Replayed:
			found = token.Replayed()
		case result.State == vault.Stale:
			found = token.CounterRepeated()
		case result.State == vault.Unlent:
			found = token.KeyUnlent()
		case result.State == vault.Worn:
			found = token.KeyWorn()
		default:
			return found, result, nil
		}
	}
	declined := found.Declined(p.facts.Token)
	c.Outcome, c.Reference, c.Question, c.LentKey, c.Mark = &declined, "", nil, "", nil
	result, err := g.Store.Claim(ctx, *c)
	return found, result, err
}

// authorize asks the issuer and records its word, whether or not who asked is
// still there.
func (g *Gateway) authorize(ctx context.Context, p payment, found token.Acceptance) (o token.Outcome, err error) {
	defer g.survive(&err)
	ctx = context.WithoutCancel(ctx)
	answer := p.ask(ctx, p.question, p.claim.TransactionID, found)
	o = token.ConcludeTap(found, p.facts.Token, p.amount, answer, g.issuer(p.question.Issuer).StandIn)
	o = signed(o, p.claim.TransactionID)
	return g.concludePayment(ctx, p.claim, answer, o)
}

// concludePayment records the outcome of a payment, and that it is undone where
// that is what follows: where the issuer may have taken money that nobody gets,
// or the merchant has reversed the payment meanwhile.
func (g *Gateway) concludePayment(ctx context.Context, claim vault.Claim, answer token.IssuerAnswer, o token.Outcome) (token.Outcome, error) {
	turn := token.TurnOf(answer, o)
	move, err := token.Asked.After(turn)
	if err != nil {
		return o, err
	}
	c := g.conclusion(claim, o, move)
	c.Unanswered = answer.Why
	c.Succeeded = o.Approved() && o.CVV2 == dcvv2.Match
	err = g.conclude(ctx, c)
	if errors.Is(err, vault.ErrReversed) {
		o, _, err = g.undo(ctx, claim, o, turn)
	}
	if len(c.Advices) > 0 {
		g.notices.nudge()
	}
	return o, err
}

// signed gives an approval in the issuer's place an authorization: the end of
// its transaction identifier.
func signed(o token.Outcome, transactionID string) token.Outcome {
	if o.StandIn != "" && o.Approved() {
		o.AuthorizationID = transactionID[len(transactionID)-authorizationCharacters:]
	}
	return o
}

const authorizationCharacters = 6 // field 38

// tokenFacts reads all that a tap is held against.
func (g *Gateway) tokenFacts(ctx context.Context, t token.Tap) (token.TapFacts, error) {
	found, err := g.Store.Token(ctx, t.Number)
	if errors.Is(err, vault.ErrNotFound) {
		return token.TapFacts{}, nil
	}
	if err != nil {
		return token.TapFacts{}, err
	}
	return g.factsOf(ctx, found)
}

func (g *Gateway) factsOf(ctx context.Context, t token.Token) (token.TapFacts, error) {
	key, err := g.cardKey(t)
	return token.TapFacts{Token: t, CardKey: key, Others: func() []emv.Key { return g.otherKeys(ctx, t) }}, err
}

func (g *Gateway) cardKey(t token.Token) (emv.Key, error) {
	master, err := g.Keys.TokenMaster(t.KeyVersion)
	return emv.CardKey(master, t.Number, t.Sequence), err
}

// otherKeys are the card keys of the account's other tokens: they only say
// whose cryptogram a wrong one is, so what cannot be had is left out.
func (g *Gateway) otherKeys(ctx context.Context, t token.Token) []emv.Key {
	all, err := g.Store.TokensOf(ctx, t.PAN)
	if err != nil {
		g.Log.Warn().Err(err).Msg("cannot tell whose cryptogram it is")
		return nil
	}
	var others []emv.Key
	for _, other := range all {
		if key, err := g.cardKey(other); err == nil && other.Reference != t.Reference {
			others = append(others, key)
		}
	}
	return others
}

// paymentDetail tells the audit trail what was looked at. signed is what the
// cryptogram says.
func paymentDetail(of token.Token, entryMode, signed string) string {
	if of.Number.IsZero() {
		return ""
	}
	return "kind: " + string(of.Type) + ", " + of.Status.Word() + "; requestor: " + of.Requestor + "; entry: " + entryMode + "; signed: " + signed
}

// signedBy tells of a tap's cryptogram.
func signedBy(chip emv.Input, of token.Token) string {
	version, err := emv.VersionOf(chip.IAD)
	if err != nil {
		return "by no version that is known"
	}
	text := "by version " + strconv.Itoa(version.Number()) + ", counter " + strconv.Itoa(int(chip.ATC)) + " after " + strconv.Itoa(int(of.ATC))
	if index, err := emv.LimitedUseIndex(chip.IAD); err == nil {
		text += ", lent key " + index
	}
	return text
}

// malfunction is the outcome of a payment that could not be served.
var malfunction = refusal(token.Malfunction, token.ReasonNone)

func (g *Gateway) tapFault(r *messages.TapRequest, err error, e *event) messages.Message {
	e.err, e.outcome = err, malfunction
	return r.Answer("", e.outcome, emv.Cryptogram{})
}
