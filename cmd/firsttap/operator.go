package main

import (
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/firsttap/firsttap/api/client"
	"github.com/firsttap/firsttap/internal/certs"
	"github.com/firsttap/firsttap/internal/config"
	"github.com/firsttap/firsttap/internal/network"
)

// operatorFlags say where the operators' door is and who calls.
type operatorFlags struct {
	gateway string
	certs   string // folder
	as      string // ROLE:NAME
}

func (f *operatorFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&f.gateway, "gateway", "http://"+config.DefaultGateway().HTTP.Operators, "the gateway's operators' door, a URL")
	c.Flags().StringVar(&f.certs, "certs", filepath.Join(config.DataDir("gateway"), config.CertificatesFolder), "folder of certificates, for a door with https")
	c.Flags().StringVar(&f.as, "as", string(network.OperatorDefault.Role)+":"+network.OperatorDefault.Name, "whose certificate to show there, ROLE:NAME")
	_ = c.MarkFlagDirname("certs")
	for _, name := range []string{"gateway", "as"} {
		_ = c.RegisterFlagCompletionFunc(name, cobra.NoFileCompletions)
	}
}

// operatorClient calls the operators' door that the flags name.
func operatorClient(f operatorFlags) (client.Operator, error) {
	u, err := url.Parse(f.gateway)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return client.Operator{}, usage("--gateway must be a URL such as http://%s", config.DefaultGateway().HTTP.Operators)
	}
	who, err := certs.ParseIdentity("urn:firsttap:" + f.as)
	if err != nil || (who.Role != certs.Operator && who.Role != certs.Auditor) {
		return client.Operator{}, usage("--as must be operator:NAME or auditor:NAME")
	}
	operator := client.Operator{BaseURL: f.gateway}
	if u.Scheme == "https" {
		transport, err := calling(f.certs, who)
		if err != nil {
			return operator, err
		}
		operator.HTTP = &http.Client{Transport: transport}
	}
	return operator, nil
}

// calling is a transport of a client that a folder has the certificate of.
func calling(dir string, who certs.Identity) (*http.Transport, error) {
	transport, err := certs.Transport(certs.ClientFiles(dir, who))
	if err != nil {
		return nil, fmt.Errorf("reading the certificate of %s %s, which `firsttap gateway` or `firsttap certs` makes: %w", who.Role, who.Name, err)
	}
	return transport, nil
}

// curl is a line that calls a door as a client, for a person to try.
func curl(dir string, who certs.Identity, url string) string {
	files := certs.ClientFiles(dir, who)
	return fmt.Sprintf("curl --cacert %s --cert %s --key %s %s", files.AuthorityFile, files.CertificateFile, files.PrivateKeyFile, url)
}
