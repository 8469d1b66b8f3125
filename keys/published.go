package keys

// published are keys that stand in public documents, vectors and tests, by
// algorithm as Info names it and check value.
var published = map[string]map[string]string{
	"TDES": {
		"08D7B4": "0123456789ABCDEFFEDCBA9876543210",
		"7B8358": "FEDCBA98765432100123456789ABCDEF",
		"FB0975": "00112233445566778899AABBCCDDEEFF",
		"DDADA1": "000102030405060708090A0B0C0D0E0F",
		"50DBC9": "68EFE6451FDF864C2FE579FE16B35826", // EMV test cards
	},
	"AES": {
		"377822": "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F",
		"ED9BF5": "88E1AB2A2E3DD38C1FA0B1C2D3E4F50600112233445566778899AABBCCDDEEFF", // of the key blocks in testdata
		"2090A6": "0123456789ABCDEFFEDCBA9876543210",
		"CF3486": "FEDCBA98765432100123456789ABCDEF",
		"53E107": "00112233445566778899AABBCCDDEEFF",
		"BE7ED6": "000102030405060708090A0B0C0D0E0F",
		"7AD386": "2B7E151628AED2A6ABF7158809CF4F3C",                                 // RFC 4493
		"1A0B2D": "603DEB1015CA71BE2B73AEF0857D77811F352C073B6108D72D9810A30914DFF4", // NIST SP 800-38B
	},
	"HMAC": {
		"D38B42": "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F",
	},
}

// Published reports whether a key is one that everybody knows, by algorithm
// and check value: good for tests, and refused in production. One good key in
// some millions has such a check value by chance; make another then.
func Published(info Info) bool {
	_, known := published[info.Algorithm][info.CheckValue]
	return known
}
