package arch

// A room is a folder with what it may import from the tree and from other
// modules. Subfolders belong to the nearest room above. Every room may import
// the standard library and itself.
type room struct {
	folder  string
	may     []string // other rooms
	modules []string // of third parties
	tests   []string // more for its tests: rooms or modules
	why     string   // said when the room imports something else
}

var (
	core = []string{"card", "dcvv2", "emv", "token"}
	// inAnyTest may be imported by every test.
	inAnyTest = []string{
		"internal/golden", "internal/need", "internal/secret",
		"github.com/google/go-cmp", "github.com/rogpeppe/go-internal", "go.uber.org/goleak", "pgregory.net/rapid",
	}
)

const (
	connection = "github.com/moov-io/iso8583-connection"
	hdr        = "github.com/HdrHistogram/hdrhistogram-go"
	goose      = "github.com/pressly/goose/v3"
	iso8583    = "github.com/moov-io/iso8583"
	jose       = "github.com/go-jose/go-jose/v4"
	pkcs11     = "github.com/miekg/pkcs11"
	jsonschema = "github.com/santhosh-tekuri/jsonschema/v6"
	openapi    = "github.com/getkin/kin-openapi" // weighs as much as the API: it must never be in the binary
	prometheus = "github.com/prometheus/client_golang"
	rate       = "golang.org/x/time"
	sqlite     = "modernc.org/sqlite"
	txtar      = "github.com/rogpeppe/go-internal"
	yaml       = "go.yaml.in/yaml/v3"
	uuid       = "github.com/google/uuid"
	zerolog    = "github.com/rs/zerolog"

	anyModule = "*"
)

// rooms is the plan of the house, from the bottom up.
var rooms = []room{
	{folder: "internal/filelock", why: "a lock knows nothing of what it keeps apart"},
	{folder: "internal/datasync", why: "a disk knows nothing of what is on it"},
	{folder: "internal/files", why: "it reads and writes what others understand"},
	{folder: "internal/stack", why: "it names calls and knows nothing"},
	{folder: "internal/profiles", why: "it looks at the running program and knows nothing of what it does"},
	{folder: "internal/secret", why: "it lies under everything"},
	{folder: "internal/cmac", why: "it is arithmetic"},
	{folder: "card", may: []string{"internal/secret"}, why: "a card knows no codes, keys, wires or stores"},
	{
		folder: "emv", may: []string{"card", "internal/secret"},
		why: "chip cryptography needs nothing but card data (token -> dcvv2 -> emv -> card)",
	},
	{
		folder: "dcvv2", may: []string{"card", "emv", "internal/cmac", "internal/secret"},
		why: "codes are computed before any token exists (token -> dcvv2 -> emv -> card)",
	},
	{
		folder: "token", may: []string{"card", "dcvv2", "emv", "internal/secret"},
		why: "the core decides on values and knows no wire, store or key ring",
	},

	{folder: "keys", may: with(core, "internal/cmac", "internal/filelock", "internal/files", "internal/secret"), why: "custody of keys serves the shells and knows none of them"},
	{
		folder: "keys/pkcs11", may: with(core, "keys", "internal/files", "internal/secret"), modules: []string{pkcs11},
		why: "a module takes the ring's place for code masters and knows nothing of who uses them",
	},
	{folder: "vault", may: with(core, "internal/secret"), why: "the store's interface knows no engine and no wire"},
	{
		folder: "ranges", may: with(core, "vault", "internal/secret"), modules: []string{zerolog}, tests: []string{"vault/sqlite"},
		why: "which ranges are in force serves the doors of both kinds and knows none of them",
	},
	{
		folder: "vault/sqlite", may: with(core, "vault", "internal/datasync", "internal/filelock", "internal/secret"), modules: []string{goose, sqlite},
		tests: []string{"vault/vaulttest"},
		why:   "an engine knows the interface it fulfils, not who uses it",
	},
	{
		folder: "vault/vaulttest", may: with(core, "vault", "internal/secret"),
		modules: []string{"github.com/google/go-cmp", "pgregory.net/rapid"},
		why:     "the conformance suite must run on every engine",
	},

	{
		folder: "specs", modules: []string{iso8583}, tests: []string{connection},
		why: "the shape of the wire knows no meaning, so that tools can use it alone",
	},
	{
		folder: "specs/profile", may: []string{"specs"}, modules: []string{iso8583},
		why: "descriptions in JSON are read and written apart from the codec's path, and know no meaning either",
	},
	{
		folder: "messages", may: with(core, "specs", "internal/secret"), tests: []string{"specs/profile", iso8583},
		why: "messages give meaning to the wire and do no I/O",
	},
	{
		folder: "internal/link", may: []string{"specs", "internal/secret", "internal/stack"}, modules: []string{iso8583, connection, zerolog},
		why: "a link carries frames and does not know what they mean",
	},

	{
		folder: "gateway/stations", may: with(core, "messages", "specs", "internal/link", "internal/secret"), modules: []string{zerolog},
		why: "who is connected knows no store and decides on no message",
	},
	{
		folder: "gateway", may: with(core, "gateway/stations", "vault", "keys", "messages", "specs", "internal/link", "internal/secret", "internal/stack"),
		modules: []string{zerolog, uuid}, tests: []string{"ranges", "vault/sqlite", iso8583, connection},
		why: "the gateway reaches the issuer by TCP and the API not at all; the store's engine is chosen in internal/network",
	},
	{
		folder: "api/wire", may: with(core, "internal/secret"), modules: []string{jose},
		why: "both ends of the API share its documents and nothing else",
	},
	{
		folder: "api/client", may: with(core, "api/wire", "internal/secret"), tests: []string{"api"},
		why: "users of the client must not get the server with it",
	},
	{
		folder: "api", may: with(core, "api/wire", "vault", "keys", "ranges", "specs", "internal/certs", "internal/profiles", "internal/secret", "internal/stack"),
		modules: []string{zerolog, uuid, rate}, tests: []string{"api/client", "vault/sqlite", openapi, jsonschema},
		why: "the HTTP door shares the store and the ranges with the gateway and nothing else",
	},
	{
		folder: "simulator", may: with(core, "messages", "specs", "api/client", "internal/link", "internal/secret"),
		modules: []string{hdr, zerolog, uuid, jose, iso8583, connection, "golang.org/x/net"},
		why:     "the simulator meets the gateway over TCP and HTTP only, so that a real system can take either place",
	},
	{
		folder: "guess", may: with(core, "gateway", "vault", "vault/sqlite", "internal/seed"),
		why: "the guessing lab measures the gateway's own screening on a real store, and plays no other part",
	},
	{
		folder: "internal/network", modules: []string{zerolog},
		may: with(core, "keys", "keys/pkcs11", "ranges", "vault", "vault/sqlite", "gateway", "gateway/stations", "api",
			"internal/certs", "internal/config", "internal/metrics", "internal/profiles", "internal/secret"),
		tests: []string{"internal/link", "messages", "specs"},
		why:   "gateway and API meet here, at one store; who plays the actors around them is no matter",
	},
	{
		folder: "internal/explanation", may: []string{"api/client", "token", "vault"},
		why: "it puts the trail's words in order, which come by the operators' door",
	},
	{
		folder: "cmd", modules: []string{anyModule},
		may: with(core, "keys", "keys/pkcs11", "ranges", "specs", "specs/profile", "messages", "api", "api/client", "api/wire", "guess", "simulator",
			"internal/certs", "internal/config", "internal/explanation", "internal/link", "internal/network", "internal/secret", "internal/seed"),
		tests: []string{"vault"},
		why:   "commands read flags and print; the gateway's insides are put together in internal/network",
	},
	{
		folder: "examples", modules: []string{iso8583, connection},
		why: "an example shows what a stranger's program does, without firsttap's code",
	},
	{
		folder: "examples/issuercodes", may: []string{"api/client", "card"},
		why: "it shows how the public typed client is used: nothing but that and the types it takes",
	},

	{folder: "internal/arch", tests: []string{txtar}, why: "rules read source and nothing else"},
	{
		folder: "internal/config", may: with(core, "messages", "specs", "specs/profile", "internal/certs", "internal/files", "internal/secret"), modules: []string{yaml},
		why: "settings are checked against what they are about and start nothing",
	},
	{
		folder: "internal/e2e", tests: with(core, "specs", "simulator", "internal/seed", zerolog),
		why: "it runs the built binary and meets it over the wire",
	},
	{
		folder: "internal/siege", tests: with(core, "gateway", "gateway/stations", "vault", "vault/sqlite", "messages", "specs", "internal/link", zerolog),
		why: "it attacks the gateway over sockets and is no part of it",
	},
	{folder: "internal/certs", may: []string{"internal/filelock", "internal/files"}, why: "who a caller is and how TLS is set is the standard library's alone"},
	{
		folder: "internal/metrics", may: with(core, "vault"), modules: []string{prometheus},
		why: "it counts what others tell it and knows neither doors nor wires",
	},
	{folder: "internal/seed", why: "chance of a simulation hangs on one number"},
	{folder: "internal/golden", why: "golden files are bytes and text"},
	{folder: "internal/need", why: "it is used by tests of every room"},
	{folder: "internal/cmd", may: []string{"internal/need"}, why: "programs of the Makefile know nothing of the product"},
}

func with(list []string, more ...string) []string {
	return append(append([]string(nil), list...), more...)
}
