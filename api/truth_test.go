package api_test

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"

	"github.com/firsttap/firsttap/api/wire"
)

// constants are the string constants of a file of api/wire, by name.
func constants(t testing.TB, file string) map[string]string {
	t.Helper()
	tree, err := parser.ParseFile(token.NewFileSet(), "wire/"+file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	ast.Inspect(tree, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 {
			return true
		}
		if literal, ok := spec.Values[0].(*ast.BasicLit); ok && literal.Kind == token.STRING {
			found[spec.Names[0].Name], _ = strconv.Unquote(literal.Value)
		}
		return true
	})
	return found
}

// sorted gives each value once, in order.
func sorted(values []string) []string { slices.Sort(values); return slices.Compact(values) }

func TestTheDocumentIsServedAtBothDoors(t *testing.T) {
	h := newHouse(t, ring{})
	want, err := os.ReadFile("openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, door := range []string{h.issuers.URL, h.operators.URL} {
		a := send(t, http.MethodGet, door+wire.DocumentPath, "", "")
		if a.status != http.StatusOK || a.header.Get("Content-Type") != "application/yaml" || a.body != string(want) {
			t.Errorf("got %d %v", a.status, a.header)
		}
	}
	wantProblem(t, send(t, http.MethodGet, h.phones.URL+wire.DocumentPath, "", ""), 404, wire.CodePathUnknown, "")
}

func TestTheDocumentIsOpenAPI31(t *testing.T) {
	doc := theDocument(t)
	if doc.OpenAPI != "3.1.0" {
		t.Errorf("it is %s", doc.OpenAPI)
	}
	if schemes := doc.Components.SecuritySchemes; schemes["twoWayTLS"].Value.Type != "mutualTLS" {
		t.Error("it says how callers are known")
	}
	raw, err := os.ReadFile("openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for what, bad := range map[string]string{
		"no title":   strings.Replace(string(raw), "  title: firsttap\n", "", 1),
		"a bad type": strings.Replace(string(raw), "type: integer, minimum: 1, maximum: 24", "type: whole, minimum: 1, maximum: 24", 1),
		"an example": strings.Replace(string(raw), `atc: 3`, `atc: "3"`, 1),
	} {
		doc, err := openapi3.NewLoader().LoadFromData([]byte(bad))
		if err == nil {
			err = doc.Validate(t.Context())
		}
		if err == nil || bad == string(raw) {
			t.Errorf("%s passes for valid", what)
		}
	}
}

// Every path of the doors is in the document, and every path of the document
// has a name in api/wire.
func TestTheDocumentHasEveryPath(t *testing.T) {
	var inDocument, inCode []string
	for path := range theDocument(t).Paths.Map() {
		inDocument = append(inDocument, path)
	}
	for name, value := range constants(t, "names.go") {
		if strings.HasSuffix(name, "Path") {
			inCode = append(inCode, value)
		}
	}
	if diff := cmp.Diff(sorted(inCode), sorted(inDocument)); diff != "" {
		t.Errorf("api/wire and the document (-code +document):\n%s", diff)
	}
}

// Every code is in the list of the document and in one of its responses.
func TestTheDocumentHasEveryCode(t *testing.T) {
	doc := theDocument(t)
	var inCode, inList, inResponses []string
	for name, value := range constants(t, "problem.go") {
		if strings.HasPrefix(name, "Code") {
			inCode = append(inCode, value)
		}
	}
	for _, code := range doc.Components.Schemas["Problem"].Value.Properties["code"].Value.Enum {
		inList = append(inList, code.(string))
	}
	inResponses = append(inResponses, wire.CodeClientForbidden) // has no payload
	for _, response := range doc.Components.Responses {
		inResponses = append(inResponses, codesOf(response)...)
	}
	for _, item := range doc.Paths.Map() {
		for _, operation := range item.Operations() {
			for _, response := range operation.Responses.Map() {
				inResponses = append(inResponses, codesOf(response)...)
			}
		}
	}
	if diff := cmp.Diff(sorted(inCode), sorted(inList)); diff != "" {
		t.Errorf("api/wire and the document's list (-code +document):\n%s", diff)
	}
	if diff := cmp.Diff(sorted(inCode), sorted(inResponses)); diff != "" {
		t.Errorf("api/wire and the document's responses (-code +document):\n%s", diff)
	}
}

func codesOf(response *openapi3.ResponseRef) (codes []string) {
	content := response.Value.Content[wire.ProblemType]
	if content == nil {
		return nil
	}
	for _, narrowed := range content.Schema.Value.AllOf {
		if code := narrowed.Value.Properties["code"]; code != nil {
			for _, value := range code.Value.Enum {
				codes = append(codes, value.(string))
			}
			if code.Value.Const != nil {
				codes = append(codes, code.Value.Const.(string))
			}
		}
	}
	return codes
}

// Every JSON member is in the document, and every one of the document has a
// name in api/wire.
func TestTheDocumentHasEveryMember(t *testing.T) {
	documented, named := map[string]bool{}, map[string]bool{}
	for name, schema := range theDocument(t).Components.Schemas {
		if name != "Problem" {
			members(schema, "", documented)
		}
	}
	names := constants(t, "names.go")
	maps.Copy(names, constants(t, "policy.go"))
	for name, value := range names {
		named[value] = true
		isValue := strings.HasPrefix(name, "RangeState") && name != "RangeState" || strings.HasPrefix(value, "/") || slices.Contains([]string{
			"Enrolled", "NotEnrolled", "AttemptsOpen", "AttemptsWaiting", "AttemptsLocked", "ActionDone", "ResultSuccess", "ResultFailure",
		}, name)
		if !isValue && !documented[value] {
			t.Errorf("%s, %q, is not in the document", name, value)
		}
	}
	for path := range documented {
		if !named[path] && fragments[path] == "" {
			t.Errorf("%s is in the document and has no name in api/wire", path)
		}
	}
}

// fragments are members of schemas that are parts of others, as seen alone.
var fragments = map[string]string{
	"index": "LimitedUseKey", "key": "LimitedUseKey", "uses": "LimitedUseKey", "expires": "LimitedUseKey",
	"tranId": "MessageID", "clientId": "Client", "primryAcctNum.pan": "MaskedAccount", "actionCd": "Results",
}

// members collects the paths of a schema's leaves; items of lists begin anew,
// as in api/wire.
func members(s *openapi3.SchemaRef, front string, into map[string]bool) {
	for _, part := range s.Value.AllOf {
		members(part, front, into)
	}
	for name, property := range s.Value.Properties {
		switch v := property.Value; {
		case len(v.Properties) > 0:
			members(property, front+name+".", into)
		case v.Items != nil:
			into[front+name] = true
			members(v.Items, "", into)
		default:
			into[front+name] = true
		}
	}
}

// The check itself can fail: each of these answers is a little false.
func TestTheCheckCatchesWhatIsFalse(t *testing.T) {
	h := enrolled(t, ring{})
	doc := theDocument(t)
	good := call(h.api.Issuers(), "issuers", http.MethodPost, wire.GeneratePath, "application/json", good)
	if err := doc.check(good); err != nil {
		t.Fatal(err)
	}
	refused := call(h.api.Issuers(), "issuers", http.MethodPost, wire.GeneratePath, "application/json", `{}`)
	if err := doc.check(refused); err != nil || refused.status != 400 {
		t.Fatal(refused.status, err)
	}
	body := func(x exchange, old, new string) exchange {
		x.body = bytes.Replace(x.body, []byte(old), []byte(new), 1)
		return x
	}
	for name, x := range map[string]exchange{
		"another member":      body(good, `{"cd"`, `{"more":1,"cd"`),
		"a member less":       body(good, `"wndwHrs":1`, `"wndwHr":1`),
		"a code of two":       body(good, `"075"`, `"75"`),
		"a number as text":    body(good, `"wndw":498708`, `"wndw":"498708"`),
		"a clear PAN":         body(good, `476173******0010`, clearPAN),
		"a local time":        body(good, `12:00:00Z`, `12:00:00+01:00`),
		"a time that is none": body(good, `2026-11-22T12:00:00Z`, `2026-13-22T12:00:00Z`),
		"no JSON":             body(good, `}`, ``),
		"another code":        body(refused, wire.CodeFieldMissing, wire.CodeInternal),
		"an unknown code":     body(refused, wire.CodeFieldMissing, "something"),
		"another status":      func(x exchange) exchange { x.status = 200; return x }(good),
		"a status in vain":    func(x exchange) exchange { x.status = 404; return x }(refused),
		"another media type":  func(x exchange) exchange { x.header = http.Header{"Content-Type": {"text/html"}}; return x }(good),
		"a busy door's hurry": func(x exchange) exchange { x.status = 429; return x }(refused),
		"an empty answer":     func(x exchange) exchange { x.body = nil; return x }(good),
		"another door":        func(x exchange) exchange { x.door = "operators"; return x }(good),
		"a request that lies": func(x exchange) exchange { x.sent = []byte(`{}`); return x }(good),
	} {
		if bytes.Equal(x.body, good.body) && x.status == good.status && x.door == good.door && bytes.Equal(x.sent, good.sent) && x.header.Get("Content-Type") == good.header.Get("Content-Type") {
			t.Errorf("%s: the case changes nothing", name)
		}
		if doc.check(x) == nil {
			t.Errorf("%s passes for true", name)
		}
	}
}
