package dcvv2_test

import (
	"testing"
	"time"

	"github.com/firsttap/firsttap/dcvv2"
)

const wideDigits = "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F"

// bench is a range as a gateway holds it, its schedule and master key made
// ready once, and a card that was never seen before.
type bench struct {
	schedule dcvv2.Schedule
	masters  dcvv2.Masters
	account  dcvv2.Account
	at       time.Time
}

func newBench(b *testing.B, profile string) bench {
	b.Helper()
	digits := wideDigits
	if profile == dcvv2.ProfileCVVHour {
		digits = masterDigits
	}
	var master dcvv2.Master = masterKey(b, digits)
	b.ReportAllocs()
	return bench{
		schedule: dcvv2.Always(with(func(p *dcvv2.Policy) { p.Profile = profile })),
		masters:  func(int) (dcvv2.Master, error) { return master, nil },
		account:  account(b, "4761739001010010", "00", "3112"),
		at:       moment(b, "2026-11-22T12:34:56Z"),
	}
}

// BenchmarkGenerate24 makes a day of codes. goal-µs is what the service wants.
func BenchmarkGenerate24(b *testing.B) {
	for _, name := range dcvv2.ProfileNames() {
		b.Run(name, func(b *testing.B) {
			r := newBench(b, name)
			for b.Loop() {
				if _, err := dcvv2.Generate(r.schedule, r.masters, r.account, r.at, dcvv2.CodesMax, 0); err != nil {
					b.Fatal(err)
				}
			}
			if name == dcvv2.ProfileCVVHour {
				b.ReportMetric(15, "goal-µs")
			}
		})
	}
}

// BenchmarkVerify checks a code of the window, one of the window before inside
// the grace, and a wrong one, which is looked for in 48 windows more.
func BenchmarkVerify(b *testing.B) {
	goals := map[string]float64{dcvv2.ProfileCVVHour: 5, dcvv2.ProfileAESCMAC: 0.6}
	for _, name := range dcvv2.ProfileNames() {
		r := newBench(b, name)
		issued, err := dcvv2.Generate(r.schedule, r.masters, r.account, r.at, 1, 0)
		if err != nil {
			b.Fatal(err)
		}
		wrong := "000" // the code of no window near by, by any profile
		for _, c := range []struct {
			name string
			code dcvv2.Code
			at   time.Time
			want dcvv2.Verdict
		}{
			{"match", issued[0].Code, r.at, dcvv2.Matched},
			{"grace", issued[0].Code, r.at.Add(30 * time.Minute), dcvv2.Matched},
			{"miss", code(b, wrong), r.at, dcvv2.Wrong},
		} {
			b.Run(name+"/"+c.name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if found, err := dcvv2.Verify(r.schedule, r.masters, r.account, c.code, c.at); err != nil || found.Verdict != c.want {
						b.Fatal(found.Verdict, err)
					}
				}
				if goal := goals[name]; goal > 0 && c.name == "match" {
					b.ReportMetric(goal, "goal-µs")
				}
			})
		}
	}
}
