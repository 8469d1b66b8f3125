package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"path"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"github.com/firsttap/firsttap/api/wire"
	"github.com/firsttap/firsttap/card"
	"github.com/firsttap/firsttap/internal/certs"
	"github.com/firsttap/firsttap/internal/stack"
)

// visit is what the log says about one request. Only values that were checked
// get in.
type visit struct {
	caller        *certs.Identity // by certificate; nil where none is asked for
	client        string          // the caller's name, or a known issuer's
	seat          *seat
	transactionID string
	account       card.PAN
	reference     string     // of a token
	accounts      card.Range // whose registration is looked at or changed
	result        string     // "ok" or a problem's code
	status        int
	err           error
}

// reply is what a door answers when all went well: a JSON body, or a raw one of
// another media type, or none.
type reply struct {
	status    int
	body      wire.Object
	raw       []byte
	mediaType string // of raw
}

// act is what a door does about one request.
type act func(r *http.Request, v *visit) (reply, error)

type visitKey struct{}

// route serves one address with one method, and says so to other methods.
func route(mux *http.ServeMux, method, address string, do act) {
	routes(mux, address, map[string]act{method: do})
}

// routes is route with an act for each method.
func routes(mux *http.ServeMux, address string, acts map[string]act) {
	var allowed []string
	for method, do := range acts {
		mux.Handle(method+" "+address, serving(do))
		allowed = append(allowed, method)
		if method == http.MethodGet {
			allowed = append(allowed, http.MethodHead)
		}
	}
	slices.Sort(allowed)
	mux.HandleFunc(address, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		visitOf(r).finish(w, reply{}, methodNotAllowed(allowed))
	})
}

// newMux answers every address that is not routed.
func newMux() *http.ServeMux {
	mux := http.NewServeMux()
	mux.Handle("/", serving(func(*http.Request, *visit) (reply, error) { return reply{}, pathUnknown }))
	return mux
}

func serving(do act) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v := visitOf(r)
		r.Body = http.MaxBytesReader(w, r.Body, BodyBytesMax)
		answer, err := do(r, v)
		v.finish(w, answer, err)
	}
}

func visitOf(r *http.Request) *visit {
	v, _ := r.Context().Value(visitKey{}).(*visit)
	return v
}

// door puts around a mux what every door has: who may come in, limits, one log
// event, and an answer even when something inside panics.
func (a *API) door(name string, e entry, mux *http.ServeMux) http.Handler {
	log := a.log.With().Str("door", name).Logger()
	places, known := make(chan struct{}, RequestsInFlight), newClients(a.limits, a.now)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begun, v := time.Now(), &visit{}
		timeout := e.timeout(r)
		ctx, cancel := context.WithTimeout(context.WithValue(r.Context(), visitKey{}, v), timeout)
		defer cancel()
		r = r.WithContext(ctx)
		defer func() {
			took := time.Since(begun)
			v.record(log, r, took)
			a.tell(name, v, pattern(r), took)
		}()
		defer v.recoverPanic(w)

		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		if err := a.admits(e, r, v); err != nil {
			v.finish(w, reply{}, err)
			return
		}
		select {
		case places <- struct{}{}:
			defer func() { <-places }()
		default:
			v.finish(w, reply{}, &tooSoon{after: time.Second})
			return
		}
		if err := v.sit(known, e, r); err != nil {
			v.finish(w, reply{}, err)
			return
		}
		defer v.seat.leave()
		if timeout > RequestTimeout {
			defyServer(w, timeout)
		}
		if r.URL.Path != path.Clean(r.URL.Path) { // a mux would redirect
			v.finish(w, reply{}, pathUnknown)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// timeout is how long the work of a request may take.
func (e entry) timeout(r *http.Request) time.Duration {
	if e.long != "" && r.URL.Path == e.long {
		return ProfileTimeout
	}
	return RequestTimeout
}

// defyServer puts off the server's own timeouts for one request: that of reading,
// too, which would end the request's context.
func defyServer(w http.ResponseWriter, timeout time.Duration) {
	server, end := http.NewResponseController(w), time.Now().Add(timeout)
	_ = server.SetReadDeadline(end) // a server that cannot has no timeouts either
	_ = server.SetWriteDeadline(end.Add(WriteTimeout - RequestTimeout))
}

// sit counts the request on its client: the name of its certificate, else the
// address it comes from, until it names an issuer that is known.
func (v *visit) sit(known *clients, e entry, r *http.Request) (err error) {
	who := remote(r)
	if v.caller != nil {
		who = string(v.caller.Role) + "/" + v.caller.Name
	}
	v.seat, err = known.enter(who, v.caller != nil || !e.named)
	return err
}

// finish writes the answer and remembers how it went.
func (v *visit) finish(w http.ResponseWriter, answer reply, err error) {
	if err != nil {
		p := problemOf(err)
		v.result, v.status, v.err = p.Code, p.Status, err
		var soon *tooSoon
		if errors.As(err, &soon) {
			w.Header().Set("Retry-After", strconv.Itoa(soon.seconds()))
		}
		writeProblem(w, p)
		return
	}
	v.result, v.status = "ok", answer.status
	switch {
	case answer.raw != nil:
		writeBody(w, answer.status, answer.mediaType, answer.raw)
		return
	case answer.body == nil:
		w.WriteHeader(answer.status)
		return
	}
	body, err := json.Marshal(answer.body)
	if err != nil {
		v.finish(w, reply{}, fmt.Errorf("writing the answer: %w", err))
		return
	}
	writeBody(w, answer.status, "application/json", body)
}

func writeBody(w http.ResponseWriter, status int, mediaType string, body []byte) {
	w.Header().Set("Content-Type", mediaType)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // a caller that went away hears nothing either way
}

// recoverPanic answers 500. The panic's value stays out of the log unless the
// runtime wrote it: it could hold anything.
func (v *visit) recoverPanic(w http.ResponseWriter) {
	thrown := recover()
	if thrown == nil {
		return
	}
	cause := fmt.Errorf("panic of type %T", thrown)
	var fault runtime.Error
	if err, ok := thrown.(error); ok && errors.As(err, &fault) {
		cause = fault
	}
	v.finish(w, reply{}, fmt.Errorf("%w\n%s", cause, stack.Calls()))
}

// record writes the one event of a request: never its address, headers or
// body, because a PAN could stand in each.
func (v *visit) record(log zerolog.Logger, r *http.Request, took time.Duration) {
	event := log.Info()
	if v.status >= http.StatusInternalServerError {
		event = log.Error().Err(v.err)
	}
	event.Str("method", method(r)).Str("path", pattern(r)).Int("status", v.status)
	for _, word := range []struct{ name, value string }{
		{"client", v.client}, {"tranId", v.transactionID}, {"reference", v.reference}, {"range", v.accounts.String()},
	} {
		if word.value != "" {
			event.Str(word.name, word.value)
		}
	}
	if !v.account.IsZero() {
		event.Stringer("pan", v.account)
	}
	event.Str("result", v.result).Dur("took_ms", took).Msg("request")
}

// pattern is the address of the route that serves a request, "" for none.
func pattern(r *http.Request) string {
	if _, address, ok := strings.Cut(r.Pattern, " "); ok {
		return address
	}
	return r.Pattern
}

// method is the method if HTTP knows it: a caller may send any word.
func method(r *http.Request) string {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return r.Method
	default:
		return "other"
	}
}
