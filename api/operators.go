package api

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/firsttap/firsttap/api/wire"
	"github.com/firsttap/firsttap/token"
	"github.com/firsttap/firsttap/vault"
)

const operatorsDoor = "operators"

// Operators is the door of those who run the network. Pages of other sites
// cannot call it, even from an operator's own browser.
func (a *API) Operators() http.Handler {
	mux := newMux()
	route(mux, http.MethodGet, wire.TokenPath, a.showToken)
	route(mux, http.MethodPost, wire.SuspendPath, a.step(token.Suspend))
	route(mux, http.MethodPost, wire.ResumePath, a.step(token.Resume))
	route(mux, http.MethodPost, wire.DeactivatePath, a.step(token.Deactivate))
	route(mux, http.MethodGet, wire.TransactionPath, a.explain)
	a.routeRanges(mux)
	a.routeStations(mux)
	route(mux, http.MethodGet, wire.HealthPath, healthy)
	route(mux, http.MethodGet, wire.ReadyPath, a.ready)
	if a.metrics != nil {
		route(mux, http.MethodGet, wire.MetricsPath, passing(a.metrics))
	}
	a.routeProfiles(mux)
	route(mux, http.MethodGet, wire.DocumentPath, showDocument)
	return a.sameOrigin(a.door(operatorsDoor, entry{twoWay: a.twoWay.Operators, may: mayOperate, long: wire.CPUProfilePath}, mux))
}

// sameOrigin refuses what a browser sends on behalf of another site.
func (a *API) sameOrigin(door http.Handler) http.Handler {
	protection := http.NewCrossOriginProtection()
	protection.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := &visit{}
		v.finish(w, reply{}, crossOrigin)
		v.record(a.log.With().Str("door", operatorsDoor).Logger(), r, 0)
		a.tell(operatorsDoor, v, "", 0)
	}))
	return protection.Handler(door)
}

func (a *API) showToken(r *http.Request, v *visit) (reply, error) {
	t, err := a.tokenByReference(r, v)
	if err != nil {
		return reply{}, err
	}
	return reply{status: http.StatusOK, body: tokenAnswer(t)}, nil
}

// step moves a token along its life cycle; the store queues the notice.
func (a *API) step(event token.Event) act {
	return func(r *http.Request, v *visit) (reply, error) {
		if err := noBody(r); err != nil {
			return reply{}, err
		}
		reference, err := readReference(r, v)
		if err != nil {
			return reply{}, err
		}
		t, err := a.store.Step(r.Context(), token.Change{Reference: reference, Event: event, By: token.Operator}, a.now())
		if err != nil {
			return reply{}, storeFault(err)
		}
		a.wake()
		return reply{status: http.StatusOK, body: tokenAnswer(t)}, nil
	}
}

func tokenAnswer(t token.Token) wire.Object {
	return wire.Object{
		wire.Text(wire.TokenReference, t.Reference),
		wire.Text(wire.TokenStatus, t.Status.Word()),
		wire.Text(wire.TokenNumber, t.Number.Masked()),
		wire.Text(wire.TokenPAN, t.PAN.Masked()),
		wire.Text(wire.TokenType, string(t.Type)),
		wire.Text(wire.TokenIssuer, t.Issuer),
		wire.Text(wire.TokenRequestor, t.Requestor),
		wire.Text(wire.TokenDevice, t.DeviceID),
		wire.Integer(wire.TokenCounter, t.ATC),
		wire.Text(wire.TokenCreated, moment(t.Created)),
	}
}

// explain tells an operator what the audit trail says of a transaction. One
// that was never seen has no entries.
func (a *API) explain(r *http.Request, _ *visit) (reply, error) {
	entries, err := a.store.Explain(r.Context(), r.PathValue("transaction"))
	if err != nil {
		return reply{}, storeFault(err)
	}
	items := make([]wire.Object, 0, len(entries))
	for _, e := range entries {
		items = append(items, wire.Object{
			wire.Text(wire.AuditAt, moment(e.At)),
			wire.Text(wire.AuditEvent, e.Event),
			wire.Text(wire.AuditSubject, e.Subject),
			wire.Text(wire.AuditDetail, e.Detail),
		})
	}
	return reply{status: http.StatusOK, body: wire.Object{wire.List(wire.AuditEntries, items)}}, nil
}

// storeFault tells the store's answers apart from a store that cannot answer.
func storeFault(err error) error {
	var step *token.StepError
	if err == nil || errors.Is(err, vault.ErrNotFound) || errors.As(err, &step) {
		return err
	}
	return outOfReach(err)
}

func healthy(*http.Request, *visit) (reply, error) {
	return reply{status: http.StatusOK, body: wire.Object{wire.Text(wire.HealthStatus, "ok")}}, nil
}

// ready reads one line from the store: it can be asked, so can the network.
func (a *API) ready(r *http.Request, v *visit) (reply, error) {
	if _, err := a.store.Audit(r.Context(), 0, 1); err != nil {
		return reply{}, outOfReach(err)
	}
	return healthy(r, v)
}

// Station is a station of the ISO 8583 side, as operators see it.
type Station = wire.Station

// Stations shows the stations of the ISO 8583 side, and reads the settings file
// that names them anew.
type Stations interface {
	// List lists all stations in the order of the settings.
	List() []Station
	// Reload brings the stations, issuers and newly said ranges of the settings
	// file into force, and says whether the file changes more, which only a start
	// takes up. An error is all that is wrong with the file, one fault a line;
	// then nothing has changed.
	Reload(ctx context.Context) (restart bool, err error)
}

// routeStations serves the addresses of stations, where there are some.
func (a *API) routeStations(mux *http.ServeMux) {
	if a.stations == nil {
		return
	}
	route(mux, http.MethodGet, wire.StationsPath, a.listStations)
	route(mux, http.MethodPost, wire.StationsReloadPath, a.reloadStations)
}

func (a *API) listStations(*http.Request, *visit) (reply, error) {
	return reply{status: http.StatusOK, body: wire.Object{a.stationList()}}, nil
}

func (a *API) stationList() wire.Pair {
	items := make([]wire.Object, 0)
	for _, s := range a.stations.List() {
		items = append(items, s.Members())
	}
	return wire.List(wire.StationList, items)
}

func (a *API) reloadStations(r *http.Request, v *visit) (reply, error) {
	if err := noBody(r); err != nil {
		return reply{}, err
	}
	restart, err := a.stations.Reload(r.Context())
	if err != nil {
		v.err = err
		return reply{}, &wire.Problem{
			Status: http.StatusConflict, Code: wire.CodeSettings,
			Detail: "nothing was changed: " + strings.ReplaceAll(err.Error(), "\n", "; "),
		}
	}
	return reply{status: http.StatusOK, body: wire.Object{a.stationList(), wire.Bool(wire.StationRestart, restart)}}, nil
}
