package arch

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// badExamples holds the rules' own examples, which break them on purpose.
const badExamples = "internal/arch/testdata"

var (
	unfinished = regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME|HA` + `CK|XX` + `X)\b`)

	machinePath = regexp.MustCompile("(^|[\\s\"'`=(,:<]|file://)" + `/(work|root|home|Users|builds)/`)
	privateHost = regexp.MustCompile(`\b(10\.\d+|192\.168|172\.(1[6-9]|2\d|3[01]))\.\d+\.\d+\b`)
	registry    = regexp.MustCompile(`(?i)\bGOPROXY\s*[:?]?=|\bGOSUMDB\s*[:?]?=|\bhttps?://[^/\s]*` +
		`(goproxy|registry|artifactory|nexus|mirror|proxy\.)[^/\s]*`)
)

func marks(t *Tree) []Fault {
	return t.search(unfinished, "%s: finish it, or write an issue and take the mark out")
}

func machines(t *Tree) []Fault {
	faults := t.search(machinePath, "%s: a path of one machine; take it from a flag, or use t.TempDir")
	faults = append(faults, t.search(privateHost, "%s: an address of one network; use 127.0.0.1:0, or 192.0.2.1 in prose")...)
	return append(faults, t.search(registry, "%s: a module registry is the business of whoever builds")...)
}

// search finds re in every line of every tracked file.
func (t *Tree) search(re *regexp.Regexp, format string) []Fault {
	var faults []Fault
	t.eachLine(func(name string, n int, line string) {
		if found := re.FindString(line); found != "" {
			found = strings.Trim(found, " \t\"'`=(,:<")
			faults = append(faults, Fault{name, n, fmt.Sprintf(format, found)})
		}
	})
	return faults
}

// RecipeLineMax is the longest line, in characters, of the Makefile and of
// the scripts for continuous integration.
const RecipeLineMax = 100

func longLines(t *Tree) []Fault {
	var faults []Fault
	t.eachLine(func(name string, n int, line string) {
		if length := utf8.RuneCountInString(line); length > RecipeLineMax && (name == "Makefile" || within(name, ".ci")) {
			faults = append(faults, Fault{name, n, fmt.Sprintf("has %d characters, the limit is %d", length, RecipeLineMax)})
		}
	})
	return faults
}

func (t *Tree) eachLine(fn func(name string, n int, line string)) {
	for _, text := range t.Texts {
		if within(text.Path, badExamples) {
			continue
		}
		n := 0
		for line := range strings.Lines(text.Body) {
			n++
			fn(text.Path, n, strings.TrimRight(line, "\r\n"))
		}
	}
}
