package link

import (
	"strings"
	"time"

	"github.com/firsttap/firsttap/specs"
)

// Why is why nobody waits for an answer.
type Why string

// Reasons for an answer that nobody waits for.
const (
	WhyLate    Why = "late"       // its asker has given up
	WhyTwice   Why = "twice"      // its question was answered before
	WhyDiffers Why = "differs"    // a question waits that differs in some fields
	WhyUnknown Why = "unexpected" // no such question was asked, or long ago
)

// Unmatched is an answer that nobody waits for.
type Unmatched struct {
	Message *specs.Message
	Why     Why
	Late    time.Duration // WhyLate: after its asker gave up; WhyTwice: after the first
	Fields  []string      // WhyDiffers: names of the fields, as Options.KeyFields has them
}

// pastMax is how many questions that wait no more are remembered: those of some
// seconds under load, about 100 KiB (ours).
const pastMax = 1024

func (c *Conn) takeAnswer(m *specs.Message) {
	key := c.opts.Key(m)
	if c.pending.deliver(key, answer{message: m}) {
		return
	}
	found := c.pending.explain(key, c.opts.KeyFields)
	found.Message = m
	log := c.opts.Log.Warn().Str("station", c.opts.Name).Str("mti", m.MTI()).Str("why", string(found.Why))
	if found.Late > 0 {
		log = log.Dur("late_ms", found.Late)
	}
	if len(found.Fields) > 0 {
		log = log.Strs("differs_in", found.Fields)
	}
	log.Msg("nobody waits for this answer: it came late, twice, or its key differs")
	if c.opts.Unmatched != nil {
		c.opts.Unmatched(found)
	}
}

// explain finds out why nobody waits for a key.
func (p *pending) explain(key string, names []string) Unmatched {
	p.mu.Lock()
	defer p.mu.Unlock()
	if before, ok := p.past.find(key); ok {
		why := WhyLate
		if before.answered {
			why = WhyTwice
		}
		return Unmatched{Why: why, Late: time.Since(before.at)}
	}
	if fields := p.nearest(key, names); fields != nil {
		return Unmatched{Why: WhyDiffers, Fields: fields}
	}
	return Unmatched{Why: WhyUnknown}
}

// nearest names the fields in which a key differs from the question that
// differs least from it, in less than half of them. A key without names for its
// parts is near to none.
func (p *pending) nearest(key string, names []string) (fields []string) {
	parts := strings.Split(key, "/")
	if len(names) != len(parts) {
		return nil
	}
	fewest := (len(parts) + 1) / 2
	for other := range p.byKey {
		if differ := differing(parts, strings.Split(other, "/")); differ != nil && len(differ) < fewest {
			fewest, fields = len(differ), fieldNames(differ, names)
		}
	}
	return fields
}

func differing(a, b []string) (at []int) {
	if len(a) != len(b) {
		return nil
	}
	for i := range a {
		if a[i] != b[i] {
			at = append(at, i)
		}
	}
	return at
}

func fieldNames(at []int, names []string) (list []string) {
	for _, i := range at {
		list = append(list, names[i])
	}
	return list
}
