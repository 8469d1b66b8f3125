package link

import (
	"time"

	"github.com/firsttap/firsttap/specs"
)

// Why is why nobody waits for an answer, or why a question got none.
type Why string

// Reasons for an answer that nobody waits for.
const (
	WhyLate    Why = "late"       // its asker has given up
	WhyTwice   Why = "twice"      // its question was answered before
	WhyDiffers Why = "differs"    // a question waits that differs in some fields
	WhyUnknown Why = "unexpected" // no such question was asked, or long ago

	WhyUndecodable Why = "undecodable" // it is not of the form that was agreed
)

// Unmatched is an answer that nobody waits for, or that cannot be decoded.
type Unmatched struct {
	Message *specs.Message // with WhyUndecodable, what could be read
	Why     Why
	Late    time.Duration      // WhyLate: after its asker gave up; WhyTwice: after the first
	Fields  []string           // WhyDiffers: names of the fields, as Options.KeyFields has them
	Fault   *specs.FormatError // WhyUndecodable
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

// takeGarbled takes an answer that cannot be decoded. If its key could be read,
// its question waits no longer: what it was answered is not to be known.
func (c *Conn) takeGarbled(m *specs.Message, fault *specs.FormatError) {
	key := c.opts.Key(m)
	matched := c.pending.deliver(key, answer{err: fault})
	if !matched {
		c.pending.garbled(key, c.opts.KeyFields, fault)
	}
	c.opts.Log.Warn().Str("station", c.opts.Name).Str("mti", m.MTI()).Bool("matched", matched).Err(fault).
		Msg("an answer cannot be decoded")
	if c.opts.Unmatched != nil {
		c.opts.Unmatched(Unmatched{Message: m, Why: WhyUndecodable, Fault: fault})
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
