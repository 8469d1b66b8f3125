package arch

import (
	"slices"
	"strconv"
	"strings"
)

func imports(t *Tree) []Fault {
	var faults []Fault
	for _, p := range t.Packages {
		home := roomOf(p.Dir)
		if home == nil {
			faults = append(faults, Fault{Path: p.Dir, Text: "is in no room: say in internal/arch/table_rooms.go what it may import"})
			continue
		}
		for _, f := range p.Files {
			faults = append(faults, t.importsOf(home, f)...)
		}
	}
	return faults
}

func (t *Tree) importsOf(home *room, f *File) []Fault {
	var faults []Fault
	for _, spec := range f.AST.Imports {
		name, err := strconv.Unquote(spec.Path.Value)
		if err == nil && !home.allows(name, f.Test) {
			name = strings.TrimPrefix(name, Module+"/")
			faults = append(faults, t.fault(spec.Pos(), "%s must not import %s: %s", home.folder, name, home.why))
		}
	}
	return faults
}

// allows reports whether a file of r may import the path name.
func (r *room) allows(name string, test bool) bool {
	may, modules := r.may, r.modules
	if test {
		may, modules = with(may, with(inAnyTest, r.tests...)...), with(modules, with(inAnyTest, r.tests...)...)
	}
	if inside, ok := strings.CutPrefix(name, Module+"/"); ok {
		target := roomOf(inside)
		return target != nil && (target.folder == r.folder || slices.Contains(may, target.folder))
	}
	if first, _, _ := strings.Cut(name, "/"); !strings.Contains(first, ".") {
		return name != "C" // the standard library
	}
	return slices.Contains(modules, anyModule) ||
		slices.ContainsFunc(modules, func(m string) bool { return within(name, m) })
}

// roomOf gives the nearest room of a folder, nil when it has none.
func roomOf(dir string) *room {
	var best *room
	for i, r := range rooms {
		if within(dir, r.folder) && (best == nil || len(r.folder) > len(best.folder)) {
			best = &rooms[i]
		}
	}
	return best
}
