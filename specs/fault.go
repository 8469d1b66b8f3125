package specs

import "fmt"

// FaultKind says what is wrong with a message.
type FaultKind uint8

// Kinds of faults. Offset tells where the fault is: at the byte itself where
// one byte is at fault, else at the first byte of the element.
const (
	// Short: the message ends inside an element of fixed length or inside a
	// length prefix.
	Short FaultKind = iota + 1
	// Trailing: bytes follow the last field, or the last element of a field.
	Trailing
	// BadDigit: a numeric value holds something else than decimal digits.
	BadDigit
	// BadPad: the unused nibble of an odd count of digits is not zero, or the
	// fill of field 22 is not.
	BadPad
	// Overrun: a length says more than what is left.
	Overrun
	// Duplicate: a tag or a set comes twice.
	Duplicate
	// Unknown: the profile has no such field, subfield, set or tag.
	Unknown
	// TooLong: a value or length is more than the profile allows.
	TooLong
	// BadText: a byte is no printable character of the profile's code page.
	BadText
	// BadBitmap: a bitmap without a bit, or with a bit for a third bitmap.
	BadBitmap
	// Empty: a field, set or tag of length zero.
	Empty
	// BadLength: a length prefix that is not written the one right way, or a
	// value whose length is not the fixed one.
	BadLength
	// BadTag: a BER tag that is not well formed, or has more than two bytes.
	BadTag
)

var faultNames = map[FaultKind]string{
	Short: "short", Trailing: "trailing", BadDigit: "bad digit", BadPad: "bad pad",
	Overrun: "overrun", Duplicate: "duplicate", Unknown: "unknown", TooLong: "too long",
	BadText: "bad text", BadBitmap: "bad bitmap", Empty: "empty", BadLength: "bad length",
	BadTag: "bad tag",
}

// String is the kind in words, "overrun".
func (k FaultKind) String() string {
	if name, ok := faultNames[k]; ok {
		return name
	}
	return fmt.Sprintf("fault %d", uint8(k))
}

// FormatError says where and how a message breaks its profile. It never holds
// a value of the message.
type FormatError struct {
	Kind   FaultKind
	Offset int    // bytes from the start of the body; 0 when packing
	Path   string // "0" is the message type, "1" the bitmap; "123.01" a set
	Detail string // lengths and limits, in words
}

// Error is one line: path, offset, kind and detail.
func (e *FormatError) Error() string {
	return fmt.Sprintf("field %s at byte %d: %s: %s", e.Path, e.Offset, e.Kind, e.Detail)
}

func fault(kind FaultKind, offset int, path, detail string, args ...any) *FormatError {
	return &FormatError{Kind: kind, Offset: offset, Path: path, Detail: fmt.Sprintf(detail, args...)}
}
