package api_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var codeRow = regexp.MustCompile("(?m)^\\| `([a-z-]+)` \\| ([0-9]{3}) \\| (.+) \\| (.+) \\|$")

// The list of codes in docs/api.md is that of api/wire, with the statuses of
// the document.
func TestTheDocsListEveryCode(t *testing.T) {
	text, err := os.ReadFile("../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	statuses := documentedStatuses(theDocument(t))
	var listed, inCode []string
	for _, row := range codeRow.FindAllStringSubmatch(string(text), -1) {
		listed = append(listed, row[1])
		if !statuses[row[1]+" "+row[2]] {
			t.Errorf("%s never comes with %s", row[1], row[2])
		}
	}
	for name, value := range constants(t, "problem.go") {
		if strings.HasPrefix(name, "Code") {
			inCode = append(inCode, value)
		}
	}
	if diff := cmp.Diff(sorted(inCode), sorted(listed)); diff != "" {
		t.Errorf("api/wire and docs/api.md (-code +docs):\n%s", diff)
	}
}

// documentedStatuses are all codes with their statuses, as "code status".
func documentedStatuses(p paper) map[string]bool {
	found := map[string]bool{"client-forbidden 403": true, "path-unknown 404": true, "method-not-allowed 405": true}
	for _, item := range p.Paths.Map() {
		for _, operation := range item.Operations() {
			for status, response := range operation.Responses.Map() {
				for _, code := range codesOf(response) {
					found[code+" "+status] = true
				}
			}
		}
	}
	return found
}
