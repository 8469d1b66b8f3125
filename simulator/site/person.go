package site

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"golang.org/x/net/html"

	"github.com/firsttap/firsttap/token"
)

// ShownToken is a token as a page shows it.
type ShownToken struct {
	Reference string // 32 hexadecimal characters
	Number    string // masked
	Kind      string // of phone, in words
	Status    string // token.Status.Word
	Words     string // the status as people read it
	Response  token.Response
	Answer    string // what the network answered to the last wish, in words; "" for none
}

// Tokens reads the tokens on a card's page.
func (c Cardholder) Tokens(ctx context.Context, pageURL string) ([]ShownToken, error) {
	doc, _, err := c.get(ctx, pageURL)
	if err != nil {
		return nil, err
	}
	return shownTokens(doc), nil
}

// Passcode reads the passcode that a card's page shows for a token, as a person
// reads a text message. It gives ErrMissing when there is none.
func (c Cardholder) Passcode(ctx context.Context, pageURL, reference string) (token.ActivationCode, error) {
	doc, _, err := c.get(ctx, pageURL)
	if err != nil {
		return token.ActivationCode{}, err
	}
	id := "passcode-" + reference
	node := elementByID(doc, id)
	if node == nil {
		return token.ActivationCode{}, fmt.Errorf("%w: %s", ErrMissing, id)
	}
	code, err := token.ParseActivationCode(textOf(node))
	if err != nil {
		return token.ActivationCode{}, fmt.Errorf("%w: %s: %w", ErrContent, id, err)
	}
	return code, nil
}

// Confirm presses the button of the issuer's app for a token, and gives it as
// the page then shows it. It gives ErrMissing when there is no such button.
func (c Cardholder) Confirm(ctx context.Context, pageURL, reference string) (ShownToken, error) {
	doc, at, err := c.get(ctx, pageURL)
	if err != nil {
		return ShownToken{}, err
	}
	return c.press(ctx, doc, at, reference, "/confirm")
}

// Activate does the office's part for a cardholder who calls: it finds the token
// in the office's list, and presses Activate. Like each of the office's buttons
// it gives the token as the list then shows it, with what the network answered,
// and ErrMissing when there is no such button.
func (c Cardholder) Activate(ctx context.Context, pageURL, reference string) (ShownToken, error) {
	return c.pressInOffice(ctx, pageURL, reference, stepActivate)
}

// Suspend presses Suspend in the office's list.
func (c Cardholder) Suspend(ctx context.Context, pageURL, reference string) (ShownToken, error) {
	return c.pressInOffice(ctx, pageURL, reference, stepSuspend)
}

// Resume presses Resume in the office's list.
func (c Cardholder) Resume(ctx context.Context, pageURL, reference string) (ShownToken, error) {
	return c.pressInOffice(ctx, pageURL, reference, stepResume)
}

// Delete presses Delete in the office's list.
func (c Cardholder) Delete(ctx context.Context, pageURL, reference string) (ShownToken, error) {
	return c.pressInOffice(ctx, pageURL, reference, stepDelete)
}

// NewExpiry presses New expiry date for the card of a page, and gives its tokens
// with what the network answered about each.
func (c Cardholder) NewExpiry(ctx context.Context, pageURL string) ([]ShownToken, error) {
	return c.changeCard(ctx, pageURL, changeExpiry)
}

// ReplaceCard presses Replace card for the card of a page, which from then on
// shows another, and gives the tokens that are the new card's.
func (c Cardholder) ReplaceCard(ctx context.Context, pageURL string) ([]ShownToken, error) {
	return c.changeCard(ctx, pageURL, changeReplace)
}

func (c Cardholder) pressInOffice(ctx context.Context, pageURL, reference, step string) (ShownToken, error) {
	doc, at, err := c.office(ctx, pageURL)
	if err != nil {
		return ShownToken{}, err
	}
	return c.press(ctx, doc, at, reference, "/"+step)
}

// press presses a token's button on a page, and reads the token on the page that
// follows.
func (c Cardholder) press(ctx context.Context, doc *html.Node, at *url.URL, reference, button string) (ShownToken, error) {
	id := "token-" + reference
	row := elementByID(doc, id)
	if row == nil {
		return ShownToken{}, fmt.Errorf("%w: %s", ErrMissing, id)
	}
	doc, err := c.pressIn(ctx, row, at, button)
	if err != nil {
		return ShownToken{}, err
	}
	if row = elementByID(doc, id); row == nil {
		return ShownToken{}, fmt.Errorf("%w: %s", ErrMissing, id)
	}
	return shownToken(row), nil
}

// pressIn presses the button whose form's action ends so.
func (c Cardholder) pressIn(ctx context.Context, row *html.Node, at *url.URL, button string) (*html.Node, error) {
	form := firstElement(row, func(n *html.Node) bool { return n.Data == "form" && strings.HasSuffix(attribute(n, "action"), button) })
	if form == nil {
		return nil, fmt.Errorf("%w: the button %s", ErrMissing, strings.TrimPrefix(button, "/"))
	}
	doc, _, err := c.post(ctx, at, attribute(form, "action"), nil)
	return doc, err
}

func (c Cardholder) changeCard(ctx context.Context, pageURL, change string) ([]ShownToken, error) {
	doc, at, err := c.office(ctx, pageURL)
	if err != nil {
		return nil, err
	}
	row, err := c.accountRow(ctx, doc, pageURL)
	if err != nil {
		return nil, err
	}
	if doc, err = c.pressIn(ctx, row, at, "/"+change); err != nil {
		return nil, err
	}
	if row, err = c.accountRow(ctx, doc, pageURL); err != nil {
		return nil, err
	}
	return shownTokens(row), nil
}

// accountRow finds the account of a card's page in the office's list.
func (c Cardholder) accountRow(ctx context.Context, office *html.Node, pageURL string) (*html.Node, error) {
	doc, _, err := c.get(ctx, pageURL)
	if err != nil {
		return nil, err
	}
	number := elementByID(doc, "account-number")
	if number == nil {
		return nil, fmt.Errorf("%w: account-number", ErrMissing)
	}
	row := elementByID(office, "account-"+textOf(number))
	if row == nil {
		return nil, fmt.Errorf("%w: account-%s", ErrMissing, textOf(number))
	}
	return row, nil
}

// office reads the office's page of the site that has a card's page.
func (c Cardholder) office(ctx context.Context, pageURL string) (*html.Node, *url.URL, error) {
	at, err := url.Parse(pageURL)
	if err != nil {
		return nil, nil, fmt.Errorf("the address of a card's page: %w", err)
	}
	return c.get(ctx, at.ResolveReference(&url.URL{Path: "/office"}).String())
}

// shownTokens reads the tokens of a page or of a part of one.
func shownTokens(part *html.Node) []ShownToken {
	var tokens []ShownToken
	for n := range part.Descendants() {
		if n.Type == html.ElementNode && strings.HasPrefix(attribute(n, "id"), "token-") {
			tokens = append(tokens, shownToken(n))
		}
	}
	return tokens
}

func shownToken(row *html.Node) ShownToken {
	t := ShownToken{Reference: strings.TrimPrefix(attribute(row, "id"), "token-"), Status: attribute(row, "data-status")}
	t.Kind, t.Number, t.Words = textByClass(row, "kind"), textByClass(row, "pan"), textByClass(row, "badge")
	if answer := elementByID(row, "answer-"+t.Reference); answer != nil {
		t.Answer, t.Response = textOf(answer), token.Response(attribute(answer, "data-response"))
	}
	return t
}

// textByClass is the text of the first element of a class, "" for none.
func textByClass(part *html.Node, class string) string {
	n := firstElement(part, func(n *html.Node) bool { return strings.HasPrefix(attribute(n, "class")+" ", class+" ") })
	if n == nil {
		return ""
	}
	return textOf(n)
}
