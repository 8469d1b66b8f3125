package site

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/net/html"
)

// Errors of a Cardholder.
var (
	ErrAnswer      = errors.New("the issuer's site answered with a problem")
	ErrNotApproved = errors.New("the application is not approved")
)

// Cardholder browses an issuer's site as a person with a browser does: by its
// forms and links, found in the HTML. The zero value is ready.
type Cardholder struct {
	HTTP *http.Client // http.DefaultClient when nil
}

// Apply fills the form on the site's first page and gives the address of the
// application's page.
func (c Cardholder) Apply(ctx context.Context, baseURL, name string) (applicationURL string, err error) {
	doc, at, err := c.get(ctx, baseURL)
	if err != nil {
		return "", err
	}
	form := elementByID(doc, "apply")
	if form == nil {
		return "", fmt.Errorf("%w: apply", ErrMissing)
	}
	values := formValues(form)
	values.Set("name", name)
	_, at, err = c.post(ctx, at, attribute(form, "action"), values)
	if err != nil {
		return "", err
	}
	return at.String(), nil
}

// Status reads how far an application has come from its page.
func (c Cardholder) Status(ctx context.Context, applicationURL string) (Status, error) {
	doc, _, err := c.get(ctx, applicationURL)
	if err != nil {
		return "", err
	}
	return statusOf(doc)
}

// Wait looks at an application's page every so often until it is decided or
// ctx ends.
func (c Cardholder) Wait(ctx context.Context, applicationURL string, every time.Duration) (Status, error) {
	again := time.NewTicker(every)
	defer again.Stop()
	for {
		status, err := c.Status(ctx, applicationURL)
		if err != nil || status != Waiting {
			return status, err
		}
		select {
		case <-ctx.Done():
			return status, ctx.Err()
		case <-again.C:
		}
	}
}

// Show follows the link from an application's page to the card and reads it.
func (c Cardholder) Show(ctx context.Context, applicationURL string) (shown Card, pageURL string, err error) {
	doc, at, err := c.get(ctx, applicationURL)
	if err != nil {
		return Card{}, "", err
	}
	link := elementByID(doc, "card-link")
	if link == nil {
		if status, err := statusOf(doc); err == nil {
			return Card{}, "", fmt.Errorf("%w: it is %s", ErrNotApproved, status)
		}
		return Card{}, "", fmt.Errorf("%w: card-link", ErrMissing)
	}
	to, err := at.Parse(attribute(link, "href"))
	if err != nil {
		return Card{}, "", fmt.Errorf("%w: card-link", ErrContent)
	}
	shown, err = c.ReadPage(ctx, to.String())
	return shown, to.String(), err
}

// ReadPage reads the cardholder's page at pageURL, as it is now.
func (c Cardholder) ReadPage(ctx context.Context, pageURL string) (Card, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, pageURL, nil)
	if err != nil {
		return Card{}, fmt.Errorf("asking for the card's page: %w", err)
	}
	answer, err := c.do(request)
	if err != nil {
		return Card{}, err
	}
	defer answer.Body.Close()
	return ReadCard(answer.Body)
}

// Renew presses the button for new codes on a card's page that shows none.
func (c Cardholder) Renew(ctx context.Context, pageURL string) error {
	doc, at, err := c.get(ctx, pageURL)
	if err != nil {
		return err
	}
	box := elementByID(doc, "no-code")
	if box == nil {
		return fmt.Errorf("%w: no-code", ErrMissing)
	}
	form := firstElement(box, func(n *html.Node) bool { return n.Data == "form" })
	if form == nil {
		return fmt.Errorf("%w: the form for new codes", ErrMissing)
	}
	_, _, err = c.post(ctx, at, attribute(form, "action"), nil)
	return err
}

// Approve does the office's part: it finds the application in the office's
// list by the number its own page shows, and presses Approve.
func (c Cardholder) Approve(ctx context.Context, applicationURL string) error {
	return c.decide(ctx, applicationURL, "/approve")
}

// Decline does the office's part likewise, and presses Decline.
func (c Cardholder) Decline(ctx context.Context, applicationURL string) error {
	return c.decide(ctx, applicationURL, "/decline")
}

func (c Cardholder) decide(ctx context.Context, applicationURL, button string) error {
	doc, at, err := c.get(ctx, applicationURL)
	if err != nil {
		return err
	}
	number := elementByID(doc, "application-number")
	if number == nil {
		return fmt.Errorf("%w: application-number", ErrMissing)
	}
	office, _, err := c.get(ctx, at.ResolveReference(&url.URL{Path: "/office"}).String())
	if err != nil {
		return err
	}
	row := elementByID(office, "application-"+textOf(number))
	if row == nil {
		return fmt.Errorf("%w: application-%s", ErrMissing, textOf(number))
	}
	form := firstElement(row, func(n *html.Node) bool { return n.Data == "form" && strings.HasSuffix(attribute(n, "action"), button) })
	if form == nil {
		return ErrDecided
	}
	_, _, err = c.post(ctx, at, attribute(form, "action"), nil)
	return err
}
