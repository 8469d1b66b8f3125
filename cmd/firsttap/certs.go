package main

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/firsttap/firsttap/api/wire"
	"github.com/firsttap/firsttap/internal/certs"
	"github.com/firsttap/firsttap/internal/config"
	"github.com/firsttap/firsttap/internal/network"
)

// certsFlags are the flags of `firsttap certs`.
type certsFlags struct {
	dir   string
	hosts []string
	names map[certs.Role]*[]string
	json  bool
}

func certsCommand() *cobra.Command {
	f := certsFlags{names: make(map[certs.Role]*[]string)}
	c := &cobra.Command{
		Use:   "certs",
		Short: "Make a test authority and certificates for the gateway and its clients",
		Long: `certs makes what two-way TLS needs, in one folder: a test authority, the
gateway's certificate and one for each client named. Without a name it makes
those of issuer harbour and operator ops. What is there is kept; certificates
that end within 30 days are made anew with new keys, and a gateway that runs
takes them up by itself. Private keys have mode 0600.

A client's certificate says who it is by the URI urn:firsttap:ROLE:NAME:
  issuer    codes and enrolment of its own ranges; NAME is its clientId
  enquirer  may only ask whether accounts are enrolled; NAME is the clientId
  operator  everything at the operators' door
  auditor   looks at the operators' door and changes nothing
  requestor, provider, merchant
            the station of that role and NAME at its TCP door; issuers and
            operators have such doors too
  network   the gateway itself, named gateway, where it dials issuers

The certificates are for tests: mode: production refuses them.`,
		Example: `  firsttap certs
  firsttap certs --dir ./certs --issuer harbour --enquirer harbour --auditor eyes
  firsttap certs --dir ./certs --host gateway.example --host 192.0.2.7
  firsttap certs --json`,
		Args: noArgs, ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(c *cobra.Command, _ []string) error { return f.run(c) },
	}
	c.Flags().StringVar(&f.dir, "dir", filepath.Join(config.DataDir("gateway"), config.CertificatesFolder), "folder to make them in")
	for _, role := range certs.Roles() {
		f.names[role] = c.Flags().StringArray(string(role), nil, "name of an "+string(role)+"; may be given again")
		_ = c.RegisterFlagCompletionFunc(string(role), cobra.NoFileCompletions)
	}
	c.Flags().StringArrayVar(&f.hosts, "host", nil, "name or address of the gateway beside localhost; may be given again")
	_ = c.RegisterFlagCompletionFunc("host", cobra.NoFileCompletions)
	c.Flags().BoolVar(&f.json, "json", false, "print what was made as one JSON document")
	_ = c.MarkFlagDirname("dir")
	return c
}

func (f certsFlags) run(c *cobra.Command) error {
	order, err := f.order()
	if err != nil {
		return err
	}
	items, err := certs.Make(f.dir, order)
	if err != nil {
		return fmt.Errorf("%s: %w", f.dir, err)
	}
	if f.json {
		return printJSON(c.OutOrStdout(), document(f.dir, items))
	}
	_, err = io.WriteString(c.OutOrStdout(), f.told(items))
	return err
}

// order is what the flags ask for.
func (f certsFlags) order() (certs.Order, error) {
	order := certs.Order{Hosts: f.hosts}
	for _, role := range certs.Roles() {
		for _, name := range *f.names[role] {
			order.Clients = append(order.Clients, certs.Identity{Role: role, Name: name})
		}
	}
	if len(order.Clients) == 0 {
		order.Clients = []certs.Identity{{Role: certs.Issuer, Name: config.IssuerNameDefault}, network.OperatorDefault}
	}
	if err := order.Check(); err != nil {
		return order, usage("%v", err)
	}
	return order, nil
}

// certificateMade is one certificate as programs read of it.
type certificateMade struct {
	File     string   `json:"file"`
	KeyFile  string   `json:"keyFile"`
	State    string   `json:"state"`
	Identity string   `json:"identity,omitempty"`
	Hosts    []string `json:"hosts,omitempty"`
	SHA256   string   `json:"sha256"`
	NotAfter string   `json:"notAfter"`
}

type certificatesMade struct {
	Folder       string            `json:"folder"`
	Certificates []certificateMade `json:"certificates"`
}

func document(dir string, items []certs.Item) certificatesMade {
	made := certificatesMade{Folder: dir}
	for _, i := range items {
		one := certificateMade{
			File: i.File, KeyFile: i.KeyFile, State: string(i.State), Hosts: i.Hosts,
			SHA256: i.Print.String(), NotAfter: i.NotAfter.Format(time.RFC3339),
		}
		if i.Identity != (certs.Identity{}) {
			one.Identity = i.Identity.String()
		}
		made.Certificates = append(made.Certificates, one)
	}
	return made
}

// told says to a person what is in the folder now, and how to use it.
func (f certsFlags) told(items []certs.Item) string {
	var b strings.Builder
	fmt.Fprintf(&b, "certificates in %s\n", f.dir)
	for _, i := range items {
		fmt.Fprintf(&b, "  %-8s %-28s until %s  %s\n", i.State, i.File, i.NotAfter.Format(time.DateOnly), whose(i))
		fmt.Fprintf(&b, "  %-8s sha256 %s\n", "", i.Print)
	}
	fmt.Fprintf(&b, "\nTry:\n")
	said := make(map[certs.Role]bool)
	for _, i := range items {
		if line := f.trial(i.Identity); line != "" && !said[i.Identity.Role] {
			said[i.Identity.Role] = true
			fmt.Fprintf(&b, "  %s\n", line)
		}
	}
	return b.String()
}

func whose(i certs.Item) string {
	switch {
	case i.Identity != (certs.Identity{}):
		return i.Identity.String()
	case len(i.Hosts) > 0:
		return strings.Join(i.Hosts, " ")
	}
	return "signs the others; clients trust it"
}

// trial is a line that shows a client's certificate at work, at the addresses
// of the default settings.
func (f certsFlags) trial(who certs.Identity) string {
	defaults := config.DefaultGateway()
	switch who.Role {
	case certs.Issuer, certs.Enquirer:
		return curl(f.dir, who, "https://"+defaults.HTTP.Issuers+wire.InquiryPath) +
			` --json '{"msgIdentfctn":{"tranId":"r-1"},"cardAcceptr":{"clientId":"` + who.Name +
			`"},"acctInfo":{"primryAcctNum":{"pan":"4761739001010010"}}}'`
	case certs.Operator, certs.Auditor:
		return curl(f.dir, who, "https://"+defaults.HTTP.Operators+"/healthz") + "   # with tls: {operators: two-way}"
	}
	return ""
}
