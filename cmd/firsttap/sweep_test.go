package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/emv"
	"github.com/firsttap/firsttap/internal/certs"
	"github.com/firsttap/firsttap/internal/config"
	"github.com/firsttap/firsttap/internal/network"
	"github.com/firsttap/firsttap/keys"
	"github.com/firsttap/firsttap/simulator/story"
	"github.com/firsttap/firsttap/specs"
	"github.com/firsttap/firsttap/vault"
)

// sweepSeed and sweepTime fix every number and code of the sweep. Three digits
// turn up anywhere by chance, so the sweep must be the same every time.
const sweepSeed = 11

var sweepTime = time.Date(2026, 11, 22, 12, 20, 0, 0, time.UTC)

// TestNothingSecretIsShown plays the story and every case at trace level and
// searches all that was logged, printed, answered and stored for the clear
// values. The cardholder's page is the only place where they may stand.
func TestNothingSecretIsShown(t *testing.T) {
	cases := append([]story.Case{{}}, story.Cases()...)
	for _, c := range cases {
		name := c.Name
		if name == "" {
			name = "the whole story"
		}
		t.Run(name, func(t *testing.T) { sweep(t, c) })
	}
}

func sweep(t *testing.T, c story.Case) {
	var log lockedBuffer
	dir := t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	found := secrets{}
	var mu sync.Mutex
	w, err := openWorld(ctx, worldOptions{
		dir: dir, seed: sweepSeed, fixedKeys: true, start: sweepTime, holder: "Ada Lovelace", amount: 1250,
		setup: c.Setup,
		log:   zerolog.New(&log).Level(zerolog.TraceLevel),
		raw: func(body []byte) {
			mu.Lock()
			defer mu.Unlock()
			found.fromMessage(t, body)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	report, err := story.Play(ctx, w.story, c)
	if err != nil || !report.OK() {
		t.Fatalf("%v %+v", err, report.Refusal)
	}
	shown := map[string]string{
		"report": asJSON(t, report), "story": story.Tell(report, c, w.seed), "doors": w.doors(anyPort),
		"office page": get(t, http.DefaultClient, w.issuer.siteURL()+"/office"), "front page": get(t, http.DefaultClient, w.issuer.siteURL()+"/"),
		"refused request": post(t, asIssuer(t, w), w.network.URL(network.Issuers)+"/dCVV2/v1/generate", brokenRequest(w)),
	}
	if report.Token != nil {
		shown["operators' token"] = get(t, w.story.Operator.HTTP, w.network.URL(network.Operators)+"/operator/v1/tokens/"+report.Token.Reference)
	}
	for _, event := range []string{vault.EventActivationApproved, vault.EventActivationDeclined, vault.EventTapAccepted, vault.EventTapDeclined} {
		for _, id := range w.about(t, event) {
			shown["explanation of "+event+" "+id] = w.explain(t, id) + w.explain(t, id, "--json")
		}
	}
	operated := operatorsSee(t, w) // while all that is secret is in memory
	mu.Lock()
	found.fromNetwork(t, w, dir)
	mu.Unlock()
	if err := w.close(); err != nil {
		t.Fatal(err)
	}
	shown["log"] = log.String()
	found.checkEnough(t)
	for where, text := range shown {
		found.searchText(t, where, text)
	}
	for where, text := range operated {
		found.searchBytes(t, where, []byte(text)) // its numbers are counts and sizes, any of which may look like a code
	}
	found.searchFiles(t, dir)
}

// operatorsSee are the metrics, and the profiles of the process, unpacked.
func operatorsSee(t *testing.T, w *world) map[string]string {
	t.Helper()
	door := w.network.URL(network.Operators)
	seen := map[string]string{"metrics": get(t, w.story.Operator.HTTP, door+"/metrics")}
	for _, name := range []string{"heap", "allocs", "goroutine"} {
		packed, err := gzip.NewReader(strings.NewReader(get(t, w.story.Operator.HTTP, door+"/debug/pprof/"+name)))
		if err != nil {
			t.Fatal(err)
		}
		profile, err := io.ReadAll(packed)
		if err != nil {
			t.Fatal(err)
		}
		seen[name+" profile"] = string(profile)
	}
	return seen
}

// secrets are clear values by what they are. Digits are searched as such and
// packed; bytes raw, in hexadecimal and in base 64; codes as words.
type secrets struct {
	digits map[string]string
	bytes  map[string]string
	codes  map[string]string
}

func (s *secrets) add(to *map[string]string, value, what string) {
	if *to == nil {
		*to = make(map[string]string)
	}
	if value != "" {
		(*to)[value] = what
	}
}

// fromMessage takes the numbers, codes and cryptograms out of a message that
// went over the wire.
func (s *secrets) fromMessage(t *testing.T, body []byte) {
	m, err := specs.VisaStyleCodec().Parse(body)
	if err != nil {
		t.Errorf("an actor saw a message that does not parse: %v", err)
		return
	}
	s.add(&s.digits, m.Text(specs.P(2)), "PAN or token in field 2")
	s.add(&s.digits, m.Text(specs.P(123, 1, 1)), "token in field 123")
	s.add(&s.bytes, string(m.Bytes(specs.P(55, 1, 0x9F26))), "cryptogram")
	if authentication := m.Bytes(specs.P(55, 1, 0x91)); len(authentication) == 8 {
		s.add(&s.bytes, string(authentication[:4]), "ARPC")
	}
	if cvv2 := m.Text(specs.P(126, 10)); len(cvv2) == 6 {
		s.add(&s.codes, strings.TrimSpace(cvv2[2:]), "code in field 126.10")
	}
}

// fromNetwork takes the codes and keys that the network can compute.
func (s *secrets) fromNetwork(t *testing.T, w *world, dir string) {
	ring, err := keys.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	code, err := ring.CodeMaster(config.IssuerRangeDefault, 1)
	if err != nil {
		t.Fatal(err)
	}
	master, err := ring.TokenMaster(1)
	if err != nil {
		t.Fatal(err)
	}
	seal, _ := ring.Secret(keys.PANSeal, 1)
	reference, _ := ring.Secret(keys.PANReference, 1)
	for what, key := range map[string][]byte{
		"code master key": code.(dcvv2.MasterKey).Reveal(), "token master key": master.Reveal(), "PAN sealing key": seal, "PAN reference key": reference,
	} {
		s.add(&s.bytes, string(key), what)
	}
	for _, account := range w.issuer.host.Book.All() {
		s.add(&s.digits, account.PAN.Reveal(), "PAN of an issued card")
		issued, err := dcvv2.Generate(dcvv2.Always(dcvv2.DefaultPolicy()), code.(dcvv2.MasterKey).Masters,
			dcvv2.Account{PAN: account.PAN, Sequence: account.Sequence, Expiry: account.Expiry}, sweepTime, dcvv2.CodesMax, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, one := range issued {
			s.add(&s.codes, one.Code.Reveal(), "code")
		}
	}
	s.fromTokens(t, w, master)
}

func (s *secrets) fromTokens(t *testing.T, w *world, master emv.Key) {
	entries, err := w.network.Store().Audit(t.Context(), 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if found, err := w.network.Store().TokenByReference(t.Context(), e.Subject); err == nil {
			s.add(&s.bytes, string(emv.CardKey(master, found.Number, found.Sequence).Reveal()), "card key of a token")
		}
	}
}

// checkEnough makes sure that the sweep searches for something.
func (s *secrets) checkEnough(t *testing.T) {
	if len(s.digits) < 1 || len(s.codes) < 20 || len(s.bytes) < 4 {
		t.Errorf("too little to search for: %d numbers, %d codes, %d keys and cryptograms", len(s.digits), len(s.codes), len(s.bytes))
	}
}

var (
	word     = regexp.MustCompile(`[0-9A-Za-z.:-]+`)
	duration = regexp.MustCompile(`\b[0-9.]+ ms\b`) // of any length, so it may look like a code
)

func (s *secrets) searchText(t *testing.T, where, text string) {
	t.Helper()
	s.searchBytes(t, where, []byte(text))
	for _, w := range words(text) {
		if what, ok := s.codes[w]; ok {
			t.Errorf("%s shows a %s", where, what)
		}
	}
}

// words are the words of a text that could be a code: those of the strings of
// its JSON, or of the text itself. JSON's numbers are durations and sizes.
func words(text string) []string {
	var found []string
	for line := range strings.Lines(text) {
		var value any
		if json.Unmarshal([]byte(line), &value) == nil {
			found = append(found, wordsIn(value)...)
		} else {
			found = append(found, word.FindAllString(duration.ReplaceAllString(line, ""), -1)...)
		}
	}
	return found
}

func wordsIn(value any) (found []string) {
	switch v := value.(type) {
	case string:
		return word.FindAllString(v, -1)
	case []any:
		for _, one := range v {
			found = append(found, wordsIn(one)...)
		}
	case map[string]any:
		for _, one := range v {
			found = append(found, wordsIn(one)...)
		}
	}
	return found
}

func (s *secrets) searchBytes(t *testing.T, where string, data []byte) {
	t.Helper()
	for digits, what := range s.digits {
		grouped := digits[:4] + " " + digits[4:8] + " " + digits[8:12] + " " + digits[12:]
		packed, _ := hex.DecodeString(digits)
		for form, value := range map[string][]byte{"clear": []byte(digits), "groups of four": []byte(grouped), "BCD": packed} {
			if bytes.Contains(data, value) {
				t.Errorf("%s shows a %s in %s", where, what, form)
			}
		}
	}
	for value, what := range s.bytes {
		for form, shown := range map[string]string{
			"clear": value, "hexadecimal": hex.EncodeToString([]byte(value)),
			"base 64": strings.TrimRight(base64.StdEncoding.EncodeToString([]byte(value)), "="),
		} {
			if bytes.Contains(data, []byte(shown)) || bytes.Contains(data, []byte(strings.ToUpper(shown))) {
				t.Errorf("%s shows a %s in %s", where, what, form)
			}
		}
	}
}

// searchFiles searches every file of the data folder, byte for byte, and every
// text of the store for codes. The wrapping key's own file holds no other key.
func (s *secrets) searchFiles(t *testing.T, dir string) {
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		s.searchBytes(t, filepath.Base(path), data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", filepath.Join(dir, network.StoreFile))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, table := range column(t, db, `SELECT name FROM sqlite_master WHERE type = 'table'`) {
		for _, name := range column(t, db, `SELECT name FROM pragma_table_info('`+table+`') WHERE type IN ('TEXT', 'BLOB')`) {
			for _, text := range column(t, db, fmt.Sprintf(`SELECT CAST(%q AS TEXT) FROM %q`, name, table)) {
				if what, ok := s.codes[text]; ok {
					t.Errorf("the store shows a %s in %s.%s", what, table, name)
				}
			}
		}
	}
}

func column(t *testing.T, db *sql.DB, query string) []string {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var text sql.NullString
		if err := rows.Scan(&text); err != nil {
			t.Fatal(err)
		}
		all = append(all, text.String)
	}
	return all
}

// brokenRequest asks for codes with a PAN and a fault beside it: the refusal
// must not repeat the PAN.
func brokenRequest(w *world) string {
	pan := w.issuer.host.Book.All()[0].PAN.Reveal()
	return `{"msgIdentfctn":{"tranId":"sweep"},"cardAcceptr":{"clientId":"harbour"},` +
		`"acctInfo":{"primryAcctNum":{"pan":"` + pan + `","xpryDt":"` + pan + `"}},"` + pan + `":1}`
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// asIssuer calls as the issuer does, past its wiretap.
func asIssuer(t *testing.T, w *world) *http.Client {
	t.Helper()
	transport, err := calling(w.certificates(), certs.Identity{Role: certs.Issuer, Name: config.IssuerNameDefault})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func get(t *testing.T, c *http.Client, url string) string {
	t.Helper()
	answer, err := c.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	return readAll(t, answer)
}

func post(t *testing.T, c *http.Client, url, body string) string {
	t.Helper()
	answer, err := c.Post(url, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if answer.StatusCode < 400 {
		t.Errorf("%s took a broken request: %s", url, answer.Status)
	}
	return readAll(t, answer)
}

func readAll(t *testing.T, answer *http.Response) string {
	t.Helper()
	defer answer.Body.Close()
	raw, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// lockedBuffer takes the logs of all actors.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
