package guess

import (
	"fmt"
	"html"
	"io"
	"math"
	"strings"
)

// Sizes of the picture, in pixels.
const (
	pictureWidth  = 1160
	pictureHeight = 480
	panelTop      = 122
	panelHeight   = 250
	panelWidth    = 300
	panelLeft     = 72  // of the first panel
	panelStep     = 376 // from one panel to the next
	panelInset    = 12  // of the first and last value
)

// Colours are told apart by those who see few, and in print.
const (
	colourFirst = "#0b62a4"
	colourAll   = "#c8500f"
	colourInk   = "#1f2933"
	colourGrid  = "#dfe4ea"
	colourShade = "#eef2f6"
)

// Draw writes the report's points, and the lines of theory, as an SVG: the
// chance of success over window hours, live windows and the failure limit.
// attacks is how many each point had.
func (r Report) Draw(w io.Writer, s Setup, attacks int) error {
	var d drawing
	d.add(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" font-family="Helvetica, Arial, sans-serif" fill="%s">`,
		pictureWidth, pictureHeight, pictureWidth, pictureHeight, colourInk)
	d.add(`<rect width="100%%" height="100%%" fill="#ffffff"/>`)
	d.text(panelLeft-52, 34, 20, "start", "Guessing a dynamic CVV2 on one account: chance of success")
	d.text(panelLeft-52, 58, 14, "start", r.Policy.String())
	d.text(panelLeft-52, 78, 14, "start", fmt.Sprintf("%s live, %s, seed %d, %d attacks for each dot; each panel changes one thing",
		count(r.Live, "window"), count(r.Days, "day"), r.Seed, attacks))
	for i, dimension := range Dimensions() {
		d.panel(panelLeft+i*panelStep, r.panel(dimension, s))
	}
	d.legend(count(r.Days, "day"))
	d.add(`</svg>`)
	_, err := io.WriteString(w, d.String())
	return err
}

// panel is one of the picture's.
type panel struct {
	title, axis string
	ticks       []int
	most        int // of the axis, which begins at 1
	shadeFrom   int // where theory is alone; 0 is nowhere
	curves      []curve
	top         float64 // of the chance
}

// curve is a line of theory with dots of what was measured.
type curve struct {
	colour string
	shift  float64 // of the dots, so that bars do not cover each other
	theory []float64
	dots   []dot
}

type dot struct {
	at    int
	value float64
	bar   Interval
}

func (r Report) panel(d Dimension, s Setup) panel {
	p := panel{most: d.Most()}
	first, all := curve{colour: colourFirst, shift: -2}, curve{colour: colourAll, shift: 2}
	for n := 1; n <= p.most; n++ {
		if d == OverLive {
			first.theory = append(first.theory, Chance(s.Expect(OnePAN).FirstGuesses, n))
			continue
		}
		e := d.with(s, n).Expect(OnePAN)
		first.theory, all.theory = append(first.theory, e.First), append(all.theory, e.All)
	}
	for _, point := range r.Points {
		if m := point.Measurement; point.Over == d {
			first.dots = append(first.dots, dotOf(point.At, m.Attacks, m.Successes[0]))
			all.dots = append(all.dots, dotOf(point.At, m.Attacks, m.Successes[1]))
		}
	}
	p.curves = []curve{first, all}
	switch d {
	case OverWindowHours:
		p.title, p.axis, p.ticks = "Window length", "hours of a window", []int{1, 3, 6, 9, 12, 15, 18}
	case OverLive:
		p.title, p.axis, p.ticks = "Live windows, first day", "codes that a guess can hit", []int{1, 2, 6, 12, 18, 24}
		p.shadeFrom, p.curves = LiveMax, []curve{first}
	case OverFailures:
		p.title, p.axis, p.ticks = "Failure limit, locked after "+fmt.Sprint(s.Policy.FailuresInRowMax)+" in a row", "failures a day", []int{1, 5, 10, 15, 20}
	}
	p.top = p.highest()
	return p
}

func dotOf(at, attacks int, s Success) dot {
	return dot{at: at, value: s.Measured, bar: Binomial(s.Hits, attacks, chanceOutsideBar)}
}

// highest is a round chance above all that the panel shows.
func (p panel) highest() float64 {
	most := 0.001
	for _, c := range p.curves {
		for _, v := range c.theory {
			most = max(most, v)
		}
		for _, dot := range c.dots {
			most = max(most, dot.bar.High)
		}
	}
	step := roundStep(most)
	return math.Ceil(most*1.02/step) * step
}

// roundStep is 1, 2 or 5 times a power of ten that divides most into 3 to 8.
func roundStep(most float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(most)))
	for _, factor := range []float64{0.2, 0.5, 1} {
		if most/(power*factor) <= 6 {
			return power * factor
		}
	}
	return 2 * power
}

// drawing is an SVG under way.
type drawing struct{ strings.Builder }

func (d *drawing) add(format string, args ...any) {
	fmt.Fprintf(d, format+"\n", args...)
}

func (d *drawing) text(x, y, size int, anchor, text string) {
	d.add(`<text x="%d" y="%d" font-size="%d" text-anchor="%s">%s</text>`, x, y, size, anchor, html.EscapeString(text))
}

func (d *drawing) panel(left int, p panel) {
	x := func(n int) float64 {
		return float64(left+panelInset) + float64(panelWidth-2*panelInset)*float64(n-1)/float64(p.most-1)
	}
	y := func(chance float64) float64 { return panelTop + panelHeight*(1-min(chance, p.top)/p.top) }
	d.text(left, panelTop-14, 16, "start", p.title)
	if p.shadeFrom > 0 {
		edge := x(p.shadeFrom) + 6
		d.add(`<rect x="%.1f" y="%d" width="%.1f" height="%d" fill="%s"/>`, edge, panelTop, float64(left+panelWidth)-edge, panelHeight, colourShade)
		d.text(int(edge)+8, panelTop+20, 13, "start", "theory, if every outstanding code")
		d.text(int(edge)+8, panelTop+37, 13, "start", fmt.Sprintf("passed; firsttap accepts 1 or %d", LiveMax))
	}
	step := roundStep(p.top)
	for chance := 0.0; chance <= p.top*1.001; chance += step {
		d.add(`<path d="M%d %.1fh%d" stroke="%s"/>`, left, y(chance), panelWidth, colourGrid)
		d.text(left-8, int(y(chance))+5, 13, "end", fmt.Sprintf("%.4g %%", math.Round(chance*1e6)/1e4))
	}
	for _, n := range p.ticks {
		d.add(`<path d="M%.1f %dv5" stroke="%s"/>`, x(n), panelTop+panelHeight, colourInk)
		d.text(int(x(n)), panelTop+panelHeight+21, 13, "middle", fmt.Sprint(n))
	}
	d.add(`<path d="M%d %dv%dh%d" fill="none" stroke="%s"/>`, left, panelTop, panelHeight, panelWidth, colourInk)
	d.text(left+panelWidth/2, panelTop+panelHeight+43, 14, "middle", p.axis)
	for _, c := range p.curves {
		d.curve(c, x, y)
	}
}

func (d *drawing) curve(c curve, x func(int) float64, y func(float64) float64) {
	var line []string
	for i, chance := range c.theory {
		line = append(line, fmt.Sprintf("%.1f,%.1f", x(i+1), y(chance)))
	}
	d.add(`<polyline points="%s" fill="none" stroke="%s" stroke-width="2"/>`, strings.Join(line, " "), c.colour)
	for _, dot := range c.dots {
		at := x(dot.at) + c.shift
		d.add(`<path d="M%.1f %.1fV%.1f" stroke="%s" stroke-opacity="0.55" stroke-width="1.5"/>`, at, y(dot.bar.Low), y(dot.bar.High), c.colour)
		d.add(`<circle cx="%.1f" cy="%.1f" r="4" fill="%s"/>`, at, y(dot.value), c.colour)
	}
}

// legend says what colours, lines, dots and bars are.
func (d *drawing) legend(all string) {
	y := pictureHeight - 26
	x := panelLeft - 52
	for _, entry := range []struct{ colour, text string }{
		{colourFirst, "within the first day"}, {colourAll, "within " + all},
	} {
		d.add(`<path d="M%d %dh30" stroke="%s" stroke-width="2"/><circle cx="%d" cy="%d" r="4" fill="%s"/>`, x, y-5, entry.colour, x+15, y-5, entry.colour)
		d.text(x+40, y, 14, "start", entry.text)
		x += 200
	}
	d.text(x+20, y, 14, "start", "lines: theory; dots: measured on the real decision path; bars: 95 %, so one in twenty misses its line")
}
