package network

import (
	"context"
	"errors"
	stdlog "log"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/rs/zerolog"
)

const shutdownTimeout = 5 * time.Second // for requests under way when a server stops

// ServeHTTP serves until ctx ends and then lets requests under way finish;
// those that take longer than 5 s are cut off. When it returns, nothing is
// served any more. What net/http complains of is logged at debug level, with
// the door's name.
func ServeHTTP(ctx context.Context, server *http.Server, l net.Listener, door string, log zerolog.Logger) error {
	server.ErrorLog = complaintsTo(log, door)
	ended := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(ended)
		closing, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
		defer cancel()
		if server.Shutdown(closing) != nil {
			_ = server.Close()
		}
	})
	err := server.Serve(l) // returns when the shutdown begins, not when it ends
	if !stop() {
		<-ended
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

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
