package main

import (
	"net/http"
	"net/url"

	"github.com/spf13/cobra"

	"github.com/firsttap/firsttap/api/client"
	"github.com/firsttap/firsttap/internal/certs"
	"github.com/firsttap/firsttap/internal/config"
)

// operatorFlags say where the operators' door is and who calls it.
type operatorFlags struct {
	gateway      string
	certificates string
	operator     string
}

func (f *operatorFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&f.gateway, "gateway", "http://"+config.DefaultGateway().HTTP.Operators, "the gateway's operators' door, a URL")
	c.Flags().StringVar(&f.certificates, "certificates", "", "folder with authority and operator's certificate, for a door with https (default: the gateway's)")
	c.Flags().StringVar(&f.operator, "operator", operatorDefault.Name, "whose certificate it is, operator-NAME.pem")
	_ = c.RegisterFlagCompletionFunc("gateway", cobra.NoFileCompletions)
	_ = c.RegisterFlagCompletionFunc("operator", cobra.NoFileCompletions)
	_ = c.MarkFlagDirname("certificates")
}

// operatorClient calls the operators' door that the flags name.
func operatorClient(f operatorFlags) (client.Operator, error) {
	u, err := url.Parse(f.gateway)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return client.Operator{}, usage("--gateway must be a URL such as http://%s", config.DefaultGateway().HTTP.Operators)
	}
	o := client.Operator{BaseURL: f.gateway}
	if u.Scheme == "http" {
		return o, nil
	}
	if f.certificates == "" {
		f.certificates = config.DefaultGateway().TLS.Dir(config.DataDir("gateway"))
	}
	transport, err := calling(f.certificates, certs.Identity{Role: certs.Operator, Name: f.operator})
	if err != nil {
		return client.Operator{}, err
	}
	o.HTTP = &http.Client{Transport: transport}
	return o, nil
}
