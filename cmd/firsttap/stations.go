package main

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/firsttap/firsttap/api/client"
)

func stationsCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "stations",
		Short: "List who is connected how, and change stations while the gateway runs",
		Long: `stations asks a running gateway for its stations: doors where wallets, merchants
and others dial in, and issuers. To change them, change the gateway's settings
file and let the gateway read it anew: connections of what did not change live
on, those of others may end what is under way.`,
		Example: `  firsttap stations list
  firsttap stations reload
  firsttap stations list --json --gateway http://127.0.0.1:8581`,
		Args: onlyCommands, RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(stationsListCommand(), stationsReloadCommand())
	return c
}

func stationsListCommand() *cobra.Command {
	var f rangeFlags
	c := &cobra.Command{
		Use:   "list",
		Short: "List the stations with their roles, addresses and connections",
		Example: `  firsttap stations list
  firsttap stations list --json
  firsttap stations list --gateway https://127.0.0.1:8581 --as auditor:eyes`,
		Args: noArgs, ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(c *cobra.Command, _ []string) error {
			operator, err := operatorClient(f.operatorFlags)
			if err != nil {
				return err
			}
			list, err := operator.Stations(c.Context())
			if err != nil {
				return doorFault(operator, err)
			}
			if f.json {
				return printJSON(c.OutOrStdout(), map[string]any{"stations": list})
			}
			return tellStations(c.OutOrStdout(), list)
		},
	}
	f.add(c)
	return c
}

func stationsReloadCommand() *cobra.Command {
	var f rangeFlags
	c := &cobra.Command{
		Use:   "reload",
		Short: "Let the gateway read its settings file anew",
		Long: `reload lets the gateway read its settings file anew, and brings stations, issuers
and newly said ranges into force. A file that does not hold changes nothing, and
every fault is said. What else the file changes is taken up by a start only.`,
		Example: `  firsttap stations reload
  firsttap stations reload --json
  kill -HUP "$(pidof firsttap)"`,
		Args: noArgs, ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(c *cobra.Command, _ []string) error {
			operator, err := operatorClient(f.operatorFlags)
			if err != nil {
				return err
			}
			list, restart, err := operator.ReloadStations(c.Context())
			if err != nil {
				return doorFault(operator, err)
			}
			if f.json {
				return printJSON(c.OutOrStdout(), map[string]any{"stations": list, "restart": restart})
			}
			if err := tellStations(c.OutOrStdout(), list); err != nil || !restart {
				return err
			}
			_, err = fmt.Fprintln(c.OutOrStdout(), "The file changes more than stations, issuers and ranges: start the gateway anew for that.")
			return err
		},
	}
	f.add(c)
	return c
}

// tellStations prints a table.
func tellStations(w io.Writer, list []client.Station) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "STATION\tROLE\tADDRESS\tCONNECTIONS\tSIGNED ON\tSPEC\tFRAMING\tTLS")
	for _, s := range list {
		address := s.Address
		if s.Dialled {
			address = "dials " + address
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%d\t%d\t%s\t%s\t%s\n", s.Name, s.Role, address, s.Connections, s.SignedOn, s.Spec, s.Framing, s.TLS)
	}
	return table.Flush()
}
