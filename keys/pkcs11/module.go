//go:build pkcs11 && cgo

package pkcs11

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/miekg/pkcs11"

	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/internal/secret"
)

// Built reports whether the driver is in this program.
const Built = true

// Module is a token of a PKCS#11 module that is logged in. It may be used by
// many goroutines; as many compute at once as it has sessions.
type Module struct {
	ctx  *pkcs11.Ctx
	slot uint
	pin  secret.Text
	own  bool // the library was initialised by us, so we finalise it
	can  map[dcvv2.Derivation]error

	sessions chan pkcs11.SessionHandle // those that nobody uses; noSession for one to be opened
	making   sync.Mutex                // held while objects are made
	closing  sync.Once

	mu      sync.Mutex
	objects map[object]pkcs11.ObjectHandle
	refused error // what the token said of our PIN
}

// noSession stands in the pool for a session that was not opened yet, or that
// failed.
const noSession pkcs11.SessionHandle = 0

// Format writes what a module is and nothing of it.
func (m *Module) Format(f fmt.State, _ rune) { fmt.Fprint(f, "[PKCS#11 module]") }

// Open loads the module, finds the token, logs in and asks what it can do. A
// derivation of s.Needs that it cannot do is refused (ErrCannot).
func Open(s Settings) (*Module, error) {
	m, err := open(s)
	if err != nil {
		return nil, fmt.Errorf("opening the PKCS#11 token %q: %w", s.Token, err)
	}
	return m, nil
}

func open(s Settings) (*Module, error) {
	count, err := s.sessions()
	if err != nil {
		return nil, err
	}
	pin, err := readPIN(s.PINFile)
	if err != nil {
		return nil, err
	}
	ctx := pkcs11.New(s.Module)
	if ctx == nil {
		return nil, fmt.Errorf("the library %s cannot be loaded", s.Module)
	}
	m := &Module{ctx: ctx, pin: pin, sessions: make(chan pkcs11.SessionHandle, count), objects: map[object]pkcs11.ObjectHandle{}}
	for range count {
		m.sessions <- noSession
	}
	if err := m.begin(s); err != nil {
		return nil, errors.Join(err, m.Close())
	}
	return m, nil
}

func (m *Module) begin(s Settings) error {
	err := m.ctx.Initialize()
	m.own = err == nil
	if err != nil && !is(err, pkcs11.CKR_CRYPTOKI_ALREADY_INITIALIZED) {
		return err
	}
	if m.slot, err = m.findToken(s.Token); err != nil {
		return err
	}
	if err := m.probe(); err != nil {
		return err
	}
	for _, d := range s.Needs {
		if err := m.cannot(d); err != nil {
			return err
		}
	}
	return m.with(func(pkcs11.SessionHandle) error { return nil })
}

// findToken gives the slot of the one token of this label.
func (m *Module) findToken(label string) (uint, error) {
	slots, err := m.ctx.GetSlotList(true)
	if err != nil {
		return 0, err
	}
	var found []uint
	for _, slot := range slots {
		if info, err := m.ctx.GetTokenInfo(slot); err == nil && strings.TrimRight(info.Label, " \x00") == label {
			found = append(found, slot)
		}
	}
	if len(found) != 1 {
		return 0, fmt.Errorf("the module has %d tokens of this label, and one is wanted", len(found))
	}
	return found[0], nil
}

// probe asks the module for its mechanisms.
func (m *Module) probe() error {
	list, err := m.ctx.GetMechanismList(m.slot)
	if err != nil {
		return err
	}
	m.can = make(map[dcvv2.Derivation]error)
	for d, way := range ways {
		if !slices.ContainsFunc(list, func(have *pkcs11.Mechanism) bool { return have.Mechanism == way.mechanism }) {
			m.can[d] = fmt.Errorf("%w: it has no %s, which code profiles with %s need: use the ring, or another profile", ErrCannot, way.name, d)
		}
	}
	return nil
}

// cannot says why the module cannot do a derivation, nil when it can.
func (m *Module) cannot(d dcvv2.Derivation) error {
	if _, known := ways[d]; !known {
		return fmt.Errorf("%w: %s", ErrCannot, d)
	}
	return m.can[d]
}

// session opens a session and logs in where that is needed.
func (m *Module) session() (pkcs11.SessionHandle, error) {
	session, err := m.ctx.OpenSession(m.slot, pkcs11.CKF_SERIAL_SESSION|pkcs11.CKF_RW_SESSION)
	if err != nil {
		return noSession, err
	}
	if err := m.login(session); err != nil {
		return noSession, errors.Join(fmt.Errorf("logging in: %w", err), m.ctx.CloseSession(session))
	}
	return session, nil
}

// login logs all sessions in. A PIN that was refused is not tried again:
// tokens lock themselves.
func (m *Module) login(session pkcs11.SessionHandle) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.refused != nil {
		return m.refused
	}
	err := m.ctx.Login(session, pkcs11.CKU_USER, m.pin.Reveal())
	switch {
	case is(err, pkcs11.CKR_USER_ALREADY_LOGGED_IN):
		return nil
	case is(err, pkcs11.CKR_PIN_INCORRECT, pkcs11.CKR_PIN_INVALID, pkcs11.CKR_PIN_LEN_RANGE, pkcs11.CKR_PIN_EXPIRED, pkcs11.CKR_PIN_LOCKED):
		m.refused = err
	}
	return err
}

// with runs do in a session of the pool. Where session or handle are gone, as
// after a module was restarted, both are got anew and do runs once more.
func (m *Module) with(do func(pkcs11.SessionHandle) error) (err error) {
	session, open := <-m.sessions
	if !open {
		return errClosed
	}
	defer func() { m.sessions <- session }()
	for range 2 {
		if session == noSession {
			if session, err = m.session(); err != nil {
				return err
			}
		}
		if err = do(session); err == nil || !lost(err) {
			return err
		}
		if !gone(err) { // a module may give a dead session's handle to a new one
			_ = m.ctx.CloseSession(session)
		}
		session = noSession
		m.forget()
	}
	return err
}

var errClosed = errors.New("the PKCS#11 module is closed")

// gone reports whether the session does not exist any more.
func gone(err error) bool {
	return is(err, pkcs11.CKR_SESSION_HANDLE_INVALID, pkcs11.CKR_SESSION_CLOSED)
}

// lost reports whether an error means that session or handles are worth
// nothing any more.
func lost(err error) bool {
	return gone(err) || is(err, pkcs11.CKR_USER_NOT_LOGGED_IN, pkcs11.CKR_KEY_HANDLE_INVALID, pkcs11.CKR_OBJECT_HANDLE_INVALID, pkcs11.CKR_OPERATION_ACTIVE,
		pkcs11.CKR_DEVICE_ERROR, pkcs11.CKR_DEVICE_REMOVED, pkcs11.CKR_GENERAL_ERROR)
}

func is(err error, codes ...uint) bool {
	var code pkcs11.Error
	return errors.As(err, &code) && slices.Contains(codes, uint(code))
}

// Close ends the sessions. Computations under way end first; later ones fail.
func (m *Module) Close() (err error) {
	m.closing.Do(func() {
		for range cap(m.sessions) {
			if session := <-m.sessions; session != noSession {
				if closed := m.ctx.CloseSession(session); !gone(closed) {
					err = errors.Join(err, closed)
				}
			}
		}
		close(m.sessions)
		if m.own {
			err = errors.Join(err, m.ctx.Finalize())
		}
		m.ctx.Destroy()
	})
	return err
}
