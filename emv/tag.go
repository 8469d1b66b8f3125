package emv

import "fmt"

// Tag is a BER-TLV tag of one to four bytes, the first in the highest place
// that is used: 0x95, 0x9F26.
type Tag uint32

// Tags of authorization data (EMV Book 3 annex A).
const (
	TagARQC                 Tag = 0x9F26 // application cryptogram, 8 bytes
	TagCID                  Tag = 0x9F27 // cryptogram information data, 1 byte: 80 is an ARQC
	TagIAD                  Tag = 0x9F10 // issuer application data, at most 32 bytes
	TagATC                  Tag = 0x9F36 // application transaction counter, 2 bytes
	TagUnpredictable        Tag = 0x9F37 // unpredictable number, 4 bytes
	TagTVR                  Tag = 0x95   // terminal verification results, 5 bytes
	TagDate                 Tag = 0x9A   // transaction date YYMMDD, 3 bytes
	TagType                 Tag = 0x9C   // transaction type, 1 byte
	TagAmount               Tag = 0x9F02 // amount authorised, 12 digits in 6 bytes
	TagAmountOther          Tag = 0x9F03 // amount other, 12 digits in 6 bytes
	TagCountry              Tag = 0x9F1A // terminal country code, 2 bytes
	TagCurrency             Tag = 0x5F2A // transaction currency code, 2 bytes
	TagAIP                  Tag = 0x82   // application interchange profile, 2 bytes
	TagTerminalCapabilities Tag = 0x9F33 // 3 bytes
	TagCVMResults           Tag = 0x9F34 // cardholder verification method results, 3 bytes
	TagTerminalType         Tag = 0x9F35 // 1 byte
	TagIssuerAuthentication Tag = 0x91   // issuer authentication data: ARPC and ARC or CSU
	TagResponseCode         Tag = 0x8A   // authorisation response code, 2 characters
)

// Tags of the card's files and of the conversation with it (EMV Book 1 and 3,
// contactless Book B).
const (
	TagAID                Tag = 0x4F   // application identifier in a directory entry, 5 to 16 bytes
	TagLabel              Tag = 0x50   // application label
	TagTrack2             Tag = 0x57   // track 2 equivalent data
	TagPAN                Tag = 0x5A   // PAN, packed digits filled with F
	TagExpiryDate         Tag = 0x5F24 // application expiration date YYMMDD
	TagPANSequence        Tag = 0x5F34 // PAN sequence number, 1 byte
	TagDirectoryEntry     Tag = 0x61   // application template: the only tag that may repeat
	TagFCI                Tag = 0x6F   // file control information template
	TagRecord             Tag = 0x70   // answer to READ RECORD
	TagResponse           Tag = 0x77   // response message template format 2
	TagCommand            Tag = 0x83   // command template of GET PROCESSING OPTIONS
	TagDFName             Tag = 0x84   // dedicated file name
	TagPriority           Tag = 0x87   // application priority indicator
	TagAFL                Tag = 0x94   // application file locator
	TagFCIProprietary     Tag = 0xA5   // FCI proprietary template
	TagFCIDiscretionary   Tag = 0xBF0C // FCI issuer discretionary data
	TagApplicationVersion Tag = 0x9F08 // application version number, 2 bytes
	TagPDOL               Tag = 0x9F38 // processing options data object list
)

// Tags of contactless kernel 3 (EMV contactless Book C-3).
const (
	TagTTQ              Tag = 0x9F66 // terminal transaction qualifiers, 4 bytes
	TagCTQ              Tag = 0x9F6C // card transaction qualifiers, 2 bytes
	TagFormFactor       Tag = 0x9F6E // form factor indicator, 4 bytes
	TagAccountReference Tag = 0x9F24 // payment account reference, 29 characters
)

// CIDRequest is the value of TagCID that asks for an online decision (ARQC).
const CIDRequest = 0x80

// String is the tag's bytes in hexadecimal: "9F26".
func (t Tag) String() string { return fmt.Sprintf("%X", t.bytes()) }

// Constructed reports whether the tag's value is TLV again.
func (t Tag) Constructed() bool { return t.bytes()[0]&0x20 != 0 }

func (t Tag) bytes() []byte {
	b := []byte{byte(t >> 24), byte(t >> 16), byte(t >> 8), byte(t)}
	for len(b) > 1 && b[0] == 0 {
		b = b[1:]
	}
	return b
}
