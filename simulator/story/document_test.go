package story

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/firsttap/firsttap/internal/golden"
)

// docs/cases.md is written from the cases: `go test ./simulator/story -update`
// writes it anew.
func TestTheDocumentHasEveryCase(t *testing.T) {
	var b strings.Builder
	b.WriteString(`# Cases
What ` + "`firsttap demo --once --with CASE`" + ` plays: every message of the family, and what goes wrong with it.
Written by ` + "`go test ./simulator/story -update`" + ` from the cases themselves. A case exits 0 when it ends as
it must: with the refusal below, or with all its steps. ` + "`--json`" + ` gives the same as one document.

| case | what happens | steps after the page was shown | end |
|---|---|---|---|
`)
	for _, c := range Cases() {
		var steps []string
		for _, a := range c.actsOr(provision, tap) {
			steps = append(steps, a.step)
			if a.step == c.Refused {
				break
			}
		}
		end := "well"
		if c.Refused != "" {
			end = "refused at " + c.Refused + ": " + c.expectation()
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", c.Name, c.About, strings.Join(steps, ", "), end)
	}
	golden.CheckText(t, filepath.Join("..", "..", "docs", "cases.md"), b.String())
}
