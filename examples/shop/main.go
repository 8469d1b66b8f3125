// Command shop is a merchant without a terminal at firsttap's door for
// merchants: it verifies an account, takes an e-commerce payment with the
// card's dynamic CVV2 and takes it back, with moov's stock codec and connection
// library and nothing of firsttap's.
package main

import (
	"encoding/binary"
	"flag"
	"fmt"
	"io"
	"log"
	"maps"
	"math/rand/v2"
	"os"
	"strings"
	"time"

	"github.com/moov-io/iso8583"
	connection "github.com/moov-io/iso8583-connection"
	"github.com/moov-io/iso8583/specs"
)

// fields are the content of a message by path: 126.10 is subfield 10 of 126.
type fields map[string]string

type merchant struct {
	conn                      *connection.Connection
	spec                      *iso8583.MessageSpec
	pan, expiry, code, amount string
	paid                      fields // the payment, for its reversal
	stan                      int
}

func main() {
	m := merchant{stan: rand.IntN(1_000_000)}
	addr, file := flag.String("addr", "127.0.0.1:8584", "door for merchants"), flag.String("spec", "examples/client/visa-style.json", "or ascii87.json there")
	do := flag.String("do", "verify,pay", "steps in order: verify, pay, reverse")
	flag.StringVar(&m.pan, "pan", "", "card number")
	flag.StringVar(&m.expiry, "expiry", "", "YYMM")
	flag.StringVar(&m.code, "code", "", "dynamic CVV2, three digits")
	flag.StringVar(&m.amount, "amount", "000000001250", "in the smallest unit, 12 digits")
	flag.Parse()
	description, err := os.ReadFile(*file)
	check(err)
	m.spec, err = specs.ImportJSON(description)
	check(err)
	m.conn, err = connection.New(*addr, m.spec, readHeader, writeHeader, connection.SetRequestIDGenerator(byTrace{}))
	check(err)
	check(m.conn.Connect())
	defer m.conn.Close()
	steps := map[string]func() *iso8583.Message{"verify": m.verify, "pay": m.pay, "reverse": m.reverse}
	for _, name := range strings.Split(*do, ",") {
		step := steps[name]
		if step == nil {
			log.Fatalf("no step is called %q", name)
		}
		print(name, step())
	}
}

// verify asks whether the account is good: field 25 is 51, and nothing is paid.
func (m *merchant) verify() *iso8583.Message { return m.ask("0100", m.keyedIn("51", "000000000000")) }

// pay asks for money: field 25 is 59.
func (m *merchant) pay() *iso8583.Message {
	m.paid = m.keyedIn("59", m.amount)
	return m.ask("0100", m.paid)
}

// keyedIn is a question with what the cardholder has typed in. Neither 63.3 nor
// 125 is there: that would be an activation, which a merchant may not ask for.
func (m *merchant) keyedIn(condition, amount string) fields {
	content := m.trace()
	maps.Copy(content, fields{
		"2": m.pan, "3": "000000", "4": amount, "14": m.expiry, "18": "5999", "22": "0100"[:m.spec.Fields[22].Spec().Length],
		"23": "000", "25": condition, "42": "WEBSHOP00000001", "49": "840", "126.10": "11 " + m.code,
	})
	return content
}

// reverse takes the payment back. Field 90 names it by its type and fields 11,
// 7 and 32, the last with zeros in front; 2, 4, 32, 37 and 41 are the payment's.
func (m *merchant) reverse() *iso8583.Message {
	if m.paid == nil {
		log.Fatal("nothing was paid: say -do pay,reverse")
	}
	content := m.trace()
	content["90"] = fmt.Sprintf("0100%s%s%011s%011d", m.paid["11"], m.paid["7"], m.paid["32"], 0)
	for _, same := range []string{"2", "3", "4", "14", "25", "37", "49"} {
		content[same] = m.paid[same]
	}
	return m.ask("0400", content)
}

// trace names a new question: when, number, who asks, and a reference, which is
// the last digit of the year, the day, the hour and the number.
func (m *merchant) trace() fields {
	now := time.Now().UTC()
	m.stan = (m.stan + 1) % 1_000_000
	stan := fmt.Sprintf("%06d", m.stan)
	return fields{"7": now.Format("0102150405"), "11": stan, "32": "400552", "37": now.Format("0600215")[1:] + stan, "41": "WEBSHOP1"}
}

func (m *merchant) ask(mti string, content fields) *iso8583.Message {
	question := iso8583.NewMessage(m.spec)
	question.MTI(mti)
	for path, value := range content {
		check(question.MarshalPath(path, value))
	}
	answer, err := m.conn.Send(question)
	check(err)
	return answer
}

func print(step string, answer *iso8583.Message) {
	mti, err := answer.GetMTI()
	check(err)
	fmt.Printf("%s: %s\n", step, mti)
	for _, path := range []string{"25", "38", "39", "44", "62.2", "90"} {
		if value := ""; answer.UnmarshalPath(path, &value) == nil && value != "" {
			fmt.Printf("%-9s %s\n", path, value)
		}
	}
}

// byTrace knows an answer by all that it repeats of its question; moov's own
// way is field 11 alone.
type byTrace struct{}

func (byTrace) GenerateRequestID(m *iso8583.Message) (string, error) {
	mti, err := m.GetMTI()
	if err != nil || len(mti) < 2 {
		return "", fmt.Errorf("a message of type %q: %w", mti, err)
	}
	key := mti[:2]
	for _, number := range []int{7, 11, 32, 37, 41} {
		value, _ := m.GetString(number) // absent in both, or in neither
		key += "/" + value
	}
	return key, nil
}

// A vap frame: 2 bytes length, 2 zero bytes, a header of 22 bytes, the message.
func writeHeader(w io.Writer, n int) (int, error) {
	h := [26]byte{4: 22, 5: 1, 6: 2, 12: 0x10, 14: 0x01}
	binary.BigEndian.PutUint16(h[0:], uint16(n+22))
	binary.BigEndian.PutUint16(h[7:], uint16(n+22))
	return w.Write(h[:])
}

func readHeader(r io.Reader) (int, error) {
	var h [26]byte
	_, err := io.ReadFull(r, h[:])
	return int(binary.BigEndian.Uint16(h[:])) - 22, err
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
