package gateway

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/firsttap/firsttap/token"
	"github.com/firsttap/firsttap/vault"
)

// resolve ends what the last run claimed and did not conclude: no answer was
// given, so no token was made and the code may be used again. The issuer may
// have granted it: it is told that it is undone.
func (g *Gateway) resolve(ctx context.Context) error {
	unfinished, err := g.Store.Unfinished(ctx)
	if err != nil {
		return err
	}
	for _, t := range unfinished {
		if err := g.resolveOne(ctx, t); err != nil {
			return err
		}
		g.Log.Warn().Str("kind", string(t.Kind)).Str("transaction", t.TransactionID).Msg("resolved after a restart")
	}
	return nil
}

func (g *Gateway) resolveOne(ctx context.Context, t vault.Transaction) error {
	o := refusal(token.IssuerUnavailable, token.ReasonRestarted)
	c := vault.Conclusion{Key: t.Key, Outcome: o, Release: t.Kind == vault.KindActivation || t.Kind == vault.KindOnline, Undone: t.Reversed}
	move, err := token.ProgressOf(nil, t.Reversed).After(token.TurnRestarted)
	if err != nil {
		return err
	}
	if move.Undo && t.Question != nil {
		c.Advices = []vault.Advice{{
			Kind: vault.AdviceReversal, About: t.Kind, TransactionID: t.TransactionID, Question: *t.Question, Outcome: o,
		}}
	}
	return g.conclude(ctx, c)
}

// leave hands over a request that was claimed and answered as a fault, because
// its conclusion could not be stored: left so, its repeats would stay without
// an answer. Beyond leftMax they wait for the next start.
func (g *Gateway) leave(c vault.Conclusion) {
	select {
	case g.left <- c:
	default:
		g.Log.Error().Msg("too many requests without a conclusion: they are resolved at the next start")
	}
}

// concludeLeft records what leave was given as soon as the store lets it.
func (g *Gateway) concludeLeft(ctx context.Context) {
	look := time.NewTicker(leftLook)
	defer look.Stop()
	var waiting []vault.Conclusion
	for {
		next := g.left
		if len(waiting) >= leftMax {
			next = nil
		}
		select {
		case c := <-next:
			waiting = append(waiting, c)
		case <-look.C:
		case <-ctx.Done():
			return
		}
		waiting = slices.DeleteFunc(waiting, func(c vault.Conclusion) bool {
			err := g.conclude(ctx, c)
			if errors.Is(err, vault.ErrReversed) {
				c.Undone = true
				err = g.conclude(ctx, c)
			}
			return err == nil || errors.Is(err, vault.ErrNotFound) // not found: concluded after all
		})
	}
}
