package config

// Limits bound what one client may ask of an HTTP door.
type Limits struct {
	RequestsPerSecond int `yaml:"requestsPerSecond"` // on average
	Burst             int `yaml:"burst"`             // at once after a pause
	InFlight          int `yaml:"inFlight"`          // under way at the same time
}

// limitMax is the largest of each limit: package api takes no larger one.
const limitMax = 100000

// DefaultLimits are those of package api.
func DefaultLimits() Limits { return Limits{RequestsPerSecond: 200, Burst: 400, InFlight: 32} }

func (l Limits) check(f *Faults) {
	checkWhole(f, "limits.requestsPerSecond", l.RequestsPerSecond, 1, limitMax)
	checkWhole(f, "limits.burst", l.Burst, 1, limitMax)
	checkWhole(f, "limits.inFlight", l.InFlight, 1, limitMax)
}
