package arch

import (
	"regexp"
	"strings"
)

const reasonsFile = "docs/dependencies.md"

// reasonRow is a row of the table in docs/dependencies.md; its first cell is
// the module's path.
var reasonRow = regexp.MustCompile("^\\| `([^`]+)` \\|(.*)\\|$")

// reasonCells is how many cells follow the module: what for, why this one,
// licence, not for.
const reasonCells = 4

func dependencies(t *Tree) []Fault {
	var faults []Fault
	reasons := map[string]int{}
	n := 0
	for line := range strings.Lines(t.text(reasonsFile)) {
		n++
		row := reasonRow.FindStringSubmatch(strings.TrimSpace(line))
		if row == nil {
			continue
		}
		reasons[row[1]] = n
		if cells := strings.Split(row[2], "|"); len(cells) != reasonCells || hasEmpty(cells) {
			faults = append(faults, Fault{reasonsFile, n, row[1] + ": say what for, why this one, licence and not for"})
		}
	}
	for module, line := range directModules(t.text("go.mod")) {
		if reasons[module] == 0 {
			faults = append(faults, Fault{"go.mod", line, module + " has no reason in " + reasonsFile})
		}
		delete(reasons, module)
	}
	for module, line := range reasons {
		faults = append(faults, Fault{reasonsFile, line, module + " is no direct requirement in go.mod"})
	}
	return faults
}

func hasEmpty(cells []string) bool {
	for _, c := range cells {
		if strings.TrimSpace(c) == "" {
			return true
		}
	}
	return false
}

// directModules gives the direct requirements of a go.mod by path, with the
// line they stand on.
func directModules(mod string) map[string]int {
	found := map[string]int{}
	block, n := false, 0
	for line := range strings.Lines(mod) {
		n++
		words := strings.Fields(line)
		switch {
		case len(words) == 0:
		case words[0] == "require" && words[len(words)-1] == "(":
			block = true
			continue
		case words[0] == ")":
			block = false
		case words[0] == "require":
			words = words[1:]
			fallthrough
		case block:
			if len(words) >= 2 && !strings.HasSuffix(strings.TrimSpace(line), "// indirect") && words[0] != "//" {
				found[words[0]] = n
			}
		}
	}
	return found
}
