package link

import (
	"fmt"
	"math/bits"
	"strings"
	"time"

	"github.com/firsttap/firsttap/specs"
)

// Reasons for a question without an answer, beside WhyDiffers and
// WhyUndecodable.
const (
	WhyNothing Why = "nothing received" // no message came since it was sent
	WhyOthers  Why = "others received"  // messages came, but none that is like its answer
)

// Unanswered is Ask's error when a question was sent and its wait ended without
// an answer: it says what came in the answer's place. It wraps the error of the
// context that ended the wait, and the Fault.
type Unanswered struct {
	Why      Why           // WhyNothing, WhyOthers, WhyDiffers or WhyUndecodable
	After    time.Duration // since the question was sent
	Received int           // messages of any kind that came meanwhile; keep-alives do not count

	Fields []string           // WhyDiffers: where the answer that came is not the question's
	Fault  *specs.FormatError // WhyUndecodable: byte and field of the answer that came
	Cause  error              // why the wait ended; nil when an undecodable answer ended it
}

// Error is one line, such as "no answer after 2s: one came that differs in field
// 11: context deadline exceeded".
func (u *Unanswered) Error() string {
	line := fmt.Sprintf("no answer after %v: %s", u.After.Round(time.Millisecond), u.came())
	if u.Cause != nil {
		line += ": " + u.Cause.Error()
	}
	return line
}

func (u *Unanswered) came() string {
	switch u.Why {
	case WhyUndecodable:
		return "one came that cannot be decoded, " + u.Fault.Error()
	case WhyDiffers:
		return "one came that differs in " + strings.Join(u.Fields, ", ")
	case WhyOthers:
		return fmt.Sprintf("other messages received meanwhile: %d", u.Received)
	default:
		return "nothing was received meanwhile"
	}
}

// Brief is Why and what belongs to it, such as "nothing received in 2s" or
// "differs in field 41".
func (u *Unanswered) Brief() string {
	switch u.Why {
	case WhyUndecodable:
		return fmt.Sprintf("%s in field %s at byte %d", u.Why, u.Fault.Path, u.Fault.Offset)
	case WhyDiffers:
		return fmt.Sprintf("%s in %s", u.Why, strings.Join(u.Fields, ", "))
	case WhyOthers:
		return fmt.Sprintf("%s in %v: %d", u.Why, u.After.Round(time.Millisecond), u.Received)
	default:
		return fmt.Sprintf("%s in %v", u.Why, u.After.Round(time.Millisecond))
	}
}

// Unwrap gives the cause and the fault.
func (u *Unanswered) Unwrap() (list []error) {
	if u.Cause != nil {
		list = append(list, u.Cause)
	}
	if u.Fault != nil {
		list = append(list, u.Fault)
	}
	return list
}

// sending is when a question was sent, and how many messages had come by then.
type sending struct {
	at       time.Time
	received uint64
}

func (c *Conn) sends() sending { return sending{time.Now(), c.received.Load()} }

// told is the error that a question got in place of an answer. A fault of the
// answer's form is told as what it is: no answer.
func (c *Conn) told(s sending, err error) error {
	if fault, ok := err.(*specs.FormatError); ok {
		return c.unanswered(s, hint{why: WhyUndecodable, fault: fault}, nil)
	}
	return err
}

// unanswered says with what the wait for a question ended: with cause, or with
// an answer that cannot be decoded.
func (c *Conn) unanswered(s sending, h hint, cause error) *Unanswered {
	u := &Unanswered{
		Why: h.why, After: time.Since(s.at), Received: int(c.received.Load() - s.received),
		Fields: h.fields, Fault: h.fault, Cause: cause,
	}
	switch {
	case u.Why != "":
	case u.Received == 0:
		u.Why = WhyNothing
	default:
		u.Why = WhyOthers
	}
	return u
}

// hint is what came that may have been meant as the answer to a question.
type hint struct {
	why    Why // WhyDiffers, WhyUndecodable, or "" for nothing
	unlike int // parts of the key that differ, or could not be read
	fields []string
	fault  *specs.FormatError
}

// note keeps a hint for a question that waits, unless it has one that is more
// like it. The lock is held.
func (p *pending) note(key string, h hint) {
	if before, ok := p.hints[key]; ok && before.unlike < h.unlike {
		return
	}
	if p.hints == nil {
		p.hints = make(map[string]hint)
	}
	p.hints[key] = h
}

// garbled notes an answer that cannot be decoded at every question that differs
// in no part of the key but those that could not be read.
func (p *pending) garbled(key string, names []string, fault *specs.FormatError) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for other := range p.byKey {
		if differ, unread := compare(key, other, len(names)); differ.count() == unread {
			p.note(other, hint{why: WhyUndecodable, unlike: unread, fault: fault})
		}
	}
}

// nearest names the fields in which a key differs from the question that
// differs least from it, in less than half of them, and notes that there. A key
// without names for its parts is near to none. The lock is held.
func (p *pending) nearest(key string, names []string) []string {
	fewest, near := (len(names)+1)/2, make(map[string]parts)
	for other := range p.byKey {
		differ, _ := compare(key, other, len(names))
		if n := differ.count(); n < fewest {
			fewest = n
			clear(near)
		} else if n > fewest || len(near) == 0 {
			continue
		}
		near[other] = differ
	}
	var least parts
	for other, differ := range near {
		p.note(other, hint{why: WhyDiffers, unlike: fewest, fields: differ.named(names)})
		if least == 0 || differ < least {
			least = differ
		}
	}
	return least.named(names)
}

// parts are some of a key, a bit for each.
type parts uint64

func (p parts) count() int { return bits.OnesCount64(uint64(p)) }

// named lists the names of the parts.
func (p parts) named(names []string) (list []string) {
	for i, name := range names {
		if p&(1<<i) != 0 {
			list = append(list, name)
		}
	}
	return list
}

// compare gives the parts, of n, in which a key differs from another, and how
// many of these are empty in it. A key of more or fewer parts differs in all,
// as if none could be read.
func compare(key, other string, n int) (differ parts, unread int) {
	if n == 0 || strings.Count(key, "/")+1 != n || strings.Count(other, "/")+1 != n {
		return 1<<n - 1, n
	}
	for i := range n {
		var part, its string
		part, key, _ = strings.Cut(key, "/")
		its, other, _ = strings.Cut(other, "/")
		if part == its {
			continue
		}
		differ |= 1 << i
		if part == "" {
			unread++
		}
	}
	return differ, unread
}
