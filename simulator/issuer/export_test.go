package issuer

import "github.com/firsttap/firsttap/messages"

// Tell gives the host a message as decoded.
func (h *Host) Tell(m messages.Message) { h.answer(m, nil) }
