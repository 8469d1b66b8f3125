// Command client is a wallet that gets a token at firsttap's door for wallets
// and leads it through its life, with moov's stock codec and connection library
// and nothing of firsttap's. Start at steps; wire.go has what is below.
package main

import (
	"flag"
	"fmt"
	"log"
	"maps"
	"strings"

	"github.com/moov-io/iso8583"
)

type wallet struct {
	*line
	pan, expiry, code string
	token, passcode   string // what the token is called (123.01.04), and what its cardholder was sent
	asked             fields // the activation, for its repeat and its reversal
}

var steps = map[string]func(*wallet) *iso8583.Message{
	"sign-on": network("001"), "echo": network("301"), "sign-off": network("002"),
	"activate": (*wallet).activate, "repeat": (*wallet).repeat, "reverse": (*wallet).reverse, "inquire": (*wallet).inquire,
	"suspend": change("3702"), "resume": change("3703"), "delete": change("3701"), "passcode": change("3712"),
}

// shown are the fields of answers that are printed.
var shown = []string{"38", "39", "44", "62.2", "90", "123.01.04", "123.01.07", "123.01.0D"}

func main() {
	var w wallet
	addr, spec := flag.String("addr", "127.0.0.1:8583", "door for wallets"), flag.String("spec", "visa-style.json", "or ascii87.json")
	do := flag.String("do", "activate", "steps in order: sign-on, echo, activate, repeat, reverse, inquire,\nsuspend, resume, delete, passcode, sign-off")
	flag.StringVar(&w.pan, "pan", "", "card number")
	flag.StringVar(&w.expiry, "expiry", "", "YYMM")
	flag.StringVar(&w.code, "code", "", "dynamic CVV2, three digits")
	flag.StringVar(&w.token, "token", "", "the 123.01.04 of a token made before")
	flag.StringVar(&w.passcode, "passcode", "", "activation code, where the answer was 85")
	flag.Parse()
	w.line = dial(*addr, *spec)
	defer w.conn.Close()
	for _, name := range strings.Split(*do, ",") {
		step := steps[name]
		if step == nil {
			log.Fatalf("no step is called %q", name)
		}
		w.print(name, step(&w))
	}
}

func network(what string) func(*wallet) *iso8583.Message {
	return func(w *wallet) *iso8583.Message {
		content := w.trace()
		delete(content, "32") // nobody asks for an acquirer here
		content["70"] = what
		return w.ask("0800", content)
	}
}

func (w *wallet) activate() *iso8583.Message {
	w.asked = w.trace()
	maps.Copy(w.asked, fields{
		"2": w.pan, "3": "000000", "4": "000000000000", "14": w.expiry, "18": "6012", "22": w.keyed, "23": "000", "25": "51",
		"41": "CLIENT01", "42": "TOKENREQUESTOR1", "49": "840", "63.3": "3700", "126.10": "11 " + w.code,
		"123.01.03": "40010030273", "123.01.06": "SE", "125.01.03": "000102030405060708090A0B0C0D0E0F1011121314151617",
	})
	answer := w.ask("0100", w.asked)
	w.token = w.read(answer, "123.01.04")
	return answer
}

// repeat asks once more: the type says so, all else is as it was, trace too.
// The answer is the first one's, and there is still one token.
func (w *wallet) repeat() *iso8583.Message { return w.ask("0101", w.activation()) }

// reverse undoes the activation, as when no answer came in time. Field 90 names
// it by its type and fields 11, 7 and 32, the last with zeros in front. 32, 37
// and 41 are the activation's, too: with another 37 it is not found (39 = 25).
func (w *wallet) reverse() *iso8583.Message {
	content, asked := w.trace(), w.activation()
	content["90"] = fmt.Sprintf("0100%s%s%011s%011d", asked["11"], asked["7"], asked["32"], 0)
	for _, same := range []string{"2", "3", "4", "14", "37", "41", "49", "63.3"} {
		content[same] = asked[same]
	}
	return w.ask("0400", content)
}

func (w *wallet) activation() fields {
	if w.asked == nil {
		log.Fatal("nothing was activated: say -do activate, and this after it")
	}
	return w.asked
}

func (w *wallet) inquire() *iso8583.Message { return w.ask("0302", w.about("5")) }

// change asks for a step in the token's life. 63.3 says which; an inquiry has
// none.
func change(reason string) func(*wallet) *iso8583.Message {
	return func(w *wallet) *iso8583.Message {
		content := w.about("2")
		content["63.3"] = reason
		if reason == "3712" {
			content["123.01.0B"] = w.passcode
		}
		return w.ask("0302", content)
	}
}

func (w *wallet) about(update string) fields {
	content := w.trace()
	maps.Copy(content, fields{"91": update, "101": "TOKENS", "123.01.03": "40010030273", "123.01.04": w.token})
	return content
}

func (w *wallet) print(step string, answer *iso8583.Message) {
	mti, err := answer.GetMTI()
	check(err)
	fmt.Printf("%s: %s\n", step, mti)
	for _, path := range shown {
		if value := w.read(answer, path); value != "" {
			fmt.Printf("%-9s %s\n", path, value)
		}
	}
}
