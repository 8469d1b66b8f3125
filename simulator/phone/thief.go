package phone

import (
	"bytes"
	"context"
	"slices"
	"sync"

	"github.com/firsttap/firsttap/card"
)

// Masquerade copies the phone so that the token that pays shows another
// token's number, sequence and expiry date, and signs with its own key all the
// same: what a thief can do who has a phone of his own and read another's.
// Without a token it gives ErrNotLoaded.
func (p *Phone) Masquerade(number card.PAN, sequence card.Sequence, expiry card.Expiry) (*Phone, error) {
	twin := p.Clone()
	if len(twin.tokens) == 0 {
		return nil, ErrNotLoaded
	}
	own := twin.tokens[twin.chosen]
	m := own.material
	m.Number, m.Sequence, m.Expiry, m.Discretionary = number, sequence, expiry, ""
	app, err := install(m)
	if err != nil {
		return nil, err
	}
	app.atc, app.lent = own.atc, own.lent
	twin.tokens[twin.chosen] = app
	return twin, nil
}

// RecordedMax is how many exchanges a Recorder keeps (ours): a tap has about
// five. What comes later passes and is not kept.
const RecordedMax = 32

// Recorder is a card between a card and a terminal that keeps what the card
// answers, as a thief does who holds a reader of his own to a phone.
type Recorder struct {
	card Card
	mu   sync.Mutex
	kept []recorded
}

type recorded struct {
	header [headerBytes]byte // class, instruction and parameters
	answer []byte
}

// Record makes a Recorder of c.
func Record(c Card) *Recorder { return &Recorder{card: c} }

// Transmit passes a command to the card and keeps the answer.
func (r *Recorder) Transmit(ctx context.Context, command []byte) ([]byte, error) {
	answer, err := r.card.Transmit(ctx, command)
	if err != nil || len(command) < headerBytes {
		return answer, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.kept) < RecordedMax {
		r.kept = append(r.kept, recorded{[headerBytes]byte(command), bytes.Clone(answer)})
	}
	return answer, nil
}

// Replayed is a card that gives the kept answers once more: to each command the
// first answer not yet given to one of the same class, instruction and
// parameters, whatever data come with it. What was not asked before is not
// there (6A82), but the issuer's answer is always accepted: such a card checks
// nothing. Every call begins anew.
func (r *Recorder) Replayed() Card {
	r.mu.Lock()
	defer r.mu.Unlock()
	return &player{left: slices.Clone(r.kept)}
}

type player struct {
	mu   sync.Mutex
	left []recorded
}

// Transmit gives a kept answer, unless ctx has ended.
func (p *player) Transmit(ctx context.Context, command []byte) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(command) < headerBytes {
		return statusWrongLength.append(nil), nil
	}
	if command[1] == insExternalAuthenticate {
		return statusOK.append(nil), nil
	}
	for i, kept := range p.left {
		if bytes.Equal(kept.header[:], command[:headerBytes]) {
			p.left = append(p.left[:i], p.left[i+1:]...)
			return bytes.Clone(kept.answer), nil
		}
	}
	return statusNotFound.append(nil), nil
}
