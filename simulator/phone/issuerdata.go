package phone

import (
	"encoding/hex"

	"github.com/firsttap/firsttap/emv"
)

// Forms of issuer application data (tag 9F10); see emv.VersionOf.
const (
	shortForm      = 0x06 // and as many bytes
	longForm       = 0x1F
	longFormFilled = emv.IADBytesMax
)

var (
	// cardVerification is the results for versions 10, 17 and 18, with their
	// length in front.
	cardVerification = [4]byte{0x03, 0xA0, 0x00, 0x00}
	// cloudVerification is the results for version 43.
	cloudVerification = [6]byte{0x00, 0x00, 0xA0, 0x00, 0x00, 0x00}
	// walletProvider stands behind them; the number is ours.
	walletProvider = [4]byte{0x00, 0x00, 0x00, 0x01}
)

// issuerData is tag 9F10. For version 43 it names the limited-use key by its
// index YHHHHCC, packed with a zero in front.
func (a *application) issuerData(index string) []byte {
	if a.version != emv.Version43 {
		return append([]byte{shortForm, a.material.KeyIndex, byte(a.version)}, cardVerification[:]...)
	}
	data := []byte{longForm, byte(a.version), a.material.KeyIndex}
	data = append(data, cloudVerification[:]...)
	data = append(data, walletProvider[:]...)
	data = append(data, packIndex(index)...)
	return append(data, make([]byte, longFormFilled-len(data))...)
}

// packIndex packs the seven digits of an index, which were checked before.
func packIndex(index string) []byte {
	packed, err := hex.DecodeString("0" + index)
	if err != nil {
		return nil
	}
	return packed
}
