package vault

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/firsttap/firsttap/card"
)

// questionRecord is a question as stores keep it. The names are part of the
// stored form: add to them, never rename.
type questionRecord struct {
	Issuer      string        `json:"issuer"`
	PANRef      string        `json:"pan_ref"`
	PANSealed   []byte        `json:"pan_sealed"`
	Reference   string        `json:"reference,omitempty"`
	Sequence    card.Sequence `json:"sequence"`
	Expiry      string        `json:"expiry,omitempty"` // YYMM
	Amount      uint64        `json:"amount"`
	Currency    string        `json:"currency,omitempty"`
	Category    string        `json:"category,omitempty"`
	EntryMode   string        `json:"entry_mode,omitempty"`
	Condition   string        `json:"condition,omitempty"`
	STAN        string        `json:"stan,omitempty"`
	Transmitted string        `json:"transmitted,omitempty"`
	RRN         string        `json:"rrn,omitempty"`
	Acquirer    string        `json:"acquirer,omitempty"`
	Terminal    string        `json:"terminal,omitempty"`
	Acceptor    string        `json:"acceptor,omitempty"`
}

// adviceRecord is an advice as stores keep it, with the same rule.
type adviceRecord struct {
	Kind          string          `json:"kind"`
	About         string          `json:"about"`
	TransactionID string          `json:"transaction_id"`
	Question      questionRecord  `json:"question"`
	Outcome       json.RawMessage `json:"outcome"`
}

// EncodeQuestion gives a question as JSON for storage, its PAN sealed.
func EncodeQuestion(c *Cipher, q Question) ([]byte, error) {
	b, err := json.Marshal(recordQuestion(c, q))
	if err != nil {
		return nil, fmt.Errorf("encoding a question: %w", err)
	}
	return b, nil
}

// DecodeQuestion reads what EncodeQuestion wrote under the same cipher. A PAN
// that does not open gives ErrSealed.
func DecodeQuestion(c *Cipher, b []byte) (Question, error) {
	var r questionRecord
	err := json.Unmarshal(b, &r)
	if err != nil {
		return Question{}, fmt.Errorf("decoding a stored question: %w", err)
	}
	q, err := r.question(c)
	if err != nil {
		return Question{}, fmt.Errorf("decoding a stored question: %w", err)
	}
	return q, nil
}

func recordQuestion(c *Cipher, q Question) questionRecord {
	r := questionRecord{
		Issuer: q.Issuer, PANRef: c.Reference(q.PAN), PANSealed: c.Seal(q.PAN), Reference: q.Reference, Sequence: q.Sequence,
		Amount: q.Amount, Currency: q.Currency, Category: q.Category, EntryMode: q.EntryMode, Condition: q.Condition,
		STAN: q.STAN, Transmitted: q.Transmitted, RRN: q.RRN, Acquirer: q.Acquirer, Terminal: q.Terminal, Acceptor: q.Acceptor,
	}
	if !q.Expiry.IsZero() {
		r.Expiry = q.Expiry.YYMM()
	}
	return r
}

func (r questionRecord) question(c *Cipher) (Question, error) {
	q := Question{
		Issuer: r.Issuer, Reference: r.Reference, Sequence: r.Sequence,
		Amount: r.Amount, Currency: r.Currency, Category: r.Category, EntryMode: r.EntryMode, Condition: r.Condition,
		STAN: r.STAN, Transmitted: r.Transmitted, RRN: r.RRN, Acquirer: r.Acquirer, Terminal: r.Terminal, Acceptor: r.Acceptor,
	}
	var fault, expiry error
	q.PAN, fault = c.Unseal(r.PANRef, r.PANSealed)
	if r.Expiry != "" {
		q.Expiry, expiry = card.ParseExpiry(r.Expiry)
	}
	if err := errors.Join(fault, expiry); err != nil {
		return Question{}, err
	}
	return q, nil
}

// EncodeAdvice gives an advice as JSON for storage, its PAN sealed.
func EncodeAdvice(c *Cipher, a Advice) ([]byte, error) {
	outcome, err := EncodeOutcome(a.Outcome)
	if err != nil {
		return nil, err
	}
	b, err := json.Marshal(adviceRecord{
		Kind: string(a.Kind), About: string(a.About), TransactionID: a.TransactionID,
		Question: recordQuestion(c, a.Question), Outcome: outcome,
	})
	if err != nil {
		return nil, fmt.Errorf("encoding an advice: %w", err)
	}
	return b, nil
}

// DecodeAdvice reads what EncodeAdvice wrote under the same cipher. A PAN that
// does not open gives ErrSealed.
func DecodeAdvice(c *Cipher, b []byte) (Advice, error) {
	var r adviceRecord
	if err := json.Unmarshal(b, &r); err != nil {
		return Advice{}, fmt.Errorf("decoding a stored advice: %w", err)
	}
	a := Advice{Kind: AdviceKind(r.Kind), About: Kind(r.About), TransactionID: r.TransactionID}
	var err error
	if a.Question, err = r.Question.question(c); err != nil {
		return Advice{}, fmt.Errorf("decoding a stored advice: %w", err)
	}
	if a.Outcome, err = DecodeOutcome(r.Outcome); err != nil {
		return Advice{}, err
	}
	return a, nil
}
