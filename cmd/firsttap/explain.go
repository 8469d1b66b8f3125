package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/firsttap/firsttap/api/client"
	"github.com/firsttap/firsttap/internal/explanation"
)

// transactionDigits is the length of a transaction id (field 62.2).
const transactionDigits = 15

type explainFlags struct {
	operatorFlags
	json bool
}

func explainCommand() *cobra.Command {
	var f explainFlags
	c := &cobra.Command{
		Use:   "explain TRANSACTION",
		Short: "Tell why an activation or a tap was decided as it was",
		Long: `explain asks a gateway's audit trail about one transaction and tells in words
who asked, which windows were tried under which policy, what was found, what was
counted, what the issuer said, what the requestor was told, and what to do next.
Card numbers come masked, codes not at all.

The transaction id has 15 digits. The gateway's log names it with each message,
as "transaction"; the wallet's or merchant's answer has it in field 62.2.`,
		Example: `  firsttap explain 326112212340001
  firsttap explain 326112212340001 --json
  firsttap explain 326112212340001 --gateway https://gateway.example:8581 --certs ./certs --as auditor:eyes`,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(c *cobra.Command, args []string) error { return explain(c, f, args) },
	}
	f.add(c)
	c.Flags().BoolVar(&f.json, "json", false, "print one JSON document, with every entry of the trail")
	return c
}

func explain(c *cobra.Command, f explainFlags, args []string) error {
	if len(args) != 1 || len(args[0]) != transactionDigits || strings.Trim(args[0], "0123456789") != "" {
		return usage("explain takes one transaction id of %d digits: field 62.2 of the answer, or \"transaction\" in the gateway's log", transactionDigits)
	}
	operator, err := operatorClient(f.operatorFlags)
	if err != nil {
		return err
	}
	entries, err := trailOf(c.Context(), operator, args[0])
	if err != nil {
		return err
	}
	told := explanation.Of(args[0], entries)
	if f.json {
		return printJSON(c.OutOrStdout(), told)
	}
	_, err = io.WriteString(c.OutOrStdout(), told.String())
	return err
}

func trailOf(ctx context.Context, operator client.Operator, transaction string) ([]client.AuditEntry, error) {
	entries, err := operator.Explain(ctx, transaction)
	var problem *client.Problem
	switch {
	case errors.As(err, &problem), errors.Is(err, client.ErrAnswer):
		return nil, fmt.Errorf("the operators' door at %s does not tell; is that door there, and by http or https as --gateway says? %w", operator.BaseURL, err)
	case err != nil:
		return nil, fmt.Errorf("the operators' door at %s cannot be reached: is `firsttap gateway` running, and is --gateway its address? %w", operator.BaseURL, err)
	case len(entries) == 0:
		return nil, fmt.Errorf("the gateway at %s knows no transaction %s: look for \"transaction\" in its log, or at field 62.2 of the answer, and whether --gateway is the one that answered", operator.BaseURL, transaction)
	}
	return entries, nil
}
