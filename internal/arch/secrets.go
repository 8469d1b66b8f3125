package arch

import (
	"go/ast"
	"slices"
)

func reveals(t *Tree) []Fault {
	var faults []Fault
	for _, p := range t.Packages {
		found := t.revealsOf(p)
		switch listed := mayReveal[p.Dir] != ""; {
		case listed && len(found) == 0:
			faults = append(faults, Fault{Path: p.Dir, Text: "is listed in internal/arch/table_secrets.go and reveals nothing: take it off the list"})
		case !listed:
			faults = append(faults, found...)
		}
	}
	return faults
}

func (t *Tree) revealsOf(p *Package) []Fault {
	var faults []Fault
	for _, f := range p.sources() {
		ast.Inspect(f.AST, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok && s.Sel.Name == "Reveal" || isRevealMethod(n) {
				faults = append(faults, t.fault(n.Pos(), "%s may not reveal secrets: pass them on as they are, "+
					"or add the room to internal/arch/table_secrets.go with a reason", p.Dir))
			}
			return true
		})
	}
	return faults
}

// isRevealMethod finds the declaration of a Reveal of its own.
func isRevealMethod(n ast.Node) bool {
	d, ok := n.(*ast.FuncDecl)
	return ok && d.Name.Name == "Reveal"
}

// secretWords are last words of fields that hold a secret.
var secretWords = []string{
	"arpc", "arqc", "code", "codes", "cryptogram", "cryptograms", "cvv", "cvv2", "dcvv2", "key", "keys",
	"pan", "pans", "password", "pin", "track", "track1", "track2",
}

func secretFields(t *Tree) []Fault {
	var faults []Fault
	t.eachSource(func(p *Package, f *File) {
		if p.Name == "main" {
			return
		}
		ast.Inspect(f.AST, func(n ast.Node) bool {
			s, ok := n.(*ast.TypeSpec)
			if !ok {
				return true
			}
			if fields, ok := s.Type.(*ast.StructType); ok && s.Name.IsExported() {
				faults = append(faults, t.openSecrets(p, s.Name.Name, fields)...)
			}
			return true
		})
	})
	return faults
}

func (t *Tree) openSecrets(p *Package, owner string, s *ast.StructType) []Fault {
	var faults []Fault
	for _, field := range s.Fields.List {
		if !printsInClear(field.Type) {
			continue
		}
		for _, name := range field.Names {
			full := p.Dir + "." + owner + "." + name.Name
			if soundsSecret(name.Name) && openFields[full] == "" {
				faults = append(faults, t.fault(name.Pos(), "%s prints in clear: use a masked type, rename it, "+
					"or list it in internal/arch/table_secrets.go with a reason", full))
			}
		}
	}
	return faults
}

func soundsSecret(name string) bool {
	all := words(name)
	last := all[len(all)-1]
	if !slices.Contains(secretWords, last) {
		return false
	}
	return !slices.ContainsFunc(all[:len(all)-1], func(w string) bool { return slices.Contains(harmless, w) })
}

// printsInClear reports whether fmt shows the contents: strings, rows of
// bytes, and pointers to, slices and maps of these.
func printsInClear(e ast.Expr) bool {
	switch x := e.(type) {
	case *ast.Ident:
		return x.Name == "string"
	case *ast.StarExpr:
		return printsInClear(x.X)
	case *ast.ArrayType:
		return isName(x.Elt, "byte") || isName(x.Elt, "uint8") || printsInClear(x.Elt)
	case *ast.MapType:
		return printsInClear(x.Value)
	}
	return false
}
