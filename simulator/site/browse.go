package site

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/net/html"
)

func (c Cardholder) get(ctx context.Context, address string) (*html.Node, *url.URL, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, nil, fmt.Errorf("asking the issuer's site: %w", err)
	}
	return c.page(request)
}

func (c Cardholder) post(ctx context.Context, at *url.URL, action string, values url.Values) (*html.Node, *url.URL, error) {
	to, err := at.Parse(action)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: the form's action", ErrContent)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, to.String(), strings.NewReader(values.Encode()))
	if err != nil {
		return nil, nil, fmt.Errorf("asking the issuer's site: %w", err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return c.page(request)
}

// page gives the page that a request ends at, after redirects.
func (c Cardholder) page(request *http.Request) (*html.Node, *url.URL, error) {
	answer, err := c.do(request)
	if err != nil {
		return nil, nil, err
	}
	defer answer.Body.Close()
	doc, err := parsePage(answer.Body)
	return doc, answer.Request.URL, err
}

// do sends a request. An answer that is no page is ErrAnswer with what the
// page says of it.
func (c Cardholder) do(request *http.Request) (*http.Response, error) {
	client := c.HTTP
	if client == nil {
		client = http.DefaultClient
	}
	answer, err := client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("asking the issuer's site: %w", err)
	}
	if answer.StatusCode == http.StatusOK {
		return answer, nil
	}
	defer answer.Body.Close()
	return nil, fmt.Errorf("%w: %s: %s", ErrAnswer, answer.Status, saidBy(answer.Body))
}

// saidBy is what a page with a problem says: its fault, or its heading.
func saidBy(r io.Reader) string {
	doc, err := parsePage(r)
	if err != nil {
		return err.Error()
	}
	if fault := elementByID(doc, "form-fault"); fault != nil {
		return textOf(fault)
	}
	if heading := firstElement(doc, func(n *html.Node) bool { return n.Data == "h1" }); heading != nil {
		return textOf(heading)
	}
	return "no explanation"
}

func statusOf(doc *html.Node) (Status, error) {
	node := elementByID(doc, "application-status")
	if node == nil {
		return "", fmt.Errorf("%w: application-status", ErrMissing)
	}
	switch status := Status(attribute(node, "data-status")); status {
	case Waiting, Approved, Declined:
		return status, nil
	default:
		return "", fmt.Errorf("%w: application-status", ErrContent)
	}
}

// formValues are a form's fields as a browser would send them untouched.
func formValues(form *html.Node) url.Values {
	values := url.Values{}
	for n := range form.Descendants() {
		if n.Type != html.ElementNode || n.Data != "input" || attribute(n, "name") == "" {
			continue
		}
		if attribute(n, "type") != "radio" || hasAttribute(n, "checked") {
			values.Set(attribute(n, "name"), attribute(n, "value"))
		}
	}
	return values
}

func hasAttribute(n *html.Node, name string) bool {
	for _, a := range n.Attr {
		if a.Key == name {
			return true
		}
	}
	return false
}
