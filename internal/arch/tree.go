package arch

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/build/constraint"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// A Tree is the source of the module: its packages, parsed, and the text of
// every tracked file.
type Tree struct {
	Packages []*Package // in order of Dir
	Texts    []Text     // in order of Path
	fset     *token.FileSet
}

// A Package is a folder with Go files. Tests of the package are among them.
type Package struct {
	Dir   string // from the root; "." for the root
	Name  string // of its files that are no tests; "" when all are
	Files []*File
}

// A File is one parsed Go file.
type File struct {
	Path  string
	Test  bool
	Lines int
	AST   *ast.File
}

// A Text is one tracked file that is no binary.
type Text struct{ Path, Body string }

// Load reads the tree below root. Tracked lists the files of Texts; nil means
// all that a walk finds. Folders of fixtures (testdata), of other modules and
// hidden ones hold no Packages.
func Load(root fs.FS, tracked []string) (*Tree, error) {
	t := &Tree{fset: token.NewFileSet()}
	walked, err := t.walk(root)
	if err != nil {
		return nil, err
	}
	if tracked == nil {
		tracked = walked
	}
	for _, name := range slices.Sorted(slices.Values(tracked)) {
		body, err := fs.ReadFile(root, name)
		if err != nil || bytes.IndexByte(body, 0) >= 0 {
			continue // deleted and not yet committed, a link, or binary
		}
		t.Texts = append(t.Texts, Text{name, string(body)})
	}
	return t, nil
}

func (t *Tree) walk(root fs.FS) (all []string, err error) {
	packages := map[string]*Package{}
	err = fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			return skipOutput(name)
		}
		all = append(all, name)
		if path.Ext(name) == ".go" && inModule(root, path.Dir(name)) {
			return t.parse(root, name, packages)
		}
		return nil
	})
	for _, p := range packages {
		t.Packages = append(t.Packages, p)
	}
	slices.SortFunc(t.Packages, func(a, b *Package) int { return strings.Compare(a.Dir, b.Dir) })
	return all, err
}

// skipOutput leaves out what builds write and what git keeps.
func skipOutput(dir string) error {
	switch dir {
	case ".git", "bin", "dist":
		return fs.SkipDir
	}
	return nil
}

// inModule reports whether Go files in dir are packages of this module.
func inModule(root fs.FS, dir string) bool {
	for ; dir != "."; dir = path.Dir(dir) {
		base := path.Base(dir)
		if base == "testdata" || strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") {
			return false
		}
		if _, err := fs.Stat(root, path.Join(dir, "go.mod")); err == nil {
			return false
		}
	}
	return true
}

func (t *Tree) parse(root fs.FS, name string, packages map[string]*Package) error {
	source, err := fs.ReadFile(root, name)
	if err != nil {
		return err
	}
	tree, err := parser.ParseFile(t.fset, name, source, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return fmt.Errorf("cannot parse: %w", err)
	}
	dir := path.Dir(name)
	p := packages[dir]
	if p == nil {
		p = &Package{Dir: dir}
		packages[dir] = p
	}
	f := &File{Path: name, AST: tree, Test: strings.HasSuffix(name, "_test.go"), Lines: bytes.Count(source, []byte("\n"))}
	if !f.Test {
		p.Name = tree.Name.Name
	}
	p.Files = append(p.Files, f)
	return nil
}

// sources gives the files of p that are no tests.
func (p *Package) sources() []*File {
	var files []*File
	for _, f := range p.Files {
		if !f.Test {
			files = append(files, f)
		}
	}
	return files
}

// isTable reports whether f is a table by its name: table_*.go or *_table.go.
func (f *File) isTable() bool {
	base := strings.TrimSuffix(path.Base(f.Path), ".go")
	return strings.HasPrefix(base, "table_") || strings.HasSuffix(base, "_table")
}

// variant reports whether f is built on some systems only.
func (f *File) variant() bool {
	name := strings.TrimSuffix(path.Base(f.Path), ".go")
	for _, system := range []string{"_darwin", "_linux", "_unix", "_windows"} {
		if strings.HasSuffix(name, system) {
			return true
		}
	}
	return slices.ContainsFunc(f.AST.Comments, func(g *ast.CommentGroup) bool {
		return g.Pos() < f.AST.Package && constraint.IsGoBuild(g.List[0].Text)
	})
}

// eachSource calls fn for every file that is no test.
func (t *Tree) eachSource(fn func(*Package, *File)) {
	for _, p := range t.Packages {
		for _, f := range p.sources() {
			fn(p, f)
		}
	}
}

// fault places a fault in a Go file.
func (t *Tree) fault(at token.Pos, format string, args ...any) Fault {
	p := t.fset.Position(at)
	return Fault{p.Filename, p.Line, fmt.Sprintf(format, args...)}
}

// text gives the body of a tracked file, "" when there is none.
func (t *Tree) text(name string) string {
	i := slices.IndexFunc(t.Texts, func(x Text) bool { return x.Path == name })
	if i < 0 {
		return ""
	}
	return t.Texts[i].Body
}

// within reports whether the folder or file name is dir or below it.
func within(name, dir string) bool {
	return name == dir || strings.HasPrefix(name, dir+"/")
}
