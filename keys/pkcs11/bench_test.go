//go:build pkcs11 && cgo

package pkcs11

import (
	"testing"

	"github.com/firsttap/firsttap/dcvv2"
)

// BenchmarkMasters derives in memory and in the module, side by side: the one
// computation that every account's codes need of the master key.
func BenchmarkMasters(b *testing.B) {
	m := opened(b, newToken(b))
	soft := map[dcvv2.Derivation]dcvv2.Master{
		dcvv2.DeriveTDES: masterKey(b, codeKey), dcvv2.DeriveCMAC: masterKey(b, wideKey), dcvv2.DeriveHMAC: masterKey(b, wideKey),
	}
	narrow, wide := imported(b, m, 1, codeKey), imported(b, m, 2, wideKey)
	module := map[dcvv2.Derivation]dcvv2.Master{dcvv2.DeriveTDES: narrow, dcvv2.DeriveCMAC: wide, dcvv2.DeriveHMAC: wide}
	for _, place := range []struct {
		name    string
		masters map[dcvv2.Derivation]dcvv2.Master
	}{{"soft", soft}, {"module", module}} {
		b.Run(place.name, func(b *testing.B) {
			for _, d := range derivations {
				b.Run(d.String(), func(b *testing.B) { derive(b, place.masters[d], d) })
				b.Run(d.String()+"-parallel", func(b *testing.B) {
					b.RunParallel(func(pb *testing.PB) {
						for pb.Next() {
							if _, err := place.masters[d].Derive(d, input[:]); err != nil {
								b.Error(err)
							}
						}
					})
				})
			}
		})
	}
}

var input [16]byte

func derive(b *testing.B, master dcvv2.Master, d dcvv2.Derivation) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := master.Derive(d, input[:]); err != nil {
			b.Fatal(err)
		}
	}
}
