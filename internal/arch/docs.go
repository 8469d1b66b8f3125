package arch

import (
	"go/ast"
	"go/token"
	"strings"
)

func docs(t *Tree) []Fault {
	var faults []Fault
	for _, p := range t.Packages {
		if p.Name == "" {
			continue // tests only
		}
		faults = append(faults, packageDoc(p)...)
		if p.Name == "main" {
			continue
		}
		for _, f := range p.sources() {
			for _, decl := range f.AST.Decls {
				faults = append(faults, t.bare(decl)...)
			}
		}
	}
	return faults
}

func packageDoc(p *Package) []Fault {
	begin := "Package " + p.Name + " "
	if p.Name == "main" {
		begin = "Command "
	}
	for _, f := range p.sources() {
		if strings.HasPrefix(f.AST.Doc.Text(), begin) {
			return nil
		}
	}
	return []Fault{{Path: p.Dir, Text: "has no doc comment that begins with " + strings.TrimSpace(begin) +
		": say what it is, what it never does and where to start"}}
}

// bare finds exported names of a declaration that have no doc comment.
func (t *Tree) bare(decl ast.Decl) []Fault {
	switch d := decl.(type) {
	case *ast.FuncDecl:
		if d.Name.IsExported() && ast.IsExported(receiver(d)) && d.Doc.Text() == "" {
			return []Fault{t.undocumented(d.Name)}
		}
	case *ast.GenDecl:
		var faults []Fault
		for _, spec := range d.Specs {
			faults = append(faults, t.bareSpec(d, spec)...)
		}
		return faults
	}
	return nil
}

func (t *Tree) bareSpec(d *ast.GenDecl, spec ast.Spec) []Fault {
	var faults []Fault
	switch s := spec.(type) {
	case *ast.TypeSpec:
		if s.Name.IsExported() && s.Doc.Text() == "" && (d.Lparen.IsValid() || d.Doc.Text() == "") {
			faults = append(faults, t.undocumented(s.Name))
		}
		if methods, ok := s.Type.(*ast.InterfaceType); ok && s.Name.IsExported() {
			faults = append(faults, t.bareMethods(methods)...)
		}
	case *ast.ValueSpec:
		if s.Doc.Text() != "" || s.Comment.Text() != "" || d.Doc.Text() != "" || d.Tok == token.IMPORT {
			break
		}
		for _, name := range s.Names {
			if name.IsExported() {
				faults = append(faults, t.undocumented(name))
			}
		}
	}
	return faults
}

func (t *Tree) bareMethods(i *ast.InterfaceType) []Fault {
	var faults []Fault
	for _, m := range i.Methods.List {
		if len(m.Names) > 0 && m.Names[0].IsExported() && m.Doc.Text() == "" && m.Comment.Text() == "" {
			faults = append(faults, t.undocumented(m.Names[0]))
		}
	}
	return faults
}

func (t *Tree) undocumented(name *ast.Ident) Fault {
	return t.fault(name.Pos(), "%s is exported and has no doc comment: give formats, units, errors and the source of the fact", name.Name)
}

// receiver is the name of a method's type; for a function, its own name.
func receiver(d *ast.FuncDecl) string {
	if d.Recv == nil || len(d.Recv.List) == 0 {
		return d.Name.Name
	}
	e := d.Recv.List[0].Type
	for {
		switch x := e.(type) {
		case *ast.StarExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.IndexListExpr:
			e = x.X
		case *ast.Ident:
			return x.Name
		default:
			return ""
		}
	}
}
