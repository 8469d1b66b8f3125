package main

import (
	"net/url"

	"github.com/spf13/cobra"

	"github.com/firsttap/firsttap/api/client"
	"github.com/firsttap/firsttap/internal/config"
)

// operatorFlags say where the operators' door is.
type operatorFlags struct {
	gateway string
}

func (f *operatorFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&f.gateway, "gateway", "http://"+config.DefaultGateway().HTTP.Operators, "the gateway's operators' door, a URL")
	_ = c.RegisterFlagCompletionFunc("gateway", cobra.NoFileCompletions)
}

// operatorClient calls the operators' door that the flags name.
func operatorClient(f operatorFlags) (client.Operator, error) {
	u, err := url.Parse(f.gateway)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return client.Operator{}, usage("--gateway must be a URL such as http://%s", config.DefaultGateway().HTTP.Operators)
	}
	return client.Operator{BaseURL: f.gateway}, nil
}
