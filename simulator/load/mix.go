package load

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Kind is a kind of request.
type Kind string

// Kinds of requests.
const (
	Echo       Kind = "echo"       // network management, 0800
	Activation Kind = "activation" // of a token with a dynamic CVV2, 0100
	Tap        Kind = "tap"        // a payment with a token's cryptogram, 0100
	Verify     Kind = "verify"     // account verification with a code, 0100 with 25 = 51
)

// Kinds lists the kinds.
func Kinds() []Kind { return []Kind{Echo, Activation, Tap, Verify} }

// WeightMax is the largest weight of a kind in a mix (ours): parts of a
// thousand are as fine as anybody counts.
const WeightMax = 1000

// Part is a kind with its weight in a mix, 1 to WeightMax.
type Part struct {
	Kind   Kind
	Weight int
}

// Mix is which kinds of requests there are, and how many beside each other.
type Mix []Part

// ParseMix reads "activation=70,tap=30", or "echo" for one kind alone. The
// error wraps ErrPlan.
func ParseMix(s string) (Mix, error) {
	var m Mix
	for part := range strings.SplitSeq(s, ",") {
		name, digits, weighted := strings.Cut(strings.TrimSpace(part), "=")
		weight := 1
		if weighted {
			var err error
			if weight, err = strconv.Atoi(digits); err != nil {
				return nil, fmt.Errorf("%w: a mix is written like activation=70,tap=30, not %q", ErrPlan, s)
			}
		}
		m = append(m, Part{Kind(name), weight})
	}
	return m, m.check()
}

func (m Mix) check() error {
	if len(m) == 0 {
		return fmt.Errorf("%w: the mix has no kind", ErrPlan)
	}
	for i, p := range m {
		switch {
		case !slices.Contains(Kinds(), p.Kind):
			return fmt.Errorf("%w: there is no kind %q; kinds: %v", ErrPlan, p.Kind, Kinds())
		case p.Weight < 1 || p.Weight > WeightMax:
			return fmt.Errorf("%w: the weight of %s is 1 to %d, not %d", ErrPlan, p.Kind, WeightMax, p.Weight)
		case m[:i].Has(p.Kind):
			return fmt.Errorf("%w: the mix has %s twice", ErrPlan, p.Kind)
		}
	}
	return nil
}

// Has reports whether k is of the mix.
func (m Mix) Has(k Kind) bool {
	return slices.ContainsFunc(m, func(p Part) bool { return p.Kind == k })
}

// String is m as ParseMix reads it.
func (m Mix) String() string {
	parts := make([]string, len(m))
	for i, p := range m {
		parts[i] = fmt.Sprintf("%s=%d", p.Kind, p.Weight)
	}
	return strings.Join(parts, ",")
}

// At is the kind of the request of this number. Kinds come in no pattern, and
// the same under the same seed.
func (m Mix) At(seed, n uint64) Kind {
	total := 0
	for _, p := range m {
		total += p.Weight
	}
	at := int(scatter(seed^scatter(n)) % uint64(total))
	for _, p := range m {
		if at -= p.Weight; at < 0 {
			return p.Kind
		}
	}
	return m[0].Kind
}

// scatter is the finalizer of SplitMix64 (Steele, Lea, Flood 2014).
func scatter(x uint64) uint64 {
	x += 0x9E3779B97F4A7C15
	x = (x ^ x>>30) * 0xBF58476D1CE4E5B9
	x = (x ^ x>>27) * 0x94D049BB133111EB
	return x ^ x>>31
}
