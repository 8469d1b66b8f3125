package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"
)

// TestGatewayStoppedAtOnce holds that a gateway that is stopped while it starts
// ends as one that is stopped later: without an error.
func TestGatewayStoppedAtOnce(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	stop()
	settings := filepath.Join(t.TempDir(), "gateway.yaml")
	text := `stations: [{name: wallets, role: requestor, listen: "127.0.0.1:0"}, {name: merchants, role: merchant, listen: "127.0.0.1:0"}]
http: {issuers: "127.0.0.1:0", phones: "127.0.0.1:0", operators: "127.0.0.1:0"}
`
	if err := os.WriteFile(settings, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	command := root()
	var out bytes.Buffer
	command.SetOut(&out)
	command.SetErr(&out)
	command.SetArgs([]string{"gateway", "--dir", t.TempDir(), "--config", settings})
	if err := command.ExecuteContext(ctx); err != nil {
		t.Errorf("it ended with %v\n%s", err, out.String())
	}
}
