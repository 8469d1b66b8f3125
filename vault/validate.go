package vault

import (
	"fmt"
	"slices"

	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/emv"
	"github.com/firsttap/firsttap/token"
)

// Validate reports what is wrong with the claim's form, wrapping ErrClaim.
func (c Claim) Validate() error {
	switch {
	case c.Key == "" || len(c.Key) > KeyBytesMax:
		return fmt.Errorf("%w: its key has %d bytes, not 1 to %d", ErrClaim, len(c.Key), KeyBytesMax)
	case !slices.Contains(Kinds, c.Kind):
		return fmt.Errorf("%w: its kind is %q", ErrClaim, c.Kind)
	case len(c.Scopes) > ScopesMax:
		return fmt.Errorf("%w: it has %d scopes, more than %d", ErrClaim, len(c.Scopes), ScopesMax)
	case len(c.Detail) > DetailBytesMax:
		return fmt.Errorf("%w: its detail has %d bytes, more than %d", ErrClaim, len(c.Detail), DetailBytesMax)
	case c.PAN.IsZero() && (c.Failed || !c.Spend.IsZero() || c.Limits != dcvv2.Policy{}):
		return fmt.Errorf("%w: it counts an attempt and names no account", ErrClaim)
	case len(c.Reverses) > KeyBytesMax || c.Reverses == c.Key:
		return fmt.Errorf("%w: it reverses itself, or a key of more than %d bytes", ErrClaim, KeyBytesMax)
	}
	for _, check := range []func() error{
		func() error { return validateScopes(c.Scopes) },
		c.validateTap, c.validateChange, c.validateQuestions,
	} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

func (c Claim) validateTap() error {
	switch {
	case len(c.Mark) > MarkBytesMax:
		return fmt.Errorf("%w: its mark has %d bytes, more than %d", ErrClaim, len(c.Mark), MarkBytesMax)
	case len(c.Mark) > 0 && c.Reference == "":
		return fmt.Errorf("%w: it has a mark and names no token", ErrClaim)
	case c.LentKey == "":
		return nil
	case c.Reference == "":
		return fmt.Errorf("%w: it uses a lent key and names no token", ErrClaim)
	case !isIndex(c.LentKey):
		return fmt.Errorf("%w: its lent key is not an index of %d digits", ErrClaim, emv.IndexDigits)
	case c.LentUsesMax <= 0:
		return fmt.Errorf("%w: it uses a lent key, at most %d times", ErrClaim, c.LentUsesMax)
	}
	return nil
}

func isIndex(s string) bool {
	return len(s) == emv.IndexDigits && !slices.ContainsFunc([]byte(s), func(c byte) bool { return c < '0' || c > '9' })
}

func (c Claim) validateChange() error {
	if c.Change == nil {
		return nil
	}
	if c.Reference != "" && c.Reference != c.Change.Reference {
		return fmt.Errorf("%w: it raises the counter of one token and changes another", ErrClaim)
	}
	if err := ValidateChange(*c.Change); err != nil {
		return fmt.Errorf("%w: %w", ErrClaim, err)
	}
	return nil
}

func (c Claim) validateQuestions() error {
	if c.Question != nil {
		if err := c.Question.validate(); err != nil {
			return fmt.Errorf("%w: %w", ErrClaim, err)
		}
	}
	if err := validateAdvices(c.Advices); err != nil {
		return fmt.Errorf("%w: %w", ErrClaim, err)
	}
	return nil
}

func validateScopes(scopes []Scope) error {
	for i, s := range scopes {
		named := func(other Scope) bool { return other.Name == s.Name }
		switch {
		case s.Name == "" || len(s.Name) > KeyBytesMax:
			return fmt.Errorf("%w: the name of a scope has %d bytes, not 1 to %d", ErrClaim, len(s.Name), KeyBytesMax)
		case s.FailuresMax < 0 || s.AlarmAt < 0:
			return fmt.Errorf("%w: the scope %s has a limit below 0", ErrClaim, s.Name)
		case slices.ContainsFunc(scopes[:i], named):
			return fmt.Errorf("%w: it names the scope %s twice", ErrClaim, s.Name)
		}
	}
	return nil
}

// ValidateChange reports what is wrong with the form of a change, wrapping
// ErrChange: what no token could be stored with.
func ValidateChange(c token.Change) error {
	switch {
	case c.Reference == "":
		return fmt.Errorf("%w: it names no token", ErrChange)
	case !slices.Contains(token.Events, c.Event):
		return fmt.Errorf("%w: its event is %q", ErrChange, c.Event)
	case c.Event == token.ReplacePAN && c.PAN.IsZero():
		return fmt.Errorf("%w: the new PAN is missing", ErrChange)
	case (c.Event == token.ReplacePAN || c.Event == token.UpdateExpiry) && c.PANExpiry.IsZero():
		return fmt.Errorf("%w: the new expiry date is missing", ErrChange)
	}
	return nil
}

// Validate reports what is wrong with the conclusion's advices, wrapping
// ErrAdvice.
func (c Conclusion) Validate() error { return validateAdvices(c.Advices) }

func validateAdvices(list []Advice) error {
	if len(list) > AdvicesMax {
		return fmt.Errorf("%w: there are %d, more than %d", ErrAdvice, len(list), AdvicesMax)
	}
	for _, a := range list {
		switch {
		case a.TransactionID == "":
			return fmt.Errorf("%w: it names no transaction", ErrAdvice)
		case a.Kind != AdviceStandIn && a.Kind != AdviceReversal:
			return fmt.Errorf("%w: its kind is %q", ErrAdvice, a.Kind)
		case a.About != KindActivation && a.About != KindTap && a.About != KindOnline:
			return fmt.Errorf("%w: it is about a transaction of kind %q", ErrAdvice, a.About)
		}
		if err := a.Question.validate(); err != nil {
			return err
		}
	}
	return nil
}

func (q Question) validate() error {
	if q.Issuer == "" || q.PAN.IsZero() {
		return fmt.Errorf("%w: its question has no issuer or no PAN", ErrAdvice)
	}
	return nil
}
