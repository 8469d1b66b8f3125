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
	Conditional Presence = "C" // in an answer that approves; parts of a token: all or none
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
	const declined = token.DoNotHonour
	return []Form{
		form("network management", []string{"0800"}, &NetworkRequest{}),
		form("network management answer", []string{"0810"}, &NetworkAnswer{Response: token.Approved}, &NetworkAnswer{Response: declined}),
		form("activation", []string{"0100", "0101"}, &ActivationRequest{}),
		form("activation answer", []string{"0110"},
			&ActivationAnswer{Outcome: Outcome{Response: token.Approved}}, &ActivationAnswer{Outcome: Outcome{Response: declined}}),
		form("tap", []string{"0100", "0101"}, &TapRequest{}),
		form("tap answer", []string{"0110"},
			&TapAnswer{Outcome: Outcome{Response: token.Approved}}, &TapAnswer{Outcome: Outcome{Response: declined}}),
		form("token notification", []string{"0620"}, &Notification{}),
		form("token notification answer", []string{"0630"},
			&NotificationAnswer{Response: token.Approved}, &NotificationAnswer{Response: declined}),
	}
}

// form asks a message's binding, for an answer once approved and once
// declined: what only one of them must have is conditional.
func form(name string, types []string, variants ...Message) Form {
	f := Form{Name: name, Types: types}
	for i, variant := range variants {
		b := &binding{notes: &notes{}}
		variant.bind(b)
		for _, one := range b.notes.fields {
			at := slices.IndexFunc(f.Fields, func(have FormField) bool { return have.Path == one.Path })
			switch {
			case at < 0 && i == 0:
				f.Fields = append(f.Fields, one)
			case at < 0:
				f.Fields = append(f.Fields, FormField{one.Path, Conditional})
			case f.Fields[at].Presence != one.Presence:
				f.Fields[at].Presence = Conditional
			}
		}
	}
	slices.SortFunc(f.Fields, func(a, b FormField) int { return int(a.Path) - int(b.Path) })
	return f
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
