package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// paper is the OpenAPI document, which every answer of the tests is held
// against.
type paper struct {
	*openapi3.T
	compiled *sync.Map // of *openapi3.SchemaRef to *jsonschema.Schema
}

var openDocument = sync.OnceValues(func() (paper, error) {
	raw, err := os.ReadFile("openapi.yaml")
	if err != nil {
		return paper{}, err
	}
	doc, err := openapi3.NewLoader().LoadFromData(raw)
	if err != nil {
		return paper{}, err
	}
	return paper{doc, &sync.Map{}}, doc.Validate(context.Background())
})

func theDocument(t testing.TB) paper {
	t.Helper()
	p, err := openDocument()
	if err != nil {
		t.Fatalf("the document does not hold: %v", err)
	}
	return p
}

// exchange is one request with its answer at a door.
type exchange struct {
	door, method, path string
	sent               []byte
	status             int
	header             http.Header
	body               []byte
}

// check reports what the document does not say about an exchange.
func (p paper) check(x exchange) error {
	response, operation, err := p.listed(x)
	if err != nil {
		return err
	}
	if operation != nil && x.status < 300 {
		if err := p.checkSent(operation, x.sent); err != nil {
			return err
		}
	}
	for name, header := range response.Headers {
		if err := p.checkHeader(header.Value, x.header.Get(name)); err != nil {
			return fmt.Errorf("header %s: %w", name, err)
		}
	}
	if x.method == http.MethodHead {
		return nil
	}
	return p.checkBody(response, x.header.Get("Content-Type"), x.body)
}

// listed finds the response that the document has for an exchange, and the
// operation that it belongs to.
func (p paper) listed(x exchange) (*openapi3.Response, *openapi3.Operation, error) {
	item := p.find(x.door, x.path)
	method := x.method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	if item != nil && operationOf(item, method) != nil {
		operation := operationOf(item, method)
		if r := operation.Responses.Value(strconv.Itoa(x.status)); r != nil {
			return r.Value, operation, nil
		}
		return nil, nil, fmt.Errorf("%s has no response %d", operation.OperationID, x.status)
	}
	names := map[int]string{403: "Forbidden", 405: "MethodNotAllowed", 429: "TooManyRequests", 500: "Internal"}
	if x.door == "operators" {
		names[403] = "ForbiddenToOperate"
	}
	if item == nil {
		delete(names, 405)
		names[404] = "PathUnknown"
	}
	if r := p.Components.Responses[names[x.status]]; r != nil {
		return r.Value, nil, nil
	}
	return nil, nil, fmt.Errorf("%d is no answer where nothing is", x.status)
}

func operationOf(item *openapi3.PathItem, method string) *openapi3.Operation {
	return item.Operations()[method]
}

// find gives the path item that a door has for a path.
func (p paper) find(door, path string) *openapi3.PathItem {
	for _, pattern := range p.Paths.InMatchingOrder() {
		item := p.Paths.Value(pattern)
		if fits(pattern, path) && slices.Contains(doorsOf(item), door) {
			return item
		}
	}
	return nil
}

func doorsOf(item *openapi3.PathItem) (doors []string) {
	for _, operation := range item.Operations() {
		doors = append(doors, operation.Tags...)
	}
	return doors
}

func fits(pattern, path string) bool {
	want, got := strings.Split(pattern, "/"), strings.Split(path, "/")
	return slices.EqualFunc(want, got, func(w, g string) bool {
		return w == g || strings.HasPrefix(w, "{") && g != ""
	})
}

func (p paper) checkSent(operation *openapi3.Operation, sent []byte) error {
	if operation.RequestBody == nil {
		if len(sent) > 0 {
			return errors.New("a request with a body was served that has none in the document")
		}
		return nil
	}
	schema := operation.RequestBody.Value.Content["application/json"].Schema
	if err := p.checkJSON(schema, sent); err != nil {
		return fmt.Errorf("a request was served that is not as the document says: %w", err)
	}
	return nil
}

func (p paper) checkHeader(h *openapi3.Header, value string) error {
	if value == "" && h.Required {
		return errors.New("is missing")
	}
	if h.Schema.Value.Type.Is("integer") {
		return p.checkJSON(h.Schema, []byte(value))
	}
	return nil
}

func (p paper) checkBody(r *openapi3.Response, mediaType string, body []byte) error {
	if mayBeEmpty := r.Extensions["x-may-be-empty"] == true || len(r.Content) == 0; len(body) == 0 && mayBeEmpty {
		return nil
	}
	plain, _, err := mime.ParseMediaType(mediaType)
	if err != nil {
		return fmt.Errorf("media type %q: %w", mediaType, err)
	}
	content := r.Content[plain]
	if content == nil {
		return fmt.Errorf("a body of the media type %s is not in the document", plain)
	}
	if !strings.HasSuffix(plain, "json") {
		return nil
	}
	return p.checkJSON(content.Schema, body)
}

func (p paper) checkJSON(ref *openapi3.SchemaRef, body []byte) error {
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		return err
	}
	schema, err := p.compile(ref)
	if err != nil {
		return err
	}
	return schema.Validate(value)
}

// compile makes a JSON Schema (draft 2020-12, as OpenAPI 3.1 has it) of a
// schema of the document, once.
func (p paper) compile(ref *openapi3.SchemaRef) (*jsonschema.Schema, error) {
	if known, ok := p.compiled.Load(ref); ok {
		return known.(*jsonschema.Schema), nil
	}
	var whole map[string]any
	for _, part := range []any{ref, map[string]any{"components": p.Components}} {
		raw, err := json.Marshal(part)
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(raw, &whole); err != nil {
			return nil, err
		}
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	if err := c.AddResource("document.json", whole); err != nil {
		return nil, err
	}
	schema, err := c.Compile("document.json")
	if err == nil {
		p.compiled.Store(ref, schema)
	}
	return schema, err
}

// checked holds every answer of a door against the document.
func checked(t testing.TB, door string, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent := &bytes.Buffer{}
		r.Body = io.NopCloser(io.TeeReader(r.Body, sent))
		kept := &kept{ResponseWriter: w, status: http.StatusOK}
		h.ServeHTTP(kept, r)
		x := exchange{door, r.Method, r.URL.Path, sent.Bytes(), kept.status, w.Header(), kept.body.Bytes()}
		if err := theDocument(t).check(x); err != nil {
			t.Errorf("the document does not know this answer of %s %s at the %s' door, %d %s: %v", x.method, x.path, door, x.status, x.body, err)
		}
	})
}

type kept struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

func (k *kept) WriteHeader(status int) {
	k.status = status
	k.ResponseWriter.WriteHeader(status)
}

func (k *kept) Write(b []byte) (int, error) {
	k.body.Write(b)
	return k.ResponseWriter.Write(b)
}

func (k *kept) Unwrap() http.ResponseWriter { return k.ResponseWriter }

// call calls a door without a socket.
func call(h http.Handler, door, method, path, mediaType, body string) exchange {
	r := httptest.NewRequest(method, "http://door/", strings.NewReader(body))
	r.URL.Path = path
	if mediaType != "" {
		r.Header.Set("Content-Type", mediaType)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return exchange{door, method, path, []byte(body), w.Code, w.Result().Header, w.Body.Bytes()}
}
