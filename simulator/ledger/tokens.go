package ledger

import (
	"slices"
	"sync"
	"time"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/token"
)

// TokensMax is how many tokens a Register keeps: three for each card that a site
// can issue. The oldest gives way (ours).
const TokensMax = 30_000

// Token is what the issuer knows of one token of its cards: what the
// network's notices and answers say of it.
type Token struct {
	Reference     string       // 32 hexadecimal characters; safe to show
	Number        card.PAN     // prints masked
	PAN           card.PAN     // of the card that it stands for
	PANExpiry     card.Expiry  // as the network was last told, or zero
	TransactionID string       // 62.2 of its activation, 15 digits
	Requestor     string       // token requestor id, 11 digits
	Type          token.Type   // where it lives
	Device        token.Device // as the wallet described the phone; zero where nobody did
	Status        token.Status
	Method        token.Method       // how it gets active, while it is inactive; "" is open
	Notice        token.NoticeReason // the last one that came
	Result        string             // of provisioning or of a passcode, 123.01.0E; the last one that came

	// Passcode is for the cardholder's own page. It prints masked, and is zero
	// once the token is inactive no more.
	Passcode        token.ActivationCode
	PasscodeExpires time.Time
}

// Register is the issuer's list of its cards' tokens, by reference. Its methods
// may be called by many goroutines.
type Register struct {
	mu      sync.Mutex
	tokens  map[string]*Token
	inOrder []*Token // as they were first heard of
}

// NewRegister makes an empty register.
func NewRegister() *Register { return &Register{tokens: map[string]*Token{}} }

// Find looks a token up by its reference.
func (r *Register) Find(reference string) (Token, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if t, ok := r.tokens[reference]; ok {
		return *t, true
	}
	return Token{}, false
}

// Of lists the tokens of a card as they were first heard of.
func (r *Register) Of(pan card.PAN) []Token {
	r.mu.Lock()
	defer r.mu.Unlock()
	var list []Token
	for _, t := range r.inOrder {
		if t.PAN == pan {
			list = append(list, *t)
		}
	}
	return list
}

// Note takes over what is said of a token: each field of n that is not zero. What
// is said may come late, so a Status that the present one cannot lead to is left
// out, and so is another PAN than the known one, unless an answer says it or the
// notice of a replacement. Noting the same again changes nothing.
func (r *Register) Note(n Token) {
	r.mu.Lock()
	defer r.mu.Unlock()
	t, ok := r.tokens[n.Reference]
	if !ok {
		t = &Token{Reference: n.Reference, Status: token.Inactive}
		r.add(t)
	}
	t.take(n)
}

// add needs r.mu.
func (r *Register) add(t *Token) {
	if len(r.inOrder) >= TokensMax {
		delete(r.tokens, r.inOrder[0].Reference)
		r.inOrder = r.inOrder[1:]
	}
	r.tokens[t.Reference] = t
	r.inOrder = append(r.inOrder, t)
}

// Forget drops the token of an activation, whose 62.2 names it.
func (r *Register) Forget(transactionID string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.inOrder = slices.DeleteFunc(r.inOrder, func(t *Token) bool {
		if t.TransactionID != transactionID {
			return false
		}
		delete(r.tokens, t.Reference)
		return true
	})
}

func (t *Token) take(n Token) {
	takeValue(&t.Number, n.Number)
	if t.PAN.IsZero() || n.Notice == "" || n.Notice == token.NoticeReplaced {
		takeValue(&t.PAN, n.PAN)
	}
	takeValue(&t.PANExpiry, n.PANExpiry)
	takeValue(&t.TransactionID, n.TransactionID)
	takeValue(&t.Requestor, n.Requestor)
	takeValue(&t.Type, n.Type)
	takeValue(&t.Device, n.Device)
	takeValue(&t.Method, n.Method)
	takeValue(&t.Notice, n.Notice)
	takeValue(&t.Result, n.Result)
	if n.Status != "" && rank(n.Status) >= rank(t.Status) {
		t.Status = n.Status
	}
	if !n.Passcode.IsZero() && !n.PasscodeExpires.Before(t.PasscodeExpires) {
		if n.PasscodeExpires.After(t.PasscodeExpires) {
			t.Result = n.Result // what was said before is of an earlier passcode
		}
		t.Passcode, t.PasscodeExpires = n.Passcode, n.PasscodeExpires
	}
	if t.Status != token.Inactive {
		t.Passcode, t.PasscodeExpires = token.ActivationCode{}, time.Time{}
	}
}

func takeValue[T comparable](to *T, said T) {
	var nothing T
	if said != nothing {
		*to = said
	}
}

// rank orders states by what can follow: inactive never comes again, and
// nothing comes after deactivated. Active and suspended follow each other.
func rank(s token.Status) int {
	switch s {
	case token.Inactive:
		return 0
	case token.Deactivated:
		return 2
	default:
		return 1
	}
}
