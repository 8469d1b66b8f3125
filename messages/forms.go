package messages

import (
	"slices"

	"github.com/firsttap/firsttap/specs"
	"github.com/firsttap/firsttap/token"
)

// Presence says whether a message has a field, in the letters of payment
// specifications.
type Presence string

// Presences.
const (
	Mandatory   Presence = "M"
	Optional    Presence = "O"
	Conditional Presence = "C" // by what the message says; parts of a token: all or none
)

// Form is what a message of the family is made of.
type Form struct {
	Name   string   // in words, "activation"
	Types  []string // message types, the repeat last
	Fields []FormField
}

// FormField is one value of a Form.
type FormField struct {
	Path     specs.Path
	Presence Presence
}

// Forms lists the messages of the family with their fields, as their bindings
// have them. Of field 55 it has the tags that firsttap reads; others may come.
func Forms() []Form {
	approved := Outcome{Response: token.Approved}
	return []Form{
		form("network management", []string{"0800"}, &NetworkRequest{}),
		form("network management answer", []string{"0810"}, &NetworkAnswer{Response: token.Approved}, &NetworkAnswer{}),
		form("activation", []string{"0100", "0101"}, &ActivationRequest{}),
		form("activation answer", []string{"0110"}, &ActivationAnswer{Outcome: approved}, &ActivationAnswer{}),
		form("tap", []string{"0100", "0101"}, &TapRequest{}),
		form("tap answer", []string{"0110"}, &TapAnswer{Outcome: approved}, &TapAnswer{}),
		form("remote", []string{"0100", "0101"}, &RemoteRequest{}),
		form("remote answer", []string{"0110"}, &RemoteAnswer{Outcome: approved}, &RemoteAnswer{}),
		form("file update", []string{"0302"}, fileUpdates()...),
		form("file update answer", []string{"0312"}, &FileUpdateAnswer{Response: token.Approved}, &FileUpdateAnswer{}),
		form("token notification", []string{"0620"}, &Notification{}, &Notification{Reason: token.NoticePasscode}),
		form("token notification answer", []string{"0630"}, &NotificationAnswer{Response: token.Approved}, &NotificationAnswer{}),
		form("reversal", []string{"0400", "0401"}, &Reversal{}),
		form("reversal answer", []string{"0410"}, &ReversalAnswer{Response: token.Approved}, &ReversalAnswer{}),
		form("reversal advice", []string{"0420", "0421"}, &Reversal{Advice: true}),
		form("reversal advice answer", []string{"0430"},
			&ReversalAnswer{Advice: true, Response: token.Approved}, &ReversalAnswer{Advice: true}),
		form("advice", []string{"0120", "0121"}, &Advice{}),
		form("advice answer", []string{"0130"}, &AdviceAnswer{Response: token.Approved}, &AdviceAnswer{}),
	}
}

// fileUpdates is a change for each reason and an inquiry.
func fileUpdates() []Message {
	var all []Message
	for _, reason := range FileReasons {
		all = append(all, &FileUpdate{Action: FileChange, Reason: reason})
	}
	return append(all, &FileUpdate{Action: FileInquiry})
}

// form asks a message's binding, for an answer once approved and once
// declined: what only some of the variants have or must have is conditional.
func form(name string, types []string, variants ...Message) Form {
	f := Form{Name: name, Types: types}
	for i, variant := range variants {
		b := &binding{notes: &notes{}}
		variant.bind(b)
		f.merge(b.notes.fields, i == 0)
	}
	slices.SortFunc(f.Fields, func(a, b FormField) int { return int(a.Path) - int(b.Path) })
	return f
}

func (f *Form) merge(fields []FormField, first bool) {
	if first {
		f.Fields = fields
		return
	}
	for _, one := range fields {
		if fieldAt(f.Fields, one.Path) < 0 {
			f.Fields = append(f.Fields, FormField{one.Path, Conditional})
		}
	}
	for i, have := range f.Fields {
		if at := fieldAt(fields, have.Path); at < 0 || fields[at].Presence != have.Presence {
			f.Fields[i].Presence = Conditional
		}
	}
}

func fieldAt(fields []FormField, p specs.Path) int {
	return slices.IndexFunc(fields, func(one FormField) bool { return one.Path == p })
}

// notes is what a binding says of its fields when it moves no values.
type notes struct {
	fields  []FormField
	grouped bool
}

func (n *notes) add(p specs.Path, need presence) {
	f := FormField{p, Optional}
	switch {
	case n.grouped:
		f.Presence = Conditional
	case need == mandatory:
		f.Presence = Mandatory
	}
	n.fields = append(n.fields, f)
}

// together notes fields of which there are all or none.
func (n *notes) together(bind func()) {
	n.grouped = true
	bind()
	n.grouped = false
}
