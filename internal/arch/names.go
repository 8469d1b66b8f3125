package arch

import (
	"fmt"
	"go/ast"
	"path"
	"slices"
	"strings"
	"unicode"
)

// emptyNames are package names that say nothing about what is inside.
var emptyNames = []string{
	"base", "common", "core", "helper", "helpers", "impl", "lib", "manager", "misc", "model", "models",
	"pkg", "service", "services", "shared", "types", "util", "utils",
}

// takenNames are packages of the standard library that every file may want.
var takenNames = []string{
	"bytes", "cipher", "context", "crypto", "errors", "flag", "fmt", "hash", "html", "http", "io", "json", "log",
	"net", "os", "path", "rand", "regexp", "runtime", "slices", "sort", "sql", "strings", "sync", "template",
	"testing", "time", "url",
}

// actors gives the one name of each actor for words that mean the same.
var actors = map[string]string{
	"bank": "issuer", "banks": "issuer",
	"retailer": "merchant", "seller": "merchant", "shop": "merchant",
	"hub": "gateway", "tsp": "gateway",
}

func names(t *Tree) []Fault {
	var faults []Fault
	for _, p := range t.Packages {
		faults = append(faults, packageName(p)...)
		for _, f := range p.Files {
			faults = append(faults, t.actorNames(f)...)
		}
	}
	return faults
}

func packageName(p *Package) []Fault {
	folder := path.Base(p.Dir)
	switch {
	case p.Name == "" || p.Name == "main":
		return nil
	case p.Name != folder:
		return []Fault{{Path: p.Dir, Text: fmt.Sprintf("holds package %s: name it after its folder", p.Name)}}
	case slices.Contains(emptyNames, p.Name):
		return []Fault{{Path: p.Dir, Text: fmt.Sprintf("the name %s says nothing: take a noun of the domain", p.Name)}}
	case slices.Contains(takenNames, p.Name):
		return []Fault{{Path: p.Dir, Text: fmt.Sprintf("the name %s belongs to the standard library", p.Name)}}
	}
	return nil
}

// actorNames looks at every identifier, once for each in a file.
func (t *Tree) actorNames(f *File) []Fault {
	var faults []Fault
	seen := map[string]bool{}
	ast.Inspect(f.AST, func(n ast.Node) bool {
		id, ok := n.(*ast.Ident)
		if !ok || seen[id.Name] {
			return true
		}
		seen[id.Name] = true
		for _, word := range words(id.Name) {
			if actor := actors[word]; actor != "" {
				faults = append(faults, t.fault(id.Pos(), "%s: the actor is called %s everywhere, not %s", id.Name, actor, word))
			}
		}
		return true
	})
	return faults
}

// words cuts a Go name into its words in lower case: PANDigits is pan, digits.
func words(name string) []string {
	var all []string
	runes := []rune(name)
	begin := 0
	for i := 1; i <= len(runes); i++ {
		if i == len(runes) || startsWord(runes, i) {
			if w := strings.Trim(strings.ToLower(string(runes[begin:i])), "_"); w != "" {
				all = append(all, w)
			}
			begin = i
		}
	}
	return all
}

// startsWord reports whether a word begins at i, i > 0: after _, at a capital
// after a small letter or digit, and at the last capital of a row such as the
// D of PANDigits. A plural such as PANs is one word.
func startsWord(r []rune, i int) bool {
	before, here := r[i-1], r[i]
	if before == '_' {
		return true
	}
	if !unicode.IsUpper(here) {
		return false
	}
	last := i+1 < len(r) && unicode.IsLower(r[i+1]) && (r[i+1] != 's' || i+2 < len(r))
	return !unicode.IsUpper(before) || last
}

func lastElement(importPath string) string { return path.Base(importPath) }
