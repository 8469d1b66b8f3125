package token_test

import (
	"errors"
	"testing"

	"github.com/firsttap/firsttap/token"
)

// Every state by every event. An empty cell is a step that may not be taken.
func TestLifecycle(t *testing.T) {
	events := []token.Event{
		token.Activate, token.DrawPasscode, token.FailPasscode, token.Suspend, token.Resume,
		token.UpdateExpiry, token.ReplacePAN, token.Deactivate,
	}
	table := map[token.Status][]token.Status{
		//                  activate draw  fail  suspend resume expiry PAN  deactivate
		token.Inactive:    {"A", "I", "I", "", "", "I", "I", "D"},
		token.Active:      {"", "", "", "S", "", "A", "A", "D"},
		token.Suspended:   {"", "", "", "", "A", "S", "S", "D"},
		token.Deactivated: {"", "", "", "", "", "", "", ""},
	}
	if len(table) != len(token.Statuses) || len(events) != len(token.Events) {
		t.Fatal("the table does not hold every state and event")
	}
	for _, from := range token.Statuses {
		for i, event := range events {
			step(t, from, event, table[from][i])
		}
	}
	for _, event := range append(token.Events, "", "A") {
		step(t, "", event, "")
		step(t, "X", event, "")
	}
	for _, from := range token.Statuses {
		step(t, from, "", "")
		step(t, from, "delete", "")
	}
}

func step(t *testing.T, from token.Status, event token.Event, want token.Status) {
	t.Helper()
	got, err := from.After(event)
	if want != "" {
		if got != want || err != nil {
			t.Errorf("%s at %s: %s, %v, want %s", from.Word(), event, got.Word(), err, want.Word())
		}
		return
	}
	var refused *token.StepError
	if got != from || !errors.As(err, &refused) || *refused != (token.StepError{From: from, Event: event}) {
		t.Errorf("%s at %s: %s, %v, want that it stays", from.Word(), event, got.Word(), err)
	}
}

func TestStepErrorInWords(t *testing.T) {
	_, err := token.Deactivated.After(token.Resume)
	if want := "a token that is deactivated cannot resume"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

func TestWords(t *testing.T) {
	for status, want := range map[token.Status]string{
		"I": "inactive", "A": "active", "S": "suspended", "D": "deactivated", "": "unknown", "X": "unknown",
	} {
		if got := status.Word(); got != want {
			t.Errorf("%q is %s, want %s", status, got, want)
		}
	}
}

func TestNoticeOf(t *testing.T) {
	for event, want := range map[token.Event]token.NoticeReason{
		token.Activate: "3700", token.Deactivate: "3701", token.Suspend: "3702", token.Resume: "3703",
		token.FailPasscode: "3712", token.DrawPasscode: "3715", token.UpdateExpiry: "3720", token.ReplacePAN: "3721",
	} {
		if got := token.NoticeOf(event); got != want {
			t.Errorf("%s is told as %s, want %s", event, got, want)
		}
	}
}
