package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"github.com/firsttap/firsttap/internal/certs"
)

// TestTheCurlLineIsRight follows the files that the demo's line names.
func TestTheCurlLineIsRight(t *testing.T) {
	w, err := openWorld(t.Context(), worldOptions{dir: t.TempDir(), seed: 1, start: sweepTime, holder: "Ada Lovelace", amount: 1, log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := w.close(); err != nil {
			t.Error(err)
		}
	}()
	_, line, _ := strings.Cut(w.doors(anyPort), "  curl ")
	line, _, _ = strings.Cut(line, "\n")
	words := strings.Fields(line)
	if len(words) != 7 || words[0] != "--cacert" || words[2] != "--cert" || words[4] != "--key" {
		t.Fatalf("the line is curl %s", line)
	}
	transport, err := certs.Transport(certs.Files{AuthorityFile: words[1], CertificateFile: words[3], PrivateKeyFile: words[5]})
	if err != nil {
		t.Fatal(err)
	}
	defer transport.CloseIdleConnections()
	if got := get(t, &http.Client{Transport: transport}, words[6]); got != `{"status":"ok"}` {
		t.Errorf("%s answers %s", words[6], got)
	}
}
