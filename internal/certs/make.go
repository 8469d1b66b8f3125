package certs

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/firsttap/firsttap/internal/filelock"
)

// Files of a folder of certificates. A client's are ROLE-NAME.pem and
// ROLE-NAME-key.pem.
const (
	AuthorityFile    = "authority.pem"
	AuthorityKeyFile = "authority-key.pem"
	GatewayFile      = "gateway.pem"
	GatewayKeyFile   = "gateway-key.pem"

	pemEnding = ".pem"
	keyEnding = "-key.pem"
	keySuffix = "-key"
	lockFile  = "certs.lock"
)

// lockWait is how long one that makes waits for another, lockPause how often it
// looks: making takes milliseconds (ours).
const (
	lockWait  = 10 * time.Second
	lockPause = 5 * time.Millisecond
)

// How long certificates are good. Ours: a test installation outlives a year,
// and its leaves are made again before they end.
const (
	AuthorityYears = 5
	LeafYears      = 1
	RenewBefore    = 30 * 24 * time.Hour
	// backdate lets a peer's clock be behind ours.
	backdate = time.Hour
)

// HostsDefault are the names of a gateway that is reached on its own machine.
func HostsDefault() []string { return []string{"localhost", "127.0.0.1", "::1"} }

// Errors of Make.
var (
	ErrNoAuthorityKey = errors.New("the folder has certificates but no " + AuthorityKeyFile + ", without which none can be added: bring the key back, or take an empty folder")
	ErrNotTest        = errors.New("the folder's authority is none that was made for tests: its certificates come from whoever runs it")
	ErrAuthorityEnds  = errors.New("the folder's authority has ended or is about to: move the folder away, and everything is made anew")
	ErrOtherAuthority = errors.New("is not signed by the folder's authority: move it and its key away, and it is made anew")
	ErrBusy           = errors.New("another process is making certificates in this folder: try again when it has ended")
	ErrHost           = errors.New("a host is a name such as gateway.example or an address such as 192.0.2.1, without a port")
	ErrName           = errors.New("a client's name must not end in " + keySuffix + ", because files of keys do")
)

// Order is what a folder of certificates must have.
type Order struct {
	Hosts   []string   // names and addresses of the gateway beside HostsDefault
	Clients []Identity // beside those that the folder has
	Now     time.Time  // zero: the time of the machine
}

// Check says what is wrong with an order: ErrIdentity, ErrName or ErrHost. Make
// does it too.
func (o Order) Check() error {
	for _, client := range o.Clients {
		if err := client.check(); err != nil {
			return fmt.Errorf("%q: %w", client, err)
		}
		if strings.HasSuffix(client.Name, keySuffix) {
			return fmt.Errorf("%q: %w", client, ErrName)
		}
	}
	for _, host := range o.Hosts {
		if net.ParseIP(host) == nil && !hostName.MatchString(host) {
			return fmt.Errorf("%q: %w", host, ErrHost)
		}
	}
	return nil
}

// hostName is a name of the domain system, which may begin with a wildcard.
var hostName = regexp.MustCompile(`^(\*\.)?([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$`)

// State is what became of a certificate.
type State string

// States.
const (
	Made    State = "made"
	Kept    State = "kept"
	Renewed State = "renewed" // it had ended, was about to, lacked a host's name or a use, or its key was not there
)

// Item is one certificate of a folder.
type Item struct {
	File     string // in the folder
	KeyFile  string
	State    State
	Identity Identity // of a client, else zero
	Hosts    []string // of the gateway
	Print    Fingerprint
	NotAfter time.Time // UTC
}

// Make makes what the folder lacks: a test authority, the gateway's certificate
// and those of clients (ECDSA P-256, private keys of mode 0600). What is there
// is kept, but a leaf that ends within RenewBefore is made anew with a new key.
// It gives the authority first, then the gateway, then the clients by file.
// Each file is written whole or not at all, and two that make at once in one
// folder come one after the other, or get ErrBusy after 10 s.
func Make(dir string, o Order) ([]Item, error) {
	if o.Now.IsZero() {
		o.Now = time.Now()
	}
	if err := o.Check(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	m := maker{dir: dir, now: o.Now.UTC()}
	release, err := m.lock()
	if err != nil {
		return nil, err
	}
	defer release()
	first, err := m.authority()
	if err != nil {
		return nil, err
	}
	wanted, err := m.wanted(o)
	if err != nil {
		return nil, err
	}
	items := []Item{first}
	for _, leaf := range wanted {
		item, err := m.leaf(leaf)
		if err != nil {
			return items, err
		}
		items = append(items, item)
	}
	return items, nil
}

// maker makes the certificates of one folder.
type maker struct {
	dir string
	now time.Time
	by  pair // the authority
}

// lock keeps others from making in the folder until release is called. A folder
// that takes no lock file cannot be written to either, and needs none as long
// as all is there.
func (m *maker) lock() (release func(), err error) {
	path := m.path(lockFile)
	file, err := filelock.Wait(path, lockWait, lockPause)
	switch {
	case errors.Is(err, filelock.ErrHeld):
		return nil, fmt.Errorf("%w (lock %s)", ErrBusy, path)
	case err != nil:
		return func() {}, nil
	}
	return func() { _ = file.Close() }, nil // nothing was written to it
}

// leaf is a certificate that a folder must have: the gateway's, or a client's.
type leaf struct {
	file  string
	hosts []string
	who   Identity
}

func clientLeaf(who Identity) leaf {
	return leaf{file: string(who.Role) + "-" + who.Name + pemEnding, who: who}
}

// GatewayClient is who the gateway is where it dials issuers.
var GatewayClient = Identity{Role: Network, Name: "gateway"}

func keyFileOf(file string) string { return strings.TrimSuffix(file, pemEnding) + keyEnding }

func (m *maker) path(file string) string { return filepath.Join(m.dir, file) }

// wanted lists the gateway, and the clients asked for and found.
func (m *maker) wanted(o Order) ([]leaf, error) {
	found, err := clientsIn(m.dir)
	if err != nil {
		return nil, err
	}
	var clients []leaf
	for _, who := range append(found, o.Clients...) {
		clients = append(clients, clientLeaf(who))
	}
	slices.SortFunc(clients, func(a, b leaf) int { return strings.Compare(a.file, b.file) })
	clients = slices.CompactFunc(clients, func(a, b leaf) bool { return a.file == b.file })
	return append([]leaf{{file: GatewayFile, hosts: union(HostsDefault(), o.Hosts)}}, clients...), nil
}

// clientsIn lists the clients that a folder has certificates for, by the names
// of their files.
func clientsIn(dir string) ([]Identity, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var found []Identity
	for _, e := range entries {
		role, name, ok := strings.Cut(strings.TrimSuffix(e.Name(), pemEnding), "-")
		who := Identity{Role: Role(role), Name: name}
		if ok && strings.HasSuffix(e.Name(), pemEnding) && !strings.HasSuffix(name, keySuffix) && who.check() == nil {
			found = append(found, who)
		}
	}
	return found, nil
}

// leaf keeps, makes or renews one certificate.
func (m *maker) leaf(l leaf) (Item, error) {
	item := Item{File: l.file, KeyFile: keyFileOf(l.file), Identity: l.who, State: Made}
	old, err := readLeaf(m.path(l.file))
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return item, err
	case old.CheckSignatureFrom(m.by.certificate) != nil:
		return item, fmt.Errorf("%s %w", m.path(l.file), ErrOtherAuthority)
	case m.good(l, old):
		item.State = Kept
		return item.of(old), nil
	default:
		item.State = Renewed
		l.hosts = union(hostsOf(old), l.hosts)
	}
	made, err := m.by.sign(l, m.now)
	if err != nil {
		return item, err
	}
	return item.of(made.certificate), made.write(m.path(item.KeyFile), m.path(item.File))
}

// good reports whether a certificate can stay: it has time left, says what it
// must, and its key is there.
func (m *maker) good(l leaf, c *x509.Certificate) bool {
	if c.NotAfter.Sub(m.now) < RenewBefore || len(union(hostsOf(c), l.hosts)) > len(hostsOf(c)) {
		return false
	}
	for _, use := range l.uses() {
		if !slices.Contains(c.ExtKeyUsage, use) {
			return false
		}
	}
	if l.who != (Identity{}) {
		if who, err := IdentityOf(c); err != nil || who != l.who {
			return false
		}
	}
	_, err := readPair(m.path(l.file), m.path(keyFileOf(l.file)))
	return err == nil
}

func (i Item) of(c *x509.Certificate) Item {
	i.Print, i.NotAfter, i.Hosts = FingerprintOf(c), c.NotAfter.UTC(), hostsOf(c)
	return i
}

// authority reads the folder's authority, or makes one in an empty folder.
func (m *maker) authority() (Item, error) {
	item := Item{File: AuthorityFile, KeyFile: AuthorityKeyFile, State: Kept}
	there, err := Any(m.dir)
	if err != nil {
		return item, err
	}
	if !there {
		return m.newAuthority(item)
	}
	m.by, err = readPair(m.path(AuthorityFile), m.path(AuthorityKeyFile))
	switch _, lost := os.Lstat(m.path(AuthorityKeyFile)); {
	case errors.Is(lost, fs.ErrNotExist):
		return item, ErrNoAuthorityKey
	case err != nil:
		return item, fmt.Errorf("reading the folder's authority: %w", err)
	case !m.by.certificate.IsCA || !IsTest(m.by.certificate):
		return item, ErrNotTest
	case m.by.certificate.NotAfter.Sub(m.now) < RenewBefore:
		return item, ErrAuthorityEnds
	}
	return item.of(m.by.certificate), nil
}

func (m *maker) newAuthority(item Item) (Item, error) {
	var err error
	if m.by, err = newAuthority(m.now); err != nil {
		return item, err
	}
	item.State = Made
	return item.of(m.by.certificate), m.by.write(m.path(AuthorityKeyFile), m.path(AuthorityFile))
}

// Any reports whether a folder has a certificate: a file that ends in .pem. A
// folder that is not there has none.
func Any(dir string) (bool, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return strings.HasSuffix(e.Name(), pemEnding) }), err
}
