package guess

import (
	"context"
	"fmt"

	"github.com/firsttap/firsttap/dcvv2"
)

// Dimension is what a sweep changes from point to point.
type Dimension string

// Dimensions of sweeps.
const (
	OverWindowHours Dimension = "windowHours"
	OverLive        Dimension = "liveWindows"
	OverFailures    Dimension = "failuresPerDayMax"
)

// Dimensions lists the dimensions that are swept.
func Dimensions() []Dimension { return []Dimension{OverWindowHours, OverLive, OverFailures} }

// Most is the last value of a dimension's axis, which begins at 1. Beyond
// LiveMax live windows there is theory only: firsttap never accepts more.
func (d Dimension) Most() int {
	switch d {
	case OverWindowHours:
		return dcvv2.WindowHoursMax
	case OverLive:
		return dcvv2.CodesMax
	default:
		return 20
	}
}

// measuredAt are the values that are measured: enough to see whether the dots
// follow the line.
func (d Dimension) measuredAt() []int {
	switch d {
	case OverWindowHours:
		return []int{1, 3, 5, 7, 11, 15, 18}
	case OverLive:
		return []int{1, 2}
	default:
		return []int{1, 2, 3, 5, 7, 10, 15, 20}
	}
}

// with is the setup with the dimension at n.
func (d Dimension) with(s Setup, n int) Setup {
	switch d {
	case OverWindowHours:
		s.Policy.WindowHours = n
	case OverLive:
		s.Live = n
	case OverFailures:
		s.Policy.FailuresPerDayMax = n
	}
	return s
}

// Point is a measurement of attacks on one account at a value of a dimension.
type Point struct {
	Over        Dimension   `json:"over"`
	At          int         `json:"at"`
	Measurement Measurement `json:"measurement"`
}

// Points is how many points Sweep measures of a setup.
func Points(s Setup) int {
	n := 0
	for range values(s) {
		n++
	}
	return n
}

// values goes through the points of all sweeps that the setup can play.
func values(s Setup) func(yield func(Dimension, int) bool) {
	return func(yield func(Dimension, int) bool) {
		for _, d := range Dimensions() {
			for _, n := range d.measuredAt() {
				if d.with(s, n).Validate() == nil && !yield(d, n) {
					return
				}
			}
		}
	}
}

// Sweep measures attacks on one account, so many at each point, with one thing
// of the setup changed. When ctx ends early it gives the points that are whole.
func (l Lab) Sweep(ctx context.Context, s Setup, attacks int) ([]Point, error) {
	var points []Point
	for d, n := range values(s) {
		m, err := l.measure(ctx, fmt.Sprintf("%s at %d", d, n), OnePAN, d.with(s, n), attacks)
		if err != nil {
			return points, err
		}
		if m.Attacks < attacks {
			break
		}
		points = append(points, Point{Over: d, At: n, Measurement: m})
	}
	return points, nil
}
