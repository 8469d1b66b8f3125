package messages

import (
	"fmt"
	"hash/maphash"
	"time"

	"github.com/firsttap/firsttap/specs"
)

// Trace names a request and where it comes from. A repeat has the Trace of its
// original, and an answer that of its request.
type Trace struct {
	Transmitted string // field 7, MMDDhhmmss UTC
	STAN        string // field 11, systems trace audit number, 6 digits
	RRN         string // field 37, retrieval reference number, 12 characters
	Acquirer    string // field 32, institution that sends the request, up to 11 digits
	Terminal    string // field 41, 8 characters
	Acceptor    string // field 42, 15 characters
}

func (t *Trace) bind(b *binding, need presence) {
	b.text(fieldTransmitted, &t.Transmitted, need)
	b.text(fieldSTAN, &t.STAN, mandatory)
	b.text(fieldAcquirer, &t.Acquirer, need)
	b.text(fieldRRN, &t.RRN, need)
	b.text(fieldTerminal, &t.Terminal, optional)
	b.text(fieldAcceptor, &t.Acceptor, optional)
}

// TraceOf reads what it can of a message's trace, for the log.
func TraceOf(m *specs.Message) Trace {
	return Trace{
		Transmitted: m.Text(fieldTransmitted), STAN: m.Text(fieldSTAN), RRN: m.Text(fieldRRN),
		Acquirer: m.Text(fieldAcquirer), Terminal: m.Text(fieldTerminal), Acceptor: m.Text(fieldAcceptor),
	}
}

// Subject is a hash of the card or token number that a message is about (field
// 2), 0 for none: two with the same number have the same, for as long as the
// program runs.
func Subject(m *specs.Message) uint64 {
	number := m.Text(fieldPAN)
	if number == "" {
		return 0
	}
	return max(1, maphash.String(subjects, number))
}

var subjects = maphash.MakeSeed()

// Stamp formats a time for field 7.
func Stamp(t time.Time) string { return t.UTC().Format("0102150405") }

// RRN makes a retrieval reference number as ISO 8583:1987 acquirers do: the
// last digit of the year, the day of the year, the hour, and the trace number.
func RRN(t time.Time, stan string) string {
	t = t.UTC()
	return fmt.Sprintf("%d%03d%02d%06s", t.Year()%10, t.YearDay(), t.Hour(), stan)
}

// Local is the time at the place of the request.
type Local struct {
	Time string // field 12, hhmmss
	Date string // field 13, MMDD
}

// LocalAt formats a time for fields 12 and 13.
func LocalAt(t time.Time) Local { return Local{Time: t.Format("150405"), Date: t.Format("0102")} }

func (l *Local) bind(b *binding) {
	b.text(fieldLocalTime, &l.Time, optional)
	b.text(fieldLocalDate, &l.Date, optional)
}

// Place says who asks and in which circumstances.
type Place struct {
	Category  string // field 18, merchant category, 4 digits
	Country   string // field 19, ISO 3166 numeric, 3 digits
	EntryMode string // field 22, 4 digits
	Condition string // field 25, 2 digits
	Name      string // field 43, 40 characters; see NameAndPlace
	Currency  string // field 49, ISO 4217 numeric, 3 digits
}

func (p *Place) bind(b *binding) {
	b.text(fieldCategory, &p.Category, mandatory)
	b.text(fieldCountry, &p.Country, optional)
	b.text(fieldEntryMode, &p.EntryMode, mandatory)
	b.text(fieldCondition, &p.Condition, mandatory)
	b.text(fieldNameAndPlace, &p.Name, optional)
	b.text(fieldCurrency, &p.Currency, mandatory)
}

// Setting is what a reversal or an advice tells of its request's Place.
type Setting struct {
	Category  string // field 18, merchant category, 4 digits
	EntryMode string // field 22, 4 digits
	Condition string // field 25, 2 digits
	Currency  string // field 49, ISO 4217 numeric, 3 digits
}

// Setting is the part of p that a reversal or an advice tells.
func (p Place) Setting() Setting {
	return Setting{Category: p.Category, EntryMode: p.EntryMode, Condition: p.Condition, Currency: p.Currency}
}

func (s *Setting) bind(b *binding) {
	b.text(fieldCategory, &s.Category, optional)
	b.text(fieldEntryMode, &s.EntryMode, optional)
	b.text(fieldCondition, &s.Condition, optional)
	b.text(fieldCurrency, &s.Currency, mandatory)
}

// NameAndPlace is field 43: a name of 25 characters, a city of 13 and a country
// of 2 (ISO 3166 letters); what is longer is cut, what is shorter is filled.
func NameAndPlace(name, city, country string) string {
	return fmt.Sprintf("%-25.25s%-13.13s%-2.2s", name, city, country)
}
