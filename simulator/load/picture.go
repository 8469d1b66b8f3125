package load

import (
	"fmt"
	"html"
	"io"
	"math"
	"strings"
)

// Sizes of the picture, in pixels.
const (
	pictureWidth  = 900
	pictureHeight = 460
	plotLeft      = 80
	plotTop       = 90
	plotWidth     = 780
	plotHeight    = 290
)

// Colours are told apart by those who see few, and in print.
const (
	colourP50  = "#0b62a4"
	colourP99  = "#c8500f"
	colourMax  = "#6b7280"
	colourInk  = "#1f2933"
	colourGrid = "#dfe4ea"
)

// Draw writes the report's intervals as an SVG: latency over time or, when they
// are steps, over the rate. The scale of the latency is logarithmic.
func (r Report) Draw(w io.Writer) error {
	low, high := r.decades()
	d := drawing{low: low, high: high}
	d.add(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" font-family="Helvetica, Arial, sans-serif" fill="%s">`,
		pictureWidth, pictureHeight, pictureWidth, pictureHeight, colourInk)
	d.add(`<rect width="100%%" height="100%%" fill="#ffffff"/>`)
	d.text(plotLeft-52, 34, 20, "start", "Latency, from when a request should have started")
	d.text(plotLeft-52, 58, 14, "start", r.caption())
	d.grid()
	d.axis(r)
	for i, line := range lines {
		d.line(r, line)
		d.add(`<rect x="%d" y="68" width="12" height="12" fill="%s"/>`, plotLeft+i*80, line.colour)
		d.text(plotLeft+i*80+18, 79, 13, "start", line.name)
	}
	d.add(`</svg>`)
	_, err := io.WriteString(w, d.b.String())
	return err
}

func (r Report) caption() string {
	return fmt.Sprintf("%s, %d in flight, connections to each door: %d, %.0f answers a second, faults: %d",
		r.Mix, r.InFlight, r.Connections, r.PerSecond, r.Oracle.Sum())
}

// lines are the curves.
var lines = []struct {
	name, colour string
	of           func(Percentiles) float64
}{
	{"p50", colourP50, func(p Percentiles) float64 { return p.P50 }},
	{"p99", colourP99, func(p Percentiles) float64 { return p.P99 }},
	{"max", colourMax, func(p Percentiles) float64 { return p.Max }},
}

// decades are the powers of ten, in milliseconds, that all latencies lie
// between.
func (r Report) decades() (low, high int) {
	least, most := math.Inf(1), 0.0
	for _, i := range r.Intervals {
		if i.Latency.Max > 0 {
			least, most = min(least, i.Latency.P50), max(most, i.Latency.Max)
		}
	}
	if most == 0 {
		return 0, 1
	}
	low = int(math.Floor(math.Log10(max(least, 0.001))))
	return low, max(low+1, int(math.Ceil(math.Log10(most))))
}

// drawing is an SVG that grows.
type drawing struct {
	b         strings.Builder
	low, high int
}

func (d *drawing) add(format string, args ...any) { fmt.Fprintf(&d.b, format+"\n", args...) }

func (d *drawing) text(x, y, size int, anchor, s string) {
	d.add(`<text x="%d" y="%d" font-size="%d" text-anchor="%s">%s</text>`, x, y, size, anchor, html.EscapeString(s))
}

// y is the height of a latency in milliseconds.
func (d *drawing) y(ms float64) float64 {
	part := (math.Log10(max(ms, 0.001)) - float64(d.low)) / float64(d.high-d.low)
	return plotTop + plotHeight*(1-min(max(part, 0), 1))
}

func (d *drawing) grid() {
	for decade := d.low; decade <= d.high; decade++ {
		y := d.y(math.Pow10(decade))
		d.add(`<line x1="%d" y1="%.1f" x2="%d" y2="%.1f" stroke="%s"/>`, plotLeft, y, plotLeft+plotWidth, y, colourGrid)
		d.text(plotLeft-8, int(y)+4, 12, "end", fmt.Sprintf("%g ms", math.Pow10(decade)))
	}
}

// x is where an interval stands: steps apart evenly, times at their middle.
func (r Report) x(i int) float64 {
	return plotLeft + plotWidth*(float64(i)+0.5)/float64(len(r.Intervals))
}

// ticksMax is how many numbers stand at the axis.
const ticksMax = 10

func (d *drawing) axis(r Report) {
	every := (len(r.Intervals) + ticksMax - 1) / ticksMax
	name := "seconds since the beginning"
	if r.Steps {
		name = "requests a second, as they should start"
	}
	for i, interval := range r.Intervals {
		if i%every != 0 {
			continue
		}
		label := fmt.Sprintf("%.1f", interval.FromMS/1000)
		if r.Steps {
			label = fmt.Sprintf("%.0f", interval.Rate)
		}
		d.text(int(r.x(i)), plotTop+plotHeight+20, 12, "middle", label)
	}
	d.text(plotLeft+plotWidth/2, plotTop+plotHeight+46, 13, "middle", name)
}

func (d *drawing) line(r Report, line struct {
	name, colour string
	of           func(Percentiles) float64
},
) {
	var points []string
	for i, interval := range r.Intervals {
		if interval.Latency.Max == 0 {
			continue
		}
		x, y := r.x(i), d.y(line.of(interval.Latency))
		points = append(points, fmt.Sprintf("%.1f,%.1f", x, y))
		d.add(`<circle cx="%.1f" cy="%.1f" r="2.5" fill="%s"/>`, x, y, line.colour)
	}
	d.add(`<polyline points="%s" fill="none" stroke="%s" stroke-width="1.5"/>`, strings.Join(points, " "), line.colour)
}
