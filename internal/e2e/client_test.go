package e2e_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/firsttap/firsttap/simulator/site"
	"github.com/firsttap/firsttap/specs"
)

// inBothProfiles runs a test with a gateway and an issuer that decides on
// activations in a way of its settings, in each profile.
func inBothProfiles(t *testing.T, decides string, test func(t *testing.T, profile string, at places)) {
	t.Helper()
	for _, profile := range specs.SpecNames() {
		t.Run(profile, func(t *testing.T) {
			h := newHouse(t)
			at := h.elsewhereIn(t, profile, decides)
			h.start(t, at.gateway).awaits(t, said["gateway"])
			h.start(t, at.issuer).awaits(t, said["issuer"])
			test(t, profile, at)
		})
	}
}

// TestForeignClient runs the example client, which knows nothing of firsttap's
// code: moov's stock codec and connection library get a token at the gateway's
// door for wallets, and lead it through its life.
func TestForeignClient(t *testing.T) {
	inBothProfiles(t, "green", func(t *testing.T, profile string, at places) {
		card, _ := applied(t, "http://"+at.site)
		steps := runs(t, "client", card, "-addr", at.wallets, "-spec", profile+".json",
			"-do", "sign-on,echo,activate,repeat,inquire,suspend,inquire,resume,reverse,inquire,delete,sign-off")
		for n, want := range []struct{ step, mti, response, status string }{
			{"sign-on", "0810", "00", ""},
			{"echo", "0810", "00", ""},
			{"activate", "0110", "00", "A"},
			{"repeat", "0110", "00", "A"},
			{"inquire", "0312", "00", "A"},
			{"suspend", "0312", "00", "S"},
			{"inquire", "0312", "00", "S"},
			{"resume", "0312", "00", "A"},
			{"reverse", "0410", "00", ""},
			{"inquire", "0312", "00", "D"},
			{"delete", "0312", "46", ""}, // it is gone already
			{"sign-off", "0810", "00", ""},
		} {
			if got := steps[n]; got["step"] != want.step || got["0"] != want.mti || got["39"] != want.response || got["123.01.07"] != want.status {
				t.Errorf("step %d is %v, not %+v", n, got, want)
			}
		}
		granted, again := steps[2], steps[3]
		if granted["44"] != "5         M" || len(granted["123.01.04"]) != 32 || len(granted["62.2"]) != 15 || len(granted["38"]) != 6 {
			t.Errorf("the token comes with %v", granted)
		}
		for path, value := range granted {
			if path != "step" && again[path] != value {
				t.Errorf("the repeat's answer has %s=%s, not %s", path, again[path], value)
			}
		}
		if steps[4]["123.01.04"] != granted["123.01.04"] || !regexp.MustCompile(`^0100\d{16}00000400552`+"0{11}$").MatchString(steps[8]["90"]) {
			t.Errorf("the inquiry tells %v, the reversal is answered by %v", steps[4], steps[8])
		}
	})
}

// TestForeignClientStepsUp has an issuer that wants a passcode first, which the
// client types in.
func TestForeignClientStepsUp(t *testing.T) {
	inBothProfiles(t, "yellow", func(t *testing.T, profile string, at places) {
		card, page := applied(t, "http://"+at.site)
		asked := runs(t, "client", card, "-addr", at.wallets, "-spec", profile+".json")[0]
		if asked["39"] != "85" || asked["123.01.07"] != "I" || asked["123.01.0D"] != "01" {
			t.Fatalf("the activation is answered by %v", asked)
		}
		code := passcode(t, page, asked["123.01.04"])
		tried := runs(t, "client", card, "-addr", at.wallets, "-spec", profile+".json", "-token", asked["123.01.04"],
			"-passcode", wrong(code), "-do", "passcode,inquire")
		if tried[0]["39"] != "6P" || tried[1]["123.01.07"] != "I" {
			t.Errorf("a wrong passcode is answered by %v, then the token is %v", tried[0], tried[1])
		}
		typed := runs(t, "client", card, "-addr", at.wallets, "-spec", profile+".json", "-token", asked["123.01.04"],
			"-passcode", code, "-do", "passcode,inquire,delete")
		if typed[0]["39"] != "00" || typed[1]["123.01.07"] != "A" || typed[2]["123.01.07"] != "D" {
			t.Errorf("the passcode is answered by %v, then the token is %v, then %v", typed[0], typed[1], typed[2])
		}
	})
}

// TestForeignMerchant runs the example shop: a merchant without a terminal.
func TestForeignMerchant(t *testing.T) {
	inBothProfiles(t, "green", func(t *testing.T, profile string, at places) {
		spec := []string{"-addr", at.merchants, "-spec", "examples/client/" + profile + ".json"}
		card, _ := applied(t, "http://"+at.site)
		verified := runs(t, "shop", card, append(spec, "-do", "verify")...)[0]
		if verified["0"] != "0110" || verified["25"] != "51" || verified["39"] != "00" || verified["44"] != "5         M" {
			t.Errorf("the verification is answered by %v", verified)
		}
		card, _ = applied(t, "http://"+at.site)
		steps := runs(t, "shop", card, append(spec, "-do", "pay,reverse,pay")...)
		paid, undone, second := steps[0], steps[1], steps[2]
		if paid["0"] != "0110" || paid["25"] != "59" || paid["39"] != "00" || paid["44"] != "5         M" || len(paid["38"]) != 6 {
			t.Errorf("the payment is answered by %v", paid)
		}
		if undone["0"] != "0410" || undone["39"] != "00" || len(undone["90"]) != 42 {
			t.Errorf("the reversal is answered by %v", undone)
		}
		if second["39"] != "N7" || second["44"] != "2         N" {
			t.Errorf("a code that was used is answered by %v", second)
		}
	})
}

// TestForeignersThatAreUsedWrongly have the examples say what is amiss.
func TestForeignersThatAreUsedWrongly(t *testing.T) {
	h := newHouse(t)
	at := h.elsewhere(t)
	h.start(t, at.gateway).awaits(t, said["gateway"])
	for _, wrong := range []struct{ example, addr, do, says string }{
		{"client", at.wallets, "activte", `no step is called "activte"`},
		{"client", at.wallets, "repeat", "nothing was activated"},
		{"client", at.wallets, "reverse", "nothing was activated"},
		{"shop", at.merchants, "pays", `no step is called "pays"`},
		{"shop", at.merchants, "reverse", "nothing was paid"},
	} {
		if out, err := example(t, wrong.example, "-addr", wrong.addr, "-do", wrong.do); err == nil || !strings.Contains(out, wrong.says) {
			t.Errorf("%s -do %s ends with %v and says\n%s", wrong.example, wrong.do, err, out)
		}
	}
}

// example runs one and gives what it printed. Its files are read, so that the
// test's result is not kept when they change.
func example(t *testing.T, name string, args ...string) (string, error) {
	t.Helper()
	folder := filepath.Join(root(t), "examples", name)
	files, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if _, err := os.ReadFile(filepath.Join(folder, file.Name())); err != nil {
			t.Fatal(err)
		}
	}
	run := exec.Command("go", append([]string{"run", "./examples/" + name}, args...)...)
	run.Dir = root(t)
	out, err := run.CombinedOutput()
	return string(out), err
}

// runs runs an example with a card and gives what each step printed, by path;
// "step" is its name and "0" the answer's type.
func runs(t *testing.T, name string, card site.Card, args ...string) (steps []map[string]string) {
	t.Helper()
	out, err := example(t, name, append([]string{
		"-pan", card.PAN.Reveal(), "-expiry", card.Expiry.YYMM(), "-code", card.Code.Reveal(),
	}, args...)...)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for line := range strings.Lines(out) {
		line = strings.TrimRight(line, "\n")
		if step, mti, found := strings.Cut(line, ": "); found {
			steps = append(steps, map[string]string{"step": step, "0": mti})
			continue
		}
		path, value, _ := strings.Cut(line, " ")
		steps[len(steps)-1][path] = strings.TrimLeft(value, " ")
	}
	return steps
}

// passcode is what the card's page shows for a token, as soon as it does.
func passcode(t *testing.T, page, reference string) (digits string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var person site.Cardholder
	for {
		code, err := person.Passcode(ctx, page, reference)
		if err == nil {
			return code.Reveal()
		}
		if ctx.Err() != nil {
			t.Fatal(err)
		}
	}
}

// wrong is another passcode.
func wrong(code string) string {
	return code[:len(code)-1] + string('0'+(code[len(code)-1]-'0'+1)%10)
}

// applied is the card of a person who applied at a site that approves at once,
// and the page that shows it.
func applied(t *testing.T, url string) (site.Card, string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var person site.Cardholder
	application, err := person.Apply(ctx, url, "Grace Hopper")
	if err != nil {
		t.Fatal(err)
	}
	card, page, err := person.Show(ctx, application)
	if err != nil {
		t.Fatal(err)
	}
	return card, page
}
