package messages

import (
	"fmt"
	"slices"
	"strings"
)

// Original names the request that a reversal undoes (field 90, ISO 8583:1987).
type Original struct {
	MTI         string // 0100, 0101 or 0120
	STAN        string // field 11 of it, 6 digits
	Transmitted string // field 7 of it, MMDDhhmmss
	Acquirer    string // field 32 of it, up to 11 digits, without leading zeros; "" is none
	Forwarder   string // institution that passed it on, likewise
}

// Originals lists the types that a reversal may be about.
var Originals = []string{"0100", "0101", "0120"}

// OriginalOf names a request of a type by its trace.
func OriginalOf(mti string, t Trace) Original {
	return Original{MTI: mti, STAN: t.STAN, Transmitted: t.Transmitted, Acquirer: strings.TrimLeft(t.Acquirer, "0")}
}

// Names reports whether o is the request of a trace: same trace number, time
// and acquirer.
func (o Original) Names(t Trace) bool {
	other := OriginalOf(o.MTI, t)
	return o.STAN == other.STAN && o.Transmitted == other.Transmitted && o.Acquirer == other.Acquirer
}

// Field 90 by position, in digits from 0. Institutions are right-justified
// behind zeros.
const (
	originalSTAN        = 4
	originalTransmitted = originalSTAN + 6
	originalAcquirer    = originalTransmitted + 10
	originalForwarder   = originalAcquirer + institutionDigits
	originalDigits      = originalForwarder + institutionDigits
	institutionDigits   = 11
)

func (o *Original) bind(b *binding, need presence) {
	value(b, fieldOriginal, o, need, readOriginal, showOriginal)
}

func readOriginal(s string) (Original, error) {
	if len(s) != originalDigits || strings.Trim(s, "0123456789") != "" {
		return Original{}, fmt.Errorf("must be %d digits", originalDigits)
	}
	if !slices.Contains(Originals, s[:originalSTAN]) {
		return Original{}, fmt.Errorf("must begin with one of %s", strings.Join(Originals, ", "))
	}
	return Original{
		MTI: s[:originalSTAN], STAN: s[originalSTAN:originalTransmitted], Transmitted: s[originalTransmitted:originalAcquirer],
		Acquirer:  strings.TrimLeft(s[originalAcquirer:originalForwarder], "0"),
		Forwarder: strings.TrimLeft(s[originalForwarder:], "0"),
	}, nil
}

func showOriginal(o Original) string {
	if o == (Original{}) {
		return ""
	}
	return o.MTI + o.STAN + o.Transmitted + justified(o.Acquirer) + justified(o.Forwarder)
}

func justified(institution string) string {
	return fmt.Sprintf("%0*s", institutionDigits, institution)
}
