package network

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"

	"github.com/firsttap/firsttap/api"
)

// Door is where a network is met, as it is named to people.
type Door string

// Doors of a network: two of ISO 8583, as the default settings name these
// stations, and three of HTTP.
const (
	Wallets   Door = "wallets"
	Merchants Door = "merchants"
	Issuers   Door = "issuers' API"
	Phones    Door = "phones"
	Operators Door = "operators"
)

func (n *Network) listen() error {
	for door, address := range map[Door]string{
		Issuers: n.settings.HTTP.Issuers, Phones: n.settings.HTTP.Phones, Operators: n.settings.HTTP.Operators,
	} {
		l, err := net.Listen("tcp", address)
		if err != nil {
			return fmt.Errorf("the door for %s cannot listen: %w", door, err)
		}
		n.listeners[door] = l
	}
	return nil
}

// Address is where a door of HTTP listens, or that of a station by its name,
// host:port, the port filled in; "" for a station that is none.
func (n *Network) Address(door Door) string {
	if l := n.listeners[door]; l != nil {
		return l.Addr().String()
	}
	return n.Station(string(door))
}

// Station is where a station dials in, host:port, the port filled in; "" for one
// that does not. Its name may be that of a door of HTTP.
func (n *Network) Station(name string) string { return n.gateway.Address(name) }

// URL is where an HTTP door is.
func (n *Network) URL(door Door) string { return scheme(n.settings, door) + "://" + n.Address(door) }

func (n *Network) serveHTTP(ctx context.Context, door Door, handler http.Handler) error {
	server := api.NewHTTPServer(handler)
	listener := n.listeners[door]
	if protection := n.tls[door]; protection != nil {
		listener = tls.NewListener(listener, protection)
	}
	return ServeHTTP(ctx, server, listener, string(door), n.log)
}
