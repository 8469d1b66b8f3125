package arch

import (
	"go/ast"
	"slices"
	"strconv"
)

// pure lists the rooms that compute and do nothing else.
var pure = []string{"card", "dcvv2", "emv", "token", "internal/secret"}

// worldly lists packages that reach out of a computation. Their subpackages
// are meant as well.
var worldly = map[string]string{
	"context":       "nothing in the core waits, so nothing can be cancelled",
	"crypto/rand":   "take an io.Reader",
	"database/sql":  "the core has no store",
	"embed":         "the core has no files; a table is Go",
	"flag":          "settings are arguments",
	"io/fs":         "the core has no files",
	"log":           "return what happened; the shells log it",
	"math/rand":     "take an io.Reader",
	"net":           "the core has no sockets",
	"os":            "the core has no files and no environment",
	"path/filepath": "the core has no files",
	"runtime":       "a result must not depend on the machine",
	"sync":          "the core has no shared state, so nothing to lock",
	"syscall":       "the core does not know the system",
	"testing":       "test helpers live in tests",
	"unsafe":        "the core is plain Go",
}

// clocks are the parts of package time that look at a clock, wait, or read
// the machine's time zones.
var clocks = []string{
	"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker",
	"Local", "LoadLocation",
}

func purity(t *Tree) []Fault {
	var faults []Fault
	t.eachSource(func(p *Package, f *File) {
		if !slices.ContainsFunc(pure, func(dir string) bool { return within(p.Dir, dir) }) {
			return
		}
		faults = append(faults, t.worldlyImports(f)...)
		faults = append(faults, t.worldlyWords(f)...)
	})
	return faults
}

func (t *Tree) worldlyImports(f *File) []Fault {
	var faults []Fault
	for _, spec := range f.AST.Imports {
		name, _ := strconv.Unquote(spec.Path.Value)
		for banned, instead := range worldly {
			if within(name, banned) {
				faults = append(faults, t.fault(spec.Pos(), "the core must not import %s: %s", name, instead))
			}
		}
	}
	return faults
}

func (t *Tree) worldlyWords(f *File) []Fault {
	var faults []Fault
	clock, printer := localName(f.AST, "time"), localName(f.AST, "fmt")
	ast.Inspect(f.AST, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			faults = append(faults, t.fault(n.Pos(), "the core starts no goroutine: the caller decides what runs beside what"))
		case *ast.SelectorExpr:
			switch {
			case isName(n.X, clock) && slices.Contains(clocks, n.Sel.Name):
				faults = append(faults, t.fault(n.Pos(), "the core must not use time.%s: take the time as an argument", n.Sel.Name))
			case isName(n.X, printer) && slices.Contains([]string{"Print", "Printf", "Println"}, n.Sel.Name):
				faults = append(faults, t.fault(n.Pos(), "the core must not use fmt.%s: return what there is to say", n.Sel.Name))
			}
		}
		return true
	})
	return faults
}

// localName is the name under which f uses the package at path, "" when it
// does not import it.
func localName(f *ast.File, path string) string {
	for _, spec := range f.Imports {
		name, _ := strconv.Unquote(spec.Path.Value)
		if name != path {
			continue
		}
		if spec.Name != nil {
			return spec.Name.Name
		}
		return lastElement(path)
	}
	return ""
}

func isName(e ast.Expr, name string) bool {
	id, ok := e.(*ast.Ident)
	return ok && name != "" && id.Name == name
}
