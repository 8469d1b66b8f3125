// Package explanation tells people why a transaction was decided as it was: it
// puts what the audit trail says of it in order and into words, with what to do
// next.
//
// It never asks a gateway and decides nothing: what the trail does not say, it
// does not tell. Start at Of.
package explanation

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/firsttap/firsttap/api/client"
	"github.com/firsttap/firsttap/token"
	"github.com/firsttap/firsttap/vault"
)

// Explanation is what the audit trail says of a transaction, put in order. As
// JSON it is one object.
type Explanation struct {
	Transaction string    `json:"transaction"`
	At          time.Time `json:"at"`
	Subject     string    `json:"subject"` // masked PAN or token reference
	Screening   Screening `json:"screening,omitempty"`
	Decided     string    `json:"decided"` // the event; "" while under way
	Response    string    `json:"response,omitempty"`
	CVV2        string    `json:"cvv2,omitempty"` // 44.10
	Reason      string    `json:"reason,omitempty"`
	Unanswered  string    `json:"unanswered,omitempty"` // why there is no answer of the issuer
	Issuer      string    `json:"issuer"`
	Told        string    `json:"told"`
	Next        string    `json:"next"`
	Entries     []Entry   `json:"entries"`
}

// Screening is what the trail says of how a request was screened. As JSON it is
// an object.
type Screening []labelText

type labelText struct{ label, text string }

// MarshalJSON writes the texts under their labels.
func (s Screening) MarshalJSON() ([]byte, error) {
	texts := make(map[string]string)
	for _, one := range s {
		texts[one.label] = one.text
	}
	return json.Marshal(texts)
}

// Entry is one entry of the trail, as it stands there.
type Entry struct {
	At      time.Time `json:"at"`
	Event   string    `json:"event"`
	Subject string    `json:"subject"`
	Detail  string    `json:"detail"`
}

// Of reads the entries of a transaction, oldest first, of which there must be at
// least one.
func Of(transaction string, entries []client.AuditEntry) Explanation {
	x := Explanation{Transaction: transaction, At: entries[0].At, Subject: entries[0].Subject}
	for _, e := range entries {
		x.Entries = append(x.Entries, Entry(e))
		switch e.Event {
		case vault.EventCodeChecked, vault.EventTapChecked, vault.EventOnlineChecked:
			x.Screening = append(x.Screening, screeningOf(e.Detail)...)
		case vault.EventActivationApproved, vault.EventActivationDeclined, vault.EventTapAccepted, vault.EventTapDeclined,
			vault.EventOnlineApproved, vault.EventOnlineDeclined, vault.EventLifeCycleDone, vault.EventLifeCycleDeclined,
			vault.EventReversalDone, vault.EventReversalDeclined:
			if x.Decided != "" {
				continue // what came of it later has the same transaction, and is told below
			}
			x.Decided = e.Event
			response, reason, _ := strings.Cut(strings.TrimPrefix(e.Detail, "response "), ": ")
			x.Response = response
			x.Reason, x.Unanswered, _ = strings.Cut(reason, ": ")
		}
	}
	if found := x.screened("found"); found != "" {
		x.CVV2, _, _ = strings.Cut(found, ",")
	}
	x.Issuer, x.Told, x.Next = x.issuerSaid(), x.wasTold(), x.whatNext()
	return x
}

// screeningOf takes a detail apart: "label: text; label: text".
func screeningOf(detail string) Screening {
	var list Screening
	for part := range strings.SplitSeq(detail, "; ") {
		label, text, labelled := strings.Cut(part, ": ")
		if !labelled {
			label, text = "checked", part
		}
		list = append(list, labelText{label, text})
	}
	return list
}

func (x Explanation) screened(label string) string {
	for _, one := range x.Screening {
		if one.label == label {
			return one.text
		}
	}
	return ""
}

func (x Explanation) issuerSaid() string {
	switch token.Reason(x.Reason) {
	case token.ReasonIssuerApproved:
		return "approved"
	case token.ReasonIssuerDeclined:
		return "declined"
	case token.ReasonStepUp:
		return "asked for a step-up"
	case token.ReasonStoodIn:
		return x.unanswered() + "; the network decided in its place"
	case token.ReasonIssuerUnavailable:
		return x.unanswered()
	case token.ReasonRestarted:
		return "was asked; the gateway restarted before the answer came"
	}
	if x.Decided == "" {
		return "has not answered yet"
	}
	return "was not asked"
}

func (x Explanation) unanswered() string {
	if x.Unanswered == "" {
		return "did not answer"
	}
	return "did not answer: " + x.Unanswered
}

func (x Explanation) wasTold() string {
	if x.Decided == "" {
		return "nothing yet: the request is under way"
	}
	told := "response " + x.Response
	if words := responseWords[token.Response(x.Response)]; words != "" {
		told += ", " + words
	}
	if x.CVV2 != "" {
		told += "; field 44.10 is " + x.CVV2
	}
	return told
}

func (x Explanation) whatNext() string {
	if advice := advices[token.Reason(x.Reason)]; advice != "" {
		return strings.ReplaceAll(advice, "REFERENCE", x.Subject)
	}
	if x.Decided == "" {
		return "ask again in a moment; what a restart leaves behind is resolved when the gateway starts"
	}
	return "nothing"
}

// more lists the entries that no other line tells of.
func (x Explanation) more() []string {
	var list []string
	for _, e := range x.Entries {
		switch e.Event {
		case vault.EventActivationClaimed, vault.EventCodeChecked, vault.EventTapChecked, vault.EventOnlineChecked, x.Decided,
			vault.EventAdviceAcknowledged: // when is between the gateway and the issuer
			continue
		}
		text := e.Event
		if e.Detail != "" {
			text += ", " + e.Detail
		}
		list = append(list, text)
	}
	return list
}

// String tells people, one thing a line.
func (x Explanation) String() string {
	decided := x.Decided
	if decided == "" {
		decided = "under way"
	}
	if x.Reason != "" {
		decided += ": " + x.Reason
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Transaction %s of %s, %s\n", x.Transaction, x.At.UTC().Format(time.RFC3339), decided)
	line := func(label, text string) { fmt.Fprintf(&b, "  %-9s %s\n", label, text) }
	switch {
	case strings.Contains(x.Subject, "*"):
		line("account", x.Subject)
	case x.Subject != "":
		line("token", x.Subject) // by its reference
	}
	for _, one := range x.Screening {
		line(one.label, one.text)
	}
	line("issuer", x.Issuer)
	line("told", x.Told)
	for _, text := range x.more() {
		line("also", text)
	}
	line("next", x.Next)
	return b.String()
}
