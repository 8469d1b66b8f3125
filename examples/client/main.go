// Command client sends one activation to firsttap's door for wallets with
// moov's stock codec and connection library, and prints the answer.
package main

import (
	_ "embed"
	"encoding/binary"
	"flag"
	"fmt"
	"io"
	"log"
	"time"

	"github.com/moov-io/iso8583"
	connection "github.com/moov-io/iso8583-connection"
	"github.com/moov-io/iso8583/specs"
)

//go:embed visa-style.json
var visaStyle []byte

func main() {
	addr, pan := flag.String("addr", "127.0.0.1:8583", "door for wallets"), flag.String("pan", "", "card number")
	expiry, code := flag.String("expiry", "", "YYMM"), flag.String("code", "", "dynamic CVV2, three digits")
	flag.Parse()
	now := time.Now().UTC()
	spec, err := specs.ImportJSON(visaStyle)
	check(err)
	request := iso8583.NewMessage(spec)
	request.MTI("0100")
	for path, value := range map[string]string{
		"2": *pan, "3": "000000", "4": "000000000000", "7": now.Format("0102150405"), "11": now.Format("150405"),
		"14": *expiry, "18": "6012", "22": "0100", "23": "000", "25": "51", "32": "400552", "37": now.Format("060102150405"),
		"41": "CLIENT01", "42": "TOKENREQUESTOR1", "49": "840", "63.3": "3700", "126.10": "11 " + *code,
		"123.01.03": "40010030273", "123.01.06": "SE", "125.01.03": "000102030405060708090A0B0C0D0E0F1011121314151617",
	} {
		check(request.MarshalPath(path, value))
	}
	conn, err := connection.New(*addr, spec, readHeader, writeHeader)
	check(err)
	check(conn.Connect())
	defer conn.Close()
	answer, err := conn.Send(request)
	check(err)
	for _, path := range []string{"39", "44", "62.2", "123.01.04", "123.01.07"} {
		if value := ""; answer.UnmarshalPath(path, &value) == nil && value != "" {
			fmt.Printf("%-9s %s\n", path, value)
		}
	}
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
