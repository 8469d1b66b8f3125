package messages

import (
	"github.com/firsttap/firsttap/specs"
	"github.com/firsttap/firsttap/token"
)

// The fields that the family uses (ISO 8583:1987; subfields of 62, 63 and 126
// Visa-style; sets of 123 and 125 ours).
var (
	fieldPAN           = specs.P(2)
	fieldProcessing    = specs.P(3)
	fieldAmount        = specs.P(4)
	fieldTransmitted   = specs.P(7)
	fieldSTAN          = specs.P(11)
	fieldLocalTime     = specs.P(12)
	fieldLocalDate     = specs.P(13)
	fieldExpiry        = specs.P(14)
	fieldCategory      = specs.P(18)
	fieldCountry       = specs.P(19)
	fieldEntryMode     = specs.P(22)
	fieldSequence      = specs.P(23)
	fieldCondition     = specs.P(25)
	fieldAcquirer      = specs.P(32)
	fieldRRN           = specs.P(37)
	fieldAuthorization = specs.P(38)
	fieldResponse      = specs.P(39)
	fieldTerminal      = specs.P(41)
	fieldAcceptor      = specs.P(42)
	fieldNameAndPlace  = specs.P(43)
	fieldAdditional    = specs.P(44)
	fieldCurrency      = specs.P(49)
	fieldTransaction   = specs.P(62, 2)
	fieldReason        = specs.P(63, 3)
	fieldStandIn       = specs.P(63, 4)
	fieldNetworkCode   = specs.P(70)
	fieldOriginal      = specs.P(90)
	fieldFileAction    = specs.P(91)
	fieldFile          = specs.P(101)
	fieldRemote        = specs.P(126, 9)
	fieldCVV2          = specs.P(126, 10)

	fieldTokenNumber    = specs.P(123, 1, 1)
	fieldTokenRequestor = specs.P(123, 1, 3)
	fieldTokenReference = specs.P(123, 1, 4)
	fieldTokenExpiry    = specs.P(123, 1, 5)
	fieldTokenType      = specs.P(123, 1, 6)
	fieldTokenStatus    = specs.P(123, 1, 7)
	fieldTokenCode      = specs.P(123, 1, 0x0B)
	fieldTokenCodeEnds  = specs.P(123, 1, 0x0C)
	fieldTokenMethod    = specs.P(123, 1, 0x0D)
	fieldTokenResult    = specs.P(123, 1, 0x0E)

	fieldDeviceType     = specs.P(125, 1, 1)
	fieldDeviceLanguage = specs.P(125, 1, 2)
	fieldDeviceID       = specs.P(125, 1, 3)
	fieldDevicePhone    = specs.P(125, 1, 4)
	fieldDeviceName     = specs.P(125, 1, 5)
	fieldDevicePlace    = specs.P(125, 1, 6)
	fieldDeviceIP       = specs.P(125, 1, 7)

	fieldWalletRecommendation = specs.P(125, 2, 1)
	fieldWalletVersion        = specs.P(125, 2, 2)
	fieldWalletDeviceScore    = specs.P(125, 2, 3)
	fieldWalletAccountScore   = specs.P(125, 2, 4)
	fieldWalletReasons        = specs.P(125, 2, 5)
	fieldWalletSource         = specs.P(125, 2, 6)
	fieldWalletAccount        = specs.P(125, 2, 7)
	fieldWalletEmail          = specs.P(125, 2, 8)
)

// tokenFields are the parts of a TokenData.
var tokenFields = []specs.Path{
	fieldTokenNumber, fieldTokenRequestor, fieldTokenReference, fieldTokenExpiry, fieldTokenType, fieldTokenStatus,
}

// keyFields are the parts of a Key behind the class.
var keyFields = []specs.Path{fieldTransmitted, fieldSTAN, fieldAcquirer, fieldRRN, fieldTerminal}

// times are the fields that may differ between a request and its repeat.
var times = []specs.Path{fieldTransmitted, fieldLocalTime, fieldLocalDate}

const (
	fieldChip = 55 // sets of [id][length][BER-TLVs]
	chipSet   = 1  // the only set of field 55

	fieldDevice = 125 // sets of phone and wallet
)

// reasonActivation marks an activation in 63.3 of a 0100 or 0110, and what is
// about one in a 0120, 0400 or 0420; in a 0620 the same number says that a
// token was created.
const reasonActivation = token.NoticeCreated

// echoed are the fields of a request that its answer repeats. Fields 90 and 91
// are not among them: they may be what a request is refused for.
var echoed = []specs.Path{
	fieldPAN, fieldProcessing, fieldAmount, fieldTransmitted, fieldSTAN, fieldCountry, fieldCondition,
	fieldAcquirer, fieldRRN, fieldTerminal, fieldAcceptor, fieldCurrency, fieldTransaction, fieldReason,
	fieldNetworkCode,
}
