package main

import (
	stdlog "log"
	"strings"

	"github.com/rs/zerolog"
)

// complaints logs what net/http complains of, such as handshakes that failed:
// a peer's doing, so of interest to those who debug only.
type complaints struct{ log zerolog.Logger }

func (c complaints) Write(line []byte) (int, error) {
	c.log.Debug().Str("complaint", strings.TrimSpace(string(line))).Msg("http")
	return len(line), nil
}

func complaintsTo(log zerolog.Logger, door string) *stdlog.Logger {
	return stdlog.New(complaints{log.With().Str("door", door).Logger()}, "", 0)
}
