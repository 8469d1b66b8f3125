package link

import (
	"sync"
	"time"
)

// rate is a bucket that fills with a second's requests: a pause of a second
// allows a burst of as many. A nil rate allows everything.
type rate struct {
	perSecond float64
	mu        sync.Mutex
	left      float64
	filled    time.Time
}

func newRate(perSecond int) *rate {
	if perSecond <= 0 {
		return nil
	}
	return &rate{perSecond: float64(perSecond), left: float64(perSecond), filled: time.Now()}
}

// take takes one request out, and reports whether there was one.
func (r *rate) take() bool {
	if r == nil {
		return true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	r.left = min(r.perSecond, r.left+now.Sub(r.filled).Seconds()*r.perSecond)
	r.filled = now
	if r.left < 1 {
		return false
	}
	r.left--
	return true
}
