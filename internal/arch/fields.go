package arch

import (
	"go/ast"
	"path"
	"slices"
	"strings"
)

// pathMakers are the names of specs that turn field numbers into paths.
var pathMakers = []string{"P", "ParsePath", "Path"}

func fieldNumbers(t *Tree) []Fault {
	var faults []Fault
	t.eachSource(func(p *Package, f *File) {
		name := localName(f.AST, Module+"/specs")
		if name == "" || mayNumber(p, f) {
			return
		}
		ast.Inspect(f.AST, func(n ast.Node) bool {
			s, ok := n.(*ast.SelectorExpr)
			if ok && isName(s.X, name) && slices.Contains(pathMakers, s.Sel.Name) {
				faults = append(faults, t.fault(s.Pos(), "specs.%s outside specs and messages: let messages give the value a name", s.Sel.Name))
			}
			return true
		})
	})
	return faults
}

// mayNumber allows the wire's two rooms, and the program that decodes fields
// by the number a person types.
func mayNumber(p *Package, f *File) bool {
	return within(p.Dir, "specs") || within(p.Dir, "messages") ||
		within(p.Dir, "cmd") && strings.HasPrefix(path.Base(f.Path), "decode")
}
