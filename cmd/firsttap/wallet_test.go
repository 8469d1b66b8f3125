package main

import (
	"errors"
	"io"
	"log"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/firsttap/firsttap/internal/certs"
	"github.com/firsttap/firsttap/internal/config"
)

// TestCertificateOfAnotherGateway holds that a wallet that trusts another
// gateway's authority is told which file it is and what to do.
func TestCertificateOfAnotherGateway(t *testing.T) {
	dir := t.TempDir()
	if _, err := certs.Make(dir, certs.Order{}); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, certs.AuthorityFile)
	door := httptest.NewUnstartedServer(nil)
	door.Config.ErrorLog = log.New(io.Discard, "", 0)
	door.StartTLS()
	defer door.Close()
	got := meetDoor(t.Context(), config.WalletPart{Channel: door.URL, Certificate: file})
	if got == nil || !strings.Contains(got.Error(), file) || !strings.Contains(got.Error(), "`certificate`") {
		t.Errorf("a stale certificate is told as %v", got)
	}
	other := errors.New("no answer")
	if got := otherCertificate(other, file); got != other {
		t.Errorf("another error became %v", got)
	}
}
