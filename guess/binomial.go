package guess

import "math"

const (
	// chanceOfFault is that of one comparison to fail although measurement
	// and theory agree. A run makes about a hundred, so it fails wrongly less
	// than once in ten thousand times (ours).
	chanceOfFault = 1e-6
	// chanceOutsideBar is that of the bars in the picture not to reach their
	// line: one in twenty, as is usual.
	chanceOutsideBar = 0.05
)

// Interval is where a chance lies, given what was counted.
type Interval struct {
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// Holds reports whether a chance lies in the interval.
func (i Interval) Holds(p float64) bool { return i.Low <= p && p <= i.High }

// Binomial is the exact interval (Clopper and Pearson, 1934) of the chance
// behind hits among tries: a true chance lies outside with at most outside.
// It holds for few tries and rare hits too, where approximations do not.
func Binomial(hits, tries int, outside float64) Interval {
	i := Interval{Low: 0, High: 1}
	if hits > 0 {
		i.Low = bisect(func(p float64) bool { return 1-atMost(hits-1, tries, p) < outside/2 })
	}
	if hits < tries {
		i.High = bisect(func(p float64) bool { return atMost(hits, tries, p) > outside/2 })
	}
	return i
}

// bisect finds where below, which holds for small p, ceases to.
func bisect(below func(p float64) bool) float64 {
	low, high := 0.0, 1.0
	for range 60 {
		if middle := (low + high) / 2; below(middle) {
			low = middle
		} else {
			high = middle
		}
	}
	return (low + high) / 2
}

// atMost is the chance of k hits or fewer among n tries of chance p.
func atMost(k, n int, p float64) float64 {
	switch {
	case p <= 0 || k >= n:
		return 1
	case p >= 1:
		return 0
	}
	sum, hit, miss := 0.0, math.Log(p), math.Log1p(-p)
	of := logFactorial(n)
	for i := 0; i <= k; i++ {
		sum += math.Exp(of - logFactorial(i) - logFactorial(n-i) + float64(i)*hit + float64(n-i)*miss)
	}
	return min(1, sum)
}

func logFactorial(n int) float64 {
	v, _ := math.Lgamma(float64(n) + 1)
	return v
}
