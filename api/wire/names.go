// Package wire is the JSON of the HTTP doors: every name that stands in a
// request or an answer, one strict reader, one writer, the shape of errors,
// and the proof that a phone gives of its key.
//
// Both ends use it: package api serves it and package api/client calls it, so
// the two cannot drift apart. It never decides anything, opens no socket and
// prints no value: a Document and an Object show nothing under fmt. Start at
// this file, which lists the names.
package wire

// Paths of the issuers' door. A path names a JSON member by the members that
// lead to it. "Public" names stand in the public API reference of Visa dCVV2
// (developer.visa.com); "ours" are in the same manner and are claimed by
// nobody else.
const (
	GeneratePath = "/dCVV2/v1/generate"       // ours
	EnrollPath   = "/dCVV2/v1/PanDB/Enroll"   // ours, beside the public Unenroll
	UnenrollPath = "/dCVV2/v1/PanDB/Unenroll" // public
	InquiryPath  = "/dCVV2/v1/PanDB/Inquiry"  // ours, beside the public Unenroll
	UnlockPath   = "/dCVV2/v1/PanDB/Unlock"   // ours, beside the public Unenroll
)

// DocumentPath is where the issuers' and the operators' door serve the OpenAPI
// document of all doors. Ours.
const DocumentPath = "/openapi.yaml"

// Names that requests and answers of the issuers' door share.
const (
	PAN           = "acctInfo.primryAcctNum.pan" // public; 13 to 19 digits as string or integer; masked in answers
	TransactionID = "msgIdentfctn.tranId"        // public; 1 to 64 of A-Z a-z 0-9 . _ -; names the request, repeated in the answer
)

// Names in requests of the issuers' door.
const (
	ClientID         = "cardAcceptr.clientId"             // public; the issuer's name, 1 to 64 characters
	AgentID          = "agentId"                          // public; whoever asks on the issuer's behalf; optional, 1 to 64 characters, not kept
	PANSequence      = "acctInfo.primryAcctNum.panSeqNum" // ours; 00 to 99 as string or integer; optional, default 00
	Expiry           = "acctInfo.primryAcctNum.xpryDt"    // ours; the card's last month, YYMM, a string
	CodeCount        = "dcvv2Reqst.cdCnt"                 // ours; integer 1 to 24; optional, default 24
	MinRemainingSecs = "dcvv2Reqst.minRemngSecs"          // ours; integer seconds that the first code must still be good; optional, default 0
)

// Names in answers of the issuers' door.
const (
	ActionCode          = "transctnReslts.actionCd" // public name; our value "00": done
	Codes               = "dcvv2Rspn.cds"           // ours; list of objects with the five names that follow
	Code                = "cd"                      // ours; three digits, a string
	CodeValidFrom       = "validFrom"               // ours; RFC 3339, UTC: the code's first second
	CodeExpires         = "xpryDtTm"                // ours; RFC 3339, UTC: the first second at which the code is over
	CodeWindow          = "wndw"                    // ours; integer: windows since 1970 of wndwHrs each
	WindowHours         = "wndwHrs"                 // ours; integer: hours of that window, 1 to 18
	EnrolmentStatus     = "enrlmnt.sts"             // ours; "enrolled" or "notEnrolled"
	EnrolmentSince      = "enrlmnt.sinceDtTm"       // ours; RFC 3339, UTC: when the status began; absent for an account never seen
	EnrolmentGeneration = "enrlmnt.gnrtn"           // ours; integer: how often the account was enrolled anew

	AttemptsStatus   = "attmpts.sts"          // ours; "open", "waiting" or "locked"
	FailuresInDay    = "attmpts.flrsInDay"    // ours; integer: failed codes of the last 24 hours
	FailuresInDayMax = "attmpts.flrsInDayMax" // ours; integer: at so many the account waits
	FailuresInRow    = "attmpts.flrsInRow"    // ours; integer: failed codes since the last good one
	FailuresInRowMax = "attmpts.flrsInRowMax" // ours; integer: at so many the account locks
)

// Values of EnrolmentStatus, AttemptsStatus and ActionCode.
const (
	Enrolled    = "enrolled"
	NotEnrolled = "notEnrolled"

	AttemptsOpen    = "open"    // codes are checked
	AttemptsWaiting = "waiting" // the day's failures are used up: checked again when they are 24 hours old, or after an unlock
	AttemptsLocked  = "locked"  // too many failures in a row: checked again after an unlock

	ActionDone = "00"
)

// Paths of the phones' door, all ours. {reference} is a token reference, 32
// hexadecimal characters (field 123 set 01 tag 04).
const (
	TokenKeyPath       = "/provisioning/v1/tokens/{reference}/key"
	TokenReplenishPath = "/provisioning/v1/tokens/{reference}/replenish"
	TokenResultPath    = "/provisioning/v1/tokens/{reference}/result"
)

// Names in requests and answers of the phones' door, all ours but the members
// of a JSON Web Key (RFC 7517, RFC 7518 6.2.1).
const (
	KeyType  = "jwk.kty" // "EC"
	KeyCurve = "jwk.crv" // "P-256"
	KeyX     = "jwk.x"   // base64url, 32 bytes
	KeyY     = "jwk.y"   // base64url, 32 bytes

	EncryptedMaterial = "jwe" // compact JWE (RFC 7516), ECDH-ES+A256KW and A256GCM, of the names below
	SignedResult      = "jws" // compact JWS (RFC 7515), ES256, its key in the header, of reference and time, and result in a report
)

// Names inside the JWE of a token's key material, all ours. A cloud token has
// no card key with its check value but a limited-use key.
const (
	MaterialReference         = "reference"         // 32 hexadecimal characters
	MaterialNumber            = "number"            // the token number, digits
	MaterialExpiry            = "expiry"            // YYMM
	MaterialSequence          = "sequence"          // two digits
	MaterialCardKey           = "cardKey"           // 32 hexadecimal characters: double-length TDES
	MaterialCheckValue        = "keyCheckValue"     // 6 hexadecimal characters: first 3 bytes of TDES(0)
	MaterialKeyIndex          = "keyIndex"          // integer 1 to 255: derivation key index of the issuer application data
	MaterialCryptogramVersion = "cryptogramVersion" // integer: 10, 17, 18, or 43 of a cloud token
	MaterialAID               = "aid"               // hexadecimal, 5 to 16 bytes: application identifier
	MaterialServiceCode       = "serviceCode"       // three digits, for track 2 equivalent data
	MaterialDiscretionary     = "discretionary"     // digits, for track 2 equivalent data
)

// Names inside the JWE of a limited-use key, all ours: in the key material of a
// cloud token, and with the reference in the answer to a replenishment.
const (
	LentIndex      = "limitedUseKey.index"         // seven digits YHHHHCC
	LentKey        = "limitedUseKey.key"           // 32 hexadecimal characters: double-length TDES
	LentCheckValue = "limitedUseKey.keyCheckValue" // 6 hexadecimal characters: first 3 bytes of TDES(0)
	LentUses       = "limitedUseKey.uses"          // integer 1 to 255: cryptograms that it may make
	LentExpires    = "limitedUseKey.expires"       // RFC 3339, UTC: the first second at which it is good no more
)

// Names inside the JWS of a provisioning result, all ours; a request for the
// next limited-use key has all but the result.
const (
	ResultReference = "reference" // as in the address
	ResultWord      = "result"    // "success" or "failure"
	ResultTime      = "time"      // RFC 3339: when the phone signed

	ResultSuccess = "success"
	ResultFailure = "failure"
)

// Paths of the operators' door, all ours.
const (
	TokenPath      = "/operator/v1/tokens/{reference}"
	SuspendPath    = "/operator/v1/tokens/{reference}/suspend"
	ResumePath     = "/operator/v1/tokens/{reference}/resume"
	DeactivatePath = "/operator/v1/tokens/{reference}/deactivate"
	HealthPath     = "/healthz"
	MetricsPath    = "/metrics" // text format of Prometheus

	// Paths and format of profiles are those that `go tool pprof` knows; see
	// internal/profiles.
	CPUProfilePath        = "/debug/pprof/profile"
	HeapProfilePath       = "/debug/pprof/heap"
	AllocsProfilePath     = "/debug/pprof/allocs"
	GoroutinesProfilePath = "/debug/pprof/goroutine"

	TransactionPath = "/operator/v1/transactions/{transaction}" // 15 digits, field 62.2
	ReadyPath       = "/readyz"

	RangesPath = "/operator/v1/ranges"
	RangePath  = "/operator/v1/ranges/{range}" // 6 to 11 leading digits, or LOW-HIGH

	StationsPath       = "/operator/v1/stations"
	StationsReloadPath = "/operator/v1/stations/reload"
)

// Names in answers of the operators' door, all ours.
const (
	TokenReference = "reference"
	TokenNumber    = "number" // masked
	TokenPAN       = "pan"    // masked
	TokenStatus    = "status" // inactive, active, suspended, deactivated
	TokenType      = "type"   // CF, SE, CB, EC
	TokenIssuer    = "issuer"
	TokenRequestor = "requestor" // 11 digits
	TokenDevice    = "deviceId"  // 48 hexadecimal characters
	TokenCounter   = "atc"       // integer: last transaction counter accepted
	TokenCreated   = "created"   // RFC 3339, UTC
	HealthStatus   = "status"    // "ok"

	AuditEntries = "entries" // list of objects with the four names that follow
	AuditAt      = "at"      // RFC 3339, UTC
	AuditEvent   = "event"   // such as "activation declined"
	AuditSubject = "subject" // masked PAN or token reference
	AuditDetail  = "detail"  // such as "response N7: expired code"
)

// Names of account ranges at the operators' door, all ours. The members of a
// policy stand in policy.go.
const (
	RangeList        = "ranges"    // list of objects with the names that follow
	RangeDigits      = "range"     // such as 4761739 or 47617390-47617394
	RangeIssuer      = "issuer"    // its name; in a request optional for a range that is registered
	RangeDormant     = "dormant"   // true: its issuer has no station, and nothing is checked under it
	RangeRevision    = "revision"  // integer: counts its changes from 1
	RangeVersions    = "versions"  // list of policies with their times, oldest first; in RangeList without those that are past
	RangeVersionFrom = "from"      // RFC 3339, UTC: in force from then; absent for the first; in a request, when the change is to take effect
	RangeState       = "state"     // of a version: "past", "inForce" or "planned"
	RangeVoid        = "void"      // in a request: true lets codes that were given out become void
	RangeChanged     = "changed"   // in the answer to a change: false when it is so already
	RangeNew         = "new"       // in the answer to a change: true when it was not registered
	RangeEffective   = "effective" // in the answer to a change, RFC 3339, UTC: the policy is in force from then; absent when from the beginning
	RangeSoonest     = "soonest"   // in the answer to a change, RFC 3339, UTC: when it could take effect by voiding codes; absent for a new range

	RangeStatePast    = "past"
	RangeStateInForce = "inForce"
	RangeStatePlanned = "planned"
)

// Names of stations at the operators' door, all ours.
const (
	StationList        = "stations"    // list of objects with the names that follow
	StationName        = "name"        // as the gateway's settings have it
	StationRole        = "role"        // requestor, provider, merchant, issuer or operator
	StationAddress     = "address"     // host:port where it dials in, or is dialled
	StationDialled     = "dialled"     // true: the gateway dials it
	StationConnections = "connections" // integer: open now
	StationSignedOn    = "signedOn"    // integer: how many of these are signed on
	StationSpec        = "spec"        // of its messages: a name, or the path of a description
	StationFraming     = "framing"     // vap, binary2 or ascii4
	StationTLS         = "tls"         // off, one-way or two-way

	StationRestart = "restart" // in the answer to a reload: true when the settings file changes more, which only a start takes up
)
