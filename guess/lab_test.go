package guess

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/firsttap/firsttap/dcvv2"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const testSeed = 7

func testLab() Lab { return Lab{Seed: testSeed, Workers: WorkersDefault} }

func measure(t *testing.T, l Lab, k Kind, s Setup, attacks int) Measurement {
	t.Helper()
	t.Setenv("TMPDIR", t.TempDir())
	m, err := l.Measure(t.Context(), k, s, attacks)
	if err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(os.TempDir()); len(left) > 0 {
		t.Errorf("left in the temporary folder: %v", left)
	}
	return m
}

// TestDefaultPolicy holds that the default policy lets exactly as many guesses
// through as it says, until the account is locked.
func TestDefaultPolicy(t *testing.T) {
	m := measure(t, testLab(), OnePAN, DefaultSetup(), 300)
	if m.Attacks != 300 || m.GuessesMax != 10 || !m.Agrees() {
		t.Errorf("seed %d: %+v, %v", testSeed, m, m.Faults())
	}
}

// TestTenThousandAttacks holds that a day of ten thousand attacks on the
// default policy hits as often as theory says. It runs beside other tests,
// because it takes a while.
func TestTenThousandAttacks(t *testing.T) {
	t.Parallel()
	m, err := testLab().Measure(t.Context(), OnePAN, by(func(s *Setup) { s.Days = 1 }), 10_000)
	if err != nil || m.Attacks != 10_000 || m.GuessesMax != 5 || !m.Agrees() {
		t.Errorf("seed %d: %+v, %v, %v", testSeed, m, m.Faults(), err)
	}
}

// TestAgrees plays a few attacks of every kind against policies that end them
// in different ways.
func TestAgrees(t *testing.T) {
	small := func(change func(*Setup)) Setup {
		return by(func(s *Setup) {
			s.PANs, s.RequestorFailuresPerHourMax = 60, 100
			change(s)
		})
	}
	for _, c := range []struct {
		name  string
		kind  Kind
		setup Setup
		max   int // guesses without a hit
	}{
		{"the grace", OnePAN, small(func(s *Setup) { s.Live = 2 }), 10},
		{"windows of 7 hours", OnePAN, small(func(s *Setup) { s.Policy.WindowHours, s.Live = 7, 2 }), 10},
		{"aes-cmac", OnePAN, small(func(s *Setup) { s.Policy.Profile = dcvv2.ProfileAESCMAC }), 10},
		{"no lock", OnePAN, small(func(s *Setup) { s.Policy.FailuresInRowMax = 100 }), 15},
		{"locked on the first day", OnePAN, small(func(s *Setup) { s.Policy.FailuresInRowMax = 3 }), 3},
		{"lock and day at once", OnePAN, small(func(s *Setup) { s.Policy.FailuresInRowMax = 5 }), 5},
		{"the range throttles", OnePAN, small(func(s *Setup) { s.Policy.RangeFailuresPerHourMax = 2 }), 10},
		{"the requestor throttles", OnePAN, small(func(s *Setup) { s.RequestorFailuresPerHourMax = 3 }), 10},
		{"many, throttled", ManyPANs, small(func(s *Setup) { s.RequestorFailuresPerHourMax = 25 }), 60},
		{"many, until the days end", ManyPANs, small(func(s *Setup) { s.RequestorFailuresPerHourMax, s.Days = 2, 1 }), 48},
		{"many, not throttled", ManyPANs, small(func(s *Setup) { s.RequestorFailuresPerHourMax, s.Policy.RangeFailuresPerHourMax = 0, 0 }), 60},
		{"spread, the requestors throttle", Spread, small(func(s *Setup) { s.RequestorFailuresPerHourMax = 2 }), 60},
		{"spread, the range throttles", Spread, small(func(s *Setup) { s.Policy.RangeFailuresPerHourMax = 33 }), 60},
		{"at once", Parallel, small(func(*Setup) {}), 5},
		{"at once, inside the grace", Parallel, small(func(s *Setup) { s.Live = 2 }), 5},
		{"at once, fewer than the limit", Parallel, small(func(s *Setup) { s.Callers = 3 }), 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := measure(t, testLab(), c.kind, c.setup, 10)
			if !m.Agrees() || m.GuessesAllowed != c.max || m.GuessesMax < c.max {
				t.Errorf("%+v, %v", m, m.Faults())
			}
		})
	}
}

// TestBrokenPolicy holds that limits which are not in force as the policy says
// are found out, by the count of guesses alone and by the hits alone.
func TestBrokenPolicy(t *testing.T) {
	for _, c := range []struct {
		name   string
		kind   Kind
		behind func(*dcvv2.Policy)
	}{
		{"more a day", OnePAN, func(p *dcvv2.Policy) { p.FailuresPerDayMax++ }},
		{"fewer a day", Parallel, func(p *dcvv2.Policy) { p.FailuresPerDayMax-- }},
		{"more at once", Parallel, func(p *dcvv2.Policy) { p.FailuresPerDayMax++ }},
		{"no lock", OnePAN, func(p *dcvv2.Policy) { p.FailuresInRowMax = 100 }},
	} {
		t.Run(c.name, func(t *testing.T) {
			lab := testLab()
			lab.behind = c.behind
			if m := measure(t, lab, c.kind, DefaultSetup(), 20); m.Fault == "" || m.Agrees() || len(m.Faults()) == 0 {
				t.Errorf("not found out: %+v", m)
			}
		})
	}
	t.Run("hits", func(t *testing.T) {
		lab := testLab()
		lab.behind = func(p *dcvv2.Policy) { p.FailuresPerDayMax, p.FailuresInRowMax = 40, 40 }
		m := measure(t, lab, OnePAN, by(func(s *Setup) { s.Policy.FailuresPerDayMax, s.Policy.FailuresInRowMax = 1, 1 }), 250)
		if slices.ContainsFunc(m.Successes, func(s Success) bool { return s.Agrees }) {
			t.Errorf("forty guesses hit as often as one: %+v", m.Successes)
		}
	})
}

// TestThrottleBehind holds that a throttle which is not in force is found out
// by the first hour's hits.
func TestThrottleBehind(t *testing.T) {
	lab := testLab()
	lab.behind = func(p *dcvv2.Policy) { p.RangeFailuresPerHourMax = 0 }
	m := measure(t, lab, ManyPANs, by(func(s *Setup) { s.PANs = 200; s.Policy.RangeFailuresPerHourMax = 10 }), 60)
	if m.Successes[0].Agrees || !m.Successes[1].Agrees {
		t.Errorf("%+v", m.Successes)
	}
}

func TestAccepted(t *testing.T) {
	for _, live := range []int{1, 2} {
		for _, hours := range []int{1, 5, 18} {
			s := by(func(s *Setup) { s.Live, s.Policy.WindowHours = live, hours })
			if got, err := testLab().Accepted(t.Context(), s); err != nil || got != live {
				t.Errorf("%d live of %d h: %d, %v", live, hours, got, err)
			}
		}
	}
}

// TestSeed holds that a seed plays the same again, whoever is faster.
func TestSeed(t *testing.T) {
	s := by(func(s *Setup) { s.Policy.FailuresPerDayMax, s.Policy.FailuresInRowMax, s.Days = 30, 30, 1 })
	play := func(seed uint64, workers int) Measurement {
		m := measure(t, Lab{Seed: seed, Workers: workers}, OnePAN, s, 50)
		m.TookMS = 0
		return m
	}
	first := play(1, 64)
	if d := cmp.Diff(first, play(1, 3)); d != "" {
		t.Errorf("the same seed again: %s", d)
	}
	if cmp.Equal(first, play(2, 64)) {
		t.Error("another seed plays the same")
	}
}

// TestInterrupted holds that what was played counts, and nothing else.
func TestInterrupted(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	lab := testLab()
	lab.Workers = 8
	var mu sync.Mutex
	lastDone := 0
	lab.Progress = func(done, attacks int) {
		mu.Lock()
		defer mu.Unlock()
		lastDone = max(lastDone, done)
		if done == 20 {
			stop()
		}
	}
	m, err := lab.Measure(ctx, OnePAN, DefaultSetup(), AttacksMax)
	if err != nil || m.Attacks < 20 || m.Attacks != lastDone || m.Attacks > 100 || m.Wanted != AttacksMax || !m.Agrees() {
		t.Errorf("%+v, %v, %v", m, m.Faults(), err)
	}
	m, err = lab.Measure(ctx, OnePAN, DefaultSetup(), 10)
	if err != nil || m.Attacks != 0 || !m.Agrees() {
		t.Errorf("after the end: %+v, %v", m, err)
	}
}

// TestNoTemporaryFolder holds that the lab says when it cannot work.
func TestNoTemporaryFolder(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir()+"/none")
	if _, err := testLab().Measure(t.Context(), OnePAN, DefaultSetup(), 10); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

// small is a report of few attacks, with points.
func small(t *testing.T) (Report, Setup) {
	t.Helper()
	s := DefaultSetup()
	r := NewReport(testSeed, s)
	r.Accepted = 1
	r.Measurements = []Measurement{measure(t, testLab(), OnePAN, s, 20), measure(t, testLab(), ManyPANs, by(func(s *Setup) { s.PANs = 20 }), 5)}
	var err error
	if r.Points, err = testLab().Sweep(t.Context(), s, 3); err != nil {
		t.Fatal(err)
	}
	r.OK = len(r.Faults()) == 0
	return r, s
}

func TestReport(t *testing.T) {
	r, s := small(t)
	if !r.OK || len(r.Points) != Points(s) {
		t.Errorf("%d points, %v", len(r.Points), r.Faults())
	}
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var shape struct {
		Seed         uint64         `json:"seed"`
		Policy       map[string]any `json:"policy"`
		Live         int            `json:"liveWindows"`
		Accepted     int            `json:"acceptedWindows"`
		Measurements []struct {
			Kind      string `json:"kind"`
			Attacks   int    `json:"attacks"`
			Successes []struct {
				Within   string             `json:"within"`
				Hits     *int               `json:"hits"`
				Measured *float64           `json:"measured"`
				Theory   float64            `json:"theory"`
				Interval map[string]float64 `json:"interval"`
				Agrees   bool               `json:"agrees"`
			} `json:"successes"`
		} `json:"measurements"`
		Points []struct {
			Over string `json:"over"`
			At   int    `json:"at"`
		} `json:"points"`
		OK bool `json:"ok"`
	}
	if err := json.Unmarshal(b, &shape); err != nil {
		t.Fatal(err)
	}
	first := shape.Measurements[0]
	day := first.Successes[0]
	if shape.Seed != testSeed || !shape.OK || shape.Live != 1 || shape.Accepted != 1 || shape.Policy["failuresPerDayMax"] != 5.0 ||
		first.Kind != "one-pan" || first.Attacks != 20 || day.Within != "first day" || day.Hits == nil || day.Measured == nil ||
		!near(day.Theory, 0.005) || day.Interval["high"] == 0 || !day.Agrees || shape.Points[0].Over != "windowHours" || shape.Points[0].At != 1 {
		t.Errorf("%s", b)
	}
	var text strings.Builder
	if err := r.Write(&text); err != nil || !strings.Contains(text.String(), "one-pan") || strings.Contains(text.String(), "NO") {
		t.Errorf("%v\n%s", err, &text)
	}
}

// TestReportFaults holds that everything that is wrong is said.
func TestReportFaults(t *testing.T) {
	wrong := compare(OnePAN, DefaultSetup(), slices.Repeat([]outcome{{failures: 11}}, 3000))
	r := NewReport(testSeed, DefaultSetup())
	r.Accepted, r.Measurements, r.Points = 2, []Measurement{wrong}, []Point{{Over: OverLive, At: 2, Measurement: wrong}}
	said := strings.Join(r.Faults(), "\n")
	for _, want := range []string{"the codes of 2 windows", "one-pan: an attack had 11 wrong guesses", "one-pan, 3 days: 0 of 3000 attacks hit", "with liveWindows 2: one-pan"} {
		if !strings.Contains(said, want) {
			t.Errorf("%q is not in\n%s", want, said)
		}
	}
	var text strings.Builder
	if err := r.Write(&text); err != nil || !strings.Contains(text.String(), "NO") {
		t.Errorf("%v\n%s", err, &text)
	}
}

// TestDraw holds that the picture is well formed and shows all points.
func TestDraw(t *testing.T) {
	r, s := small(t)
	var picture bytes.Buffer
	if err := r.Draw(&picture, s, 3); err != nil {
		t.Fatal(err)
	}
	circles, text := 0, strings.Builder{}
	for decoder := xml.NewDecoder(&picture); ; {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			if token.Name.Local == "circle" {
				circles++
			}
		case xml.CharData:
			text.Write(token)
		}
	}
	if want := 2*(len(r.Points)-LiveMax) + LiveMax + 2; circles != want { // the legend has two
		t.Errorf("%d dots, not %d", circles, want)
	}
	for _, want := range []string{"seed 7", "hours of a window", "codes that a guess can hit", "failures a day", "theory"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("%q is not in the picture", want)
		}
	}
}

func TestPointsThatCannotBe(t *testing.T) {
	all := Points(DefaultSetup())
	if got := Points(by(func(s *Setup) { s.Policy.Grace = 0 })); got != all-1 {
		t.Errorf("without a grace %d of %d points", got, all)
	}
}
