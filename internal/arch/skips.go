package arch

import (
	"go/ast"
	"slices"
)

func skips(t *Tree) []Fault {
	var faults []Fault
	for _, p := range t.Packages {
		if within(p.Dir, "internal/need") {
			continue
		}
		for _, f := range p.Files {
			if !f.Test && localName(f.AST, "testing") == "" {
				continue
			}
			faults = append(faults, t.skipsOf(f)...)
		}
	}
	return faults
}

func (t *Tree) skipsOf(f *File) []Fault {
	var faults []Fault
	ast.Inspect(f.AST, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		s, ok := call.Fun.(*ast.SelectorExpr)
		if ok && slices.Contains([]string{"Skip", "Skipf", "SkipNow"}, s.Sel.Name) {
			faults = append(faults, t.fault(s.Pos(), "%s: step aside with need.Tool or need.That, or not at all", s.Sel.Name))
		}
		return true
	})
	return faults
}
