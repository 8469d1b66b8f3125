package story

import (
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/firsttap/firsttap/internal/golden"
	"github.com/firsttap/firsttap/simulator/wiretap"
)

// began is when the first sighting of the reports below was made.
var began = time.Date(2026, 11, 22, 12, 34, 56, 0, time.UTC)

func sent(at int, actor, what string) wiretap.Sighting {
	return wiretap.Sighting{At: began.Add(time.Duration(at) * time.Millisecond), Actor: actor, Way: wiretap.Sent, What: what}
}

func received(at int, actor, what string) wiretap.Sighting {
	s := sent(at, actor, what)
	s.Way = wiretap.Received
	return s
}

func asked(actor, what string) wiretap.Sighting {
	return wiretap.Sighting{Actor: actor, Way: wiretap.Asked, What: what, Took: 1500 * time.Microsecond}
}

// happy is the report of a story without a fault, as it is at its widest.
func happy() Report {
	return Report{
		Steps: []Step{
			{Step: StepApply, OK: true, TookMS: 1.5, Decided: "Ada Lovelace has applied; the application waits for the office", Wire: []wiretap.Sighting{
				asked("person", "GET / 200"), asked("person", "POST /apply 303"), asked("person", "GET /applications/… 200"),
			}},
			{Step: StepApprove, OK: true, TookMS: 2.5, Decided: "approved: a card is issued", Wire: []wiretap.Sighting{
				asked("office", "GET /office 200"), asked("office", "POST /office/applications/1/approve 303"),
			}},
			{Step: StepGenerate, OK: true, TookMS: 4.25, Decided: "account 476173******8139 enrolled; 24 codes held, the first good until 20:00Z", Wire: []wiretap.Sighting{
				asked("issuer", "POST /dCVV2/v1/PanDB/Enroll 201"), asked("issuer", "POST /dCVV2/v1/generate 201"), asked("issuer", "POST /dCVV2/v1/PanDB/Inquiry 201"),
			}},
			{Step: StepShow, OK: true, TookMS: 0.4, Decided: "number, expiry date and current code read from the page's HTML", Wire: []wiretap.Sighting{
				asked("person", "GET /cards/… 200"),
			}},
			{Step: StepProvision, OK: true, TookMS: 8.875, Decided: "token 489537******0137 active; key A2FC4A on the phone", Why: "issuer approved", Wire: []wiretap.Sighting{
				sent(0, "wallet", "0800 70=001"), received(1, "wallet", "0810 39=00"),
				sent(2, "wallet", "0100 2=476173******8139 63.3=3700 126.10=11****"),
				received(3, "issuer", "0100 2=476173******8139 44.10=M 63.3=3700 126.10=31****"),
				sent(4, "issuer", "0110 38=162613 39=00 44.1=5"),
				received(5, "wallet", "0110 38=162613 39=00 44.1=5 44.10=M 123.01.01=489537******0137 123.01.07=A"),
				received(6, "issuer", "0620 2=476173******8139 63.3=3700 123.01.01=489537******0137"),
				asked("phone", "POST /provisioning/v1/tokens/…/key 200"),
				sent(7, "issuer", "0630 39=00"),
				asked("phone", "POST /provisioning/v1/tokens/…/result 204"),
				received(8, "issuer", "0620 2=476173******8139 63.3=3711 123.01.01=489537******0137 123.01.0E=00"),
				sent(9, "issuer", "0630 39=00"),
			}},
			{Step: StepTap, OK: true, TookMS: 2.6, Decided: "approved 12.50; cryptogram verified, issuer's answer verified by the phone", Why: "issuer approved", Wire: []wiretap.Sighting{
				sent(10, "merchant", "0100 2=489537******0137 4=000000001250 55.01.9F36=0001 55.01.9F26=***"),
				received(11, "issuer", "0100 2=476173******8139 4=000000001250 44.8=2 55.01.9F36=0001 55.01.9F26=*** 123.01.01=489537******0137"),
				sent(12, "issuer", "0110 38=794807 39=00 44.1=5"),
				received(13, "merchant", "0110 38=794807 39=00 44.1=5 44.8=2 55.01.91=***"),
			}},
		},
		Token: &Token{Status: "active"}, Tap: &Tap{ResponseCode: "00"}, Whole: true, TookMS: 20.4,
	}
}

// refusal is a story that ends at the activation.
func refusal(right bool) Report {
	r := happy()
	r.Case, r.Steps, r.Token, r.Tap, r.TookMS = "wrong-code", r.Steps[:5], nil, nil, 17
	r.Steps[4] = Step{
		Step: StepProvision, TookMS: 4.5, Decided: "no token: response N7, 44.10 N", Why: "wrong code", Wire: []wiretap.Sighting{
			sent(2, "wallet", "0100 2=476173******8139 63.3=3700 126.10=11****"), received(5, "wallet", "0110 39=N7 44.1=2 44.10=N"),
		},
	}
	r.Refusal = &Refusal{Step: StepProvision, ResponseCode: "N7", CVV2: "N", ARQC: "unchecked", Expected: "response N7, 44.10 N", Right: right, Reason: "wrong code"}
	if !right {
		r.Refusal.Expected = "response 05, 44.10 U"
	}
	return r
}

// broken is a story in which an actor could not be reached.
func broken() Report {
	r := happy()
	r.Steps = append(r.Steps[:1:1], Step{
		Step: StepApprove, TookMS: 1, Error: "the issuer's site answered with a problem: 500 Internal Server Error\nand a second line", Wire: []wiretap.Sighting{asked("office", "GET /office no answer"), asked("office", "POST /office/applications/1/approve no answer")},
	})
	return r
}

func TestTellings(t *testing.T) {
	wrongCode, err := CaseByName("wrong-code")
	if err != nil {
		t.Fatal(err)
	}
	unexpected := refusal(false)
	unexpected.Case = ""
	tests := []struct {
		name   string
		report Report
		wrong  Case
	}{
		{"happy", happy(), Case{}},
		{"right-refusal", refusal(true), wrongCode},
		{"wrong-refusal", refusal(false), wrongCode},
		{"unexpected-refusal", unexpected, Case{}},
		{"broken", broken(), Case{}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := Tell(test.report, test.wrong, 18446744073709551615)
			for line := range strings.Lines(got) {
				line = strings.TrimSuffix(line, "\n")
				if n := utf8.RuneCountInString(line); n > 104 {
					t.Errorf("%d columns: %s", n, line)
				}
				if strings.TrimRight(line, " ") != line {
					t.Errorf("blanks at the end of %q", line)
				}
			}
			golden.CheckText(t, filepath.Join("testdata", test.name+".txt"), got)
		})
	}
}

// A person reads it on one screen.
func TestTheHappyStoryIsShort(t *testing.T) {
	if n := strings.Count(Tell(happy(), Case{}, 1), "\n"); n < 25 || n > 36 {
		t.Errorf("it has %d lines, and should have about 30", n)
	}
}

func TestFold(t *testing.T) {
	tests := []struct {
		text          string
		width, indent int
		want          string
	}{
		{"", 10, 2, ""},
		{"ten chars.", 10, 2, "ten chars."},
		{"eleven char", 10, 2, "eleven|  char"},
		{"one two three four", 10, 2, "one two|  three|  four"},
		{"0123456789abcdef", 10, 2, "0123456789|  abcdef"},
		{"→→→→→ →→→→→", 10, 2, "→→→→→|  →→→→→"},
		{"  a bbbbbbbbbbb", 10, 4, "  a bbbbbb|    bbbbb"},
	}
	for _, test := range tests {
		if got := strings.Join(fold(test.text, test.width, test.indent), "|"); got != test.want {
			t.Errorf("%q folds to %q, want %q", test.text, got, test.want)
		}
	}
}

func TestReportOK(t *testing.T) {
	five := happy()
	five.Steps, five.Whole = five.Steps[:5], false
	failed := happy()
	failed.Steps[3].OK = false
	nothing := refusal(true)
	nothing.Refusal = nil
	tests := []struct {
		name   string
		report Report
		want   bool
	}{
		{"six good steps", happy(), true},
		{"five good steps", five, false},
		{"a step that failed", failed, false},
		{"the right refusal", refusal(true), true},
		{"a wrong refusal", refusal(false), false},
		{"nothing was refused", nothing, false},
		{"nothing at all", Report{}, false},
	}
	for _, test := range tests {
		if got := test.report.OK(); got != test.want {
			t.Errorf("%s: OK is %v", test.name, got)
		}
	}
}
