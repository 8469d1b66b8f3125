package load

import "time"

// Schedule says when each request is to start. It knows nothing of answers,
// which is what makes the load open. Make one with Plan.Schedule.
type Schedule struct {
	rate     int
	duration time.Duration
	steps    int
}

// Schedule is p's. One of rate max has no starts of its own: Total is 0.
func (p Plan) Schedule() Schedule { return Schedule{p.Rate, p.Duration, max(p.Steps, 1)} }

// Open reports whether the schedule says when requests start. Without a rate
// they start as answers come.
func (s Schedule) Open() bool { return s.rate > 0 }

// StepLength is how long each step lasts.
func (s Schedule) StepLength() time.Duration { return s.duration / time.Duration(s.steps) }

// RateAt is the rate of a step, counted from 0, in requests a second.
func (s Schedule) RateAt(step int) float64 {
	return float64(s.rate) * float64(step+1) / float64(s.steps)
}

// countOf is how many requests start in a step: none when it is too short.
func (s Schedule) countOf(step int) uint64 {
	return uint64(s.RateAt(step) * s.StepLength().Seconds())
}

// Total is how many requests start in all.
func (s Schedule) Total() (n uint64) {
	for step := range s.steps {
		n += s.countOf(step)
	}
	return n
}

// At is when the request of this number, counted from 0, is to start, after the
// beginning. ok is false from Total on.
func (s Schedule) At(n uint64) (start time.Duration, ok bool) {
	for step := range s.steps {
		count := s.countOf(step)
		if n < count {
			return time.Duration(step)*s.StepLength() + time.Duration(float64(n)/s.RateAt(step)*float64(time.Second)), true
		}
		n -= count
	}
	return 0, false
}

// StepOf is the step in which a time lies, the last for what is later.
func (s Schedule) StepOf(start time.Duration) int {
	return max(0, min(int(start/s.StepLength()), s.steps-1))
}
