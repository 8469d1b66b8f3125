package site

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"golang.org/x/net/html"

	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/dcvv2"
)

// PageBytesMax is how much of a page is read. The site's pages have about 3 KB.
const PageBytesMax = 256 << 10

// Ids of the elements of the cardholder's page that a wallet reads.
const (
	NumberID  = "card-number"
	ExpiryID  = "card-expiry"
	CodeID    = "card-code"
	ExpiresID = "code-expires"
)

// Errors that ReadCard wraps. Their texts name the element, never its content.
var (
	ErrMissing = errors.New("the page does not show an element")
	ErrContent = errors.New("an element of the page cannot be read")
)

// Card is what a person reads on the cardholder's page. PAN, Expiry and Code
// print masked.
type Card struct {
	PAN     card.PAN
	Expiry  card.Expiry
	Code    dcvv2.Code
	Expires time.Time // of the code, exclusive
}

// ReadCard reads the cardholder's page by its HTML alone. A page without a
// current code gives ErrMissing, with number and expiry date filled in.
func ReadCard(r io.Reader) (Card, error) {
	doc, err := parsePage(r)
	if err != nil {
		return Card{}, err
	}
	var c Card
	for _, element := range []struct {
		id   string
		read func(text string) error
	}{
		{NumberID, func(text string) (err error) { c.PAN, err = card.ParsePAN(strings.ReplaceAll(text, " ", "")); return }},
		{ExpiryID, func(text string) (err error) { c.Expiry, err = readExpiry(text); return }},
		{CodeID, func(text string) (err error) { c.Code, err = dcvv2.ParseCode(text); return }},
	} {
		node := elementByID(doc, element.id)
		if node == nil {
			return c, fmt.Errorf("%w: %s", ErrMissing, element.id)
		}
		if err := element.read(textOf(node)); err != nil {
			return c, fmt.Errorf("%w: %s: %w", ErrContent, element.id, err)
		}
	}
	c.Expires, err = readExpires(doc)
	return c, err
}

func readExpires(doc *html.Node) (time.Time, error) {
	node := elementByID(doc, ExpiresID)
	if node == nil {
		return time.Time{}, fmt.Errorf("%w: %s", ErrMissing, ExpiresID)
	}
	t, err := time.Parse(time.RFC3339, attribute(node, "datetime"))
	if err != nil {
		return time.Time{}, fmt.Errorf("%w: %s: its datetime is not RFC 3339", ErrContent, ExpiresID)
	}
	return t, nil
}

// readExpiry reads MM/YY.
func readExpiry(text string) (card.Expiry, error) {
	month, year, ok := strings.Cut(text, "/")
	if !ok {
		return card.Expiry{}, errors.New("an expiry date is MM/YY")
	}
	return card.ParseExpiry(year + month)
}

func parsePage(r io.Reader) (*html.Node, error) {
	doc, err := html.Parse(io.LimitReader(r, PageBytesMax))
	if err != nil {
		return nil, fmt.Errorf("reading the page: %w", err)
	}
	return doc, nil
}

// elementByID finds an element of the page, or nil.
func elementByID(doc *html.Node, id string) *html.Node {
	return firstElement(doc, func(n *html.Node) bool { return attribute(n, "id") == id })
}

func firstElement(doc *html.Node, match func(*html.Node) bool) *html.Node {
	for n := range doc.Descendants() {
		if n.Type == html.ElementNode && match(n) {
			return n
		}
	}
	return nil
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// textOf is an element's text with its blanks folded.
func textOf(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}
