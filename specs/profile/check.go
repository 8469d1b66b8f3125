package profile

import (
	"fmt"
	"slices"
	"strings"

	"github.com/moov-io/iso8583"

	"github.com/firsttap/firsttap/specs"
)

// check compares a description with what messages need, and gives notes on
// what they may do without.
func check(ms *iso8583.MessageSpec, needs []Need, faults *Faults) (notes []string) {
	theirs := map[string]Field{}
	for _, f := range Fields(ms) {
		theirs[f.Path] = f
	}
	ours, read := dictionary(), len(*faults)
	for _, group := range grouped(needs) {
		path := group.path.String()
		at := jsonPath(group.path)
		if slices.ContainsFunc((*faults)[:read], func(f Fault) bool { return related(f.Path, at) }) {
			continue // it is told already what is wrong there
		}
		their, has := theirs[path]
		switch {
		case has:
			compare(at, ours[path], their, faults)
		case otherTags(ms, group.path):
		case group.mandatory():
			faults.add(at, "it is missing: %s, %s, is needed by %s", path, ours[path].Name, group.who(true))
		default:
			notes = append(notes, fmt.Sprintf("%s is left out: %s cannot be sent or read with %s", path, group.who(false), ours[path].Name))
		}
	}
	return notes
}

// need is all that is needed of one value.
type need struct {
	path specs.Path
	all  []Need
}

func (n need) mandatory() bool {
	return slices.ContainsFunc(n.all, func(one Need) bool { return one.Mandatory })
}

// whoMax is how many messages a fault names (ours).
const whoMax = 3

// who are the messages, the first few of many.
func (n need) who(mandatory bool) string {
	var who []string
	for _, one := range n.all {
		if one.Mandatory || !mandatory {
			who = append(who, one.Message)
		}
	}
	if len(who) > whoMax {
		return fmt.Sprintf("%s and %d more", strings.Join(who[:whoMax], ", "), len(who)-whoMax)
	}
	return strings.Join(who, ", ")
}

func grouped(needs []Need) []need {
	var all []need
	for _, one := range needs {
		i, found := slices.BinarySearchFunc(all, one.Path, func(n need, p specs.Path) int { return int(n.path) - int(p) })
		if !found {
			all = slices.Insert(all, i, need{path: one.Path})
		}
		all[i].all = append(all[i].all, one)
	}
	return all
}

// compare holds a field to what firsttap sends in its place.
func compare(at string, ours, theirs Field, faults *Faults) {
	switch {
	case theirs.Format == FormatParts:
		faults.add(at, "it has parts, firsttap has one value there, %s", ours.Name)
	case theirs.Length < ours.Length:
		faults.add(at+".length", "%d is too short: firsttap sends up to %d", theirs.Length, ours.Length)
	case !theirs.Varies && ours.Varies:
		faults.add(at+".prefix", "the length is fixed: firsttap sends 1 to %d", ours.Length)
	case !theirs.Varies && theirs.Length != ours.Length:
		faults.add(at+".length", "%d is fixed: firsttap sends %d", theirs.Length, ours.Length)
	}
	if !holds(theirs.Format, ours.Format) {
		faults.add(at+".enc", "%s holds %s: firsttap sends %s", theirs.Encoding, theirs.Format, ours.Format)
	}
}

// holds reports whether a place for one format can hold values of another.
func holds(place, value Format) bool {
	switch place {
	case FormatDigits:
		return value == FormatDigits
	case FormatTrack2:
		return value == FormatTrack2
	case FormatText:
		return value != FormatBytes
	}
	return true
}

// otherTags reports whether a tag without a name would be kept there.
func otherTags(ms *iso8583.MessageSpec, p specs.Path) bool {
	f := ms.Fields[p.Field()]
	if f == nil || p.Tag() == 0 {
		return false
	}
	set := f.Spec().Subfields[fmt.Sprintf("%02X", p.Sub())]
	return set != nil && set.Spec().Tag != nil && set.Spec().Tag.StoreUnknownTLVTags
}

// jsonPath is where a value stands in the JSON.
func jsonPath(p specs.Path) string {
	parts := strings.Split(p.String(), ".")
	return "fields." + strings.Join(parts, ".subfields.")
}

// related reports whether a fault is about the field of a value: then what is
// missed there is most likely a consequence.
func related(fault, at string) bool {
	a, b := strings.Split(fault, "."), strings.Split(at, ".")
	return len(a) < 2 || a[1] == b[1]
}
