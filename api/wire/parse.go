package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/firsttap/firsttap/internal/secret"
)

// Limits of a JSON body. Ours: the largest body that a door knows has three
// levels and 24 list items of four members.
const (
	DepthMax   = 8   // objects and lists inside each other
	MembersMax = 256 // leaves of a document and its list items
	nameMax    = 64  // characters of a member's name that an error repeats

	// AnswerMembersMax takes MembersMax' place in answers, which list account
	// ranges with the members of their policies.
	AnswerMembersMax = 1 << 16
)

// Parse reads one JSON object strictly: UTF-8 (RFC 8259), nothing after it, no
// name twice in an object, no more than DepthMax and MembersMax. Errors are
// *Problem with status 400.
func Parse(body []byte) (Document, error) { return parse(body, MembersMax) }

// ParseAnswer is Parse with AnswerMembersMax.
func ParseAnswer(body []byte) (Document, error) { return parse(body, AnswerMembersMax) }

func parse(body []byte, membersMax int) (Document, error) {
	if !utf8.Valid(body) {
		return Document{}, notJSON("the body is not UTF-8")
	}
	var whole json.RawMessage
	if err := json.Unmarshal(body, &whole); err != nil {
		return Document{}, notJSON(syntaxDetail(err))
	}
	p := parser{decoder: json.NewDecoder(bytes.NewReader(body)), membersMax: membersMax}
	p.decoder.UseNumber()
	if open, err := p.decoder.Token(); err != nil || open != json.Delim('{') {
		return Document{}, notJSON("the body must be one JSON object")
	}
	return p.document()
}

func syntaxDetail(err error) string {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return fmt.Sprintf("the body stops being one JSON object at byte %d", syntax.Offset)
	}
	return "the body is not JSON"
}

func notJSON(detail string) *Problem {
	return &Problem{Status: http.StatusBadRequest, Code: CodeBodyNotJSON, Detail: detail}
}

// Fault is a Problem with status 400 about one field.
func Fault(code, field, detail string) *Problem {
	return &Problem{Status: http.StatusBadRequest, Code: code, Field: field, Detail: detail}
}

// parser walks a body that is known to be valid JSON.
type parser struct {
	decoder *json.Decoder
	depth   int
	members int

	membersMax int
}

// document reads the rest of an object whose brace was read.
func (p *parser) document() (Document, error) {
	d := Document{leaves: map[string]leaf{}}
	return d, p.object(d, "")
}

func (p *parser) object(d Document, front string) error {
	if p.depth++; p.depth > DepthMax {
		return notJSON(fmt.Sprintf("the body nests deeper than %d levels", DepthMax))
	}
	defer func() { p.depth-- }()
	seen := map[string]bool{}
	for p.decoder.More() {
		name, err := p.token()
		if err != nil {
			return err
		}
		if err := p.member(d, front, fmt.Sprint(name), seen); err != nil {
			return err
		}
	}
	if len(seen) == 0 && front != "" {
		d.leaves[strings.TrimSuffix(front, ".")] = leaf{kind: object}
	}
	_, err := p.token() // the closing brace
	return err
}

func (p *parser) member(d Document, front, name string, seen map[string]bool) error {
	path := front + name
	switch p.members++; {
	case p.members > p.membersMax:
		return notJSON(fmt.Sprintf("the body has more than %d members", p.membersMax))
	case !plain(name):
		return Fault(CodeFieldUnknown, shown(front)+"?", "remove the member: no member has such a name")
	case seen[name]:
		return Fault(CodeFieldDuplicate, shown(path), "send the member once")
	}
	seen[name] = true
	return p.value(d, path)
}

// plain reports whether a name could be one of ours; dots would make paths
// ambiguous.
func plain(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '_')
	})
}

func (p *parser) value(d Document, path string) error {
	token, err := p.token()
	if err != nil {
		return err
	}
	switch v := token.(type) {
	case string:
		d.leaves[path] = leaf{kind: text, value: secret.New(v)}
	case json.Number:
		d.leaves[path] = leaf{kind: number, value: secret.New(v.String())}
	case bool:
		d.leaves[path] = leaf{kind: truth, value: secret.New(strconv.FormatBool(v))}
	case json.Delim:
		if v == '{' {
			return p.object(d, path+".")
		}
		return p.list(d, path)
	default:
		d.leaves[path] = leaf{kind: other}
	}
	return nil
}

// list reads the rest of a list of objects.
func (p *parser) list(d Document, path string) error {
	if p.depth++; p.depth > DepthMax {
		return notJSON(fmt.Sprintf("the body nests deeper than %d levels", DepthMax))
	}
	defer func() { p.depth-- }()
	l := leaf{kind: list}
	for p.decoder.More() {
		token, err := p.token()
		if err != nil {
			return err
		}
		if token != json.Delim('{') {
			return Fault(CodeFieldType, shown(path), "no member is a list of anything but objects")
		}
		item, err := p.document()
		if err != nil {
			return err
		}
		l.items = append(l.items, item)
	}
	d.leaves[path] = l
	_, err := p.token() // the closing bracket
	return err
}

func (p *parser) token() (json.Token, error) {
	token, err := p.decoder.Token()
	if err != nil {
		return nil, notJSON("the body is not JSON")
	}
	return token, nil
}
