package arch

import (
	"fmt"
	"go/ast"
)

// Limits of size. Half of them is a better aim.
const (
	FunctionLinesMax = 70  // from func to the closing brace
	FileLinesMax     = 400 // tables and tests excepted
	PackageFilesMax  = 14  // tests and variants for one system excepted; more wants a second noun
)

// crowded lists packages that may hold more files, each with how many and why.
var crowded = map[string]struct {
	files int
	why   string
}{
	"cmd/firsttap":    {30, "a file or two for each command, and every command is in package main"},
	"messages":        {20, "one typed pair per message, and a file for each pair"},
	"specs":           {23, "codec, views, framings and inspection are one exported surface, in files of one subject each"},
	"vault/sqlite":    {19, "one store type fulfils one interface, in a file for each subject of it"},
	"vault/vaulttest": {19, "a chapter of the suite is a file, and all share one bench"},
}

func sizes(t *Tree) []Fault {
	var faults []Fault
	for _, p := range t.Packages {
		limit := max(PackageFilesMax, crowded[p.Dir].files)
		if n := countFiles(p); n > limit {
			faults = append(faults, Fault{Path: p.Dir, Text: fmt.Sprintf("has %d files, the limit is %d: find a second noun", n, limit)})
		}
		for _, f := range p.Files {
			if !f.Test && !f.isTable() && f.Lines > FileLinesMax {
				faults = append(faults, Fault{Path: f.Path, Text: fmt.Sprintf("has %d lines, the limit is %d", f.Lines, FileLinesMax)})
			}
			faults = append(faults, t.longFunctions(f)...)
		}
	}
	return faults
}

// countFiles leaves out files that are built on some systems only: beside
// lock.go, lock_windows.go is no further thing to know.
func countFiles(p *Package) int {
	n := 0
	for _, f := range p.sources() {
		if !f.variant() {
			n++
		}
	}
	return n
}

func (t *Tree) longFunctions(f *File) []Fault {
	var faults []Fault
	for _, decl := range f.AST.Decls {
		fn, ok := decl.(*ast.FuncDecl)
		if !ok || fn.Body == nil || f.isTable() && returnsOnly(fn.Body) {
			continue
		}
		lines := t.fset.Position(fn.End()).Line - t.fset.Position(fn.Pos()).Line + 1
		if lines > FunctionLinesMax {
			faults = append(faults, t.fault(fn.Pos(), "%s has %d lines, the limit is %d", fn.Name.Name, lines, FunctionLinesMax))
		}
	}
	return faults
}

// returnsOnly reports whether a function is nothing but the value it returns,
// as functions in table files are.
func returnsOnly(body *ast.BlockStmt) bool {
	if len(body.List) != 1 {
		return false
	}
	_, ok := body.List[0].(*ast.ReturnStmt)
	return ok
}
