package specs

// visaFields are the fields that carry the product. Numbers, lengths and types
// are ISO 8583:1987 as jPOS's Base1Packager has them, but where a line says
// "ours". How a shape is written is a profile's own: see writing.
var visaFields = []element{
	{id: 2, shape: digitsUpTo, length: 19, name: "Primary account number"},
	{id: 3, shape: digits, length: 6, name: "Processing code"},
	{id: 4, shape: digits, length: 12, name: "Amount, transaction"},
	{id: 7, shape: digits, length: 10, name: "Transmission date and time"}, // MMDDhhmmss, UTC
	{id: 11, shape: digits, length: 6, name: "System trace audit number"},
	{id: 12, shape: digits, length: 6, name: "Time, local transaction"},           // hhmmss
	{id: 13, shape: digits, length: 4, name: "Date, local transaction"},           // MMDD
	{id: 14, shape: digits, length: 4, name: "Date, expiration"},                  // YYMM
	{id: 18, shape: digits, length: 4, name: "Merchant category code"},            // ISO 18245
	{id: 19, shape: digits, length: 3, name: "Acquirer country code"},             // ISO 3166-1 numeric
	{id: 22, shape: digitsFilled, length: 4, name: "Point-of-service entry mode"}, // n3 of ISO 8583:1987, and a zero
	{id: 23, shape: digits, length: 3, name: "Card sequence number"},
	{id: 25, shape: digits, length: 2, name: "Point-of-service condition code"},
	{id: 32, shape: digitsUpTo, length: 11, name: "Acquiring institution"},
	{id: 35, shape: track2UpTo, length: 37, name: "Track 2 data"},
	{id: 37, shape: text, length: 12, name: "Retrieval reference number"},
	{id: 38, shape: text, length: 6, name: "Authorization identification"},
	{id: 39, shape: text, length: 2, name: "Response code"},
	{id: 41, shape: text, length: 8, name: "Card acceptor terminal"},
	{id: 42, shape: text, length: 15, name: "Card acceptor"},
	{id: 43, shape: text, length: 40, name: "Card acceptor name and place"}, // 25 name, 13 place, 2 country
	{id: 44, shape: textUpTo, length: 25, name: "Additional response data"}, // by position; see package messages
	{id: 49, shape: digits, length: 3, name: "Currency code, transaction"},  // ISO 4217 numeric
	{id: 54, shape: textUpToLong, length: 120, name: "Additional amounts"},
	{id: 55, shape: sets, name: "Chip data", parts: []element{
		{id: 0x01, shape: tagsBER, name: "Chip data", parts: chipTags},
	}},
	{id: 56, shape: textUpToLong, length: 29, name: "Payment account reference"}, // EMVCo: 29 characters; as one text, ours
	{id: 60, shape: digitsUpToLong, length: 12, name: "Terminal and e-commerce positions"},
	{id: 62, shape: bitmapped, length: 8, name: "Payment service", parts: []element{
		{id: 2, shape: digits, length: 15, name: "Transaction identifier"},
	}},
	{id: 63, shape: bitmapped, length: 3, name: "Network data", parts: []element{
		{id: 1, shape: digits, length: 4, name: "Network identification"},
		{id: 3, shape: digits, length: 4, name: "Message reason"},
		{id: 4, shape: digits, length: 4, name: "Stand-in reason"},
	}},
	{id: 70, shape: digits, length: 3, name: "Network management information"},
	{id: 90, shape: digits, length: 42, name: "Original data elements"}, // 4 type, 6 trace, 10 time, 11 acquirer, 11 forwarder
	{id: 91, shape: text, length: 1, name: "File update code"},
	{id: 101, shape: textUpTo, length: 17, name: "File name"},
	{id: 123, shape: sets, name: "Verification and token data", parts: tokenSets},
	{id: 125, shape: sets, name: "Device and wallet data", parts: deviceSets},
	{id: 126, shape: bitmapped, length: 8, name: "Private use", parts: []element{
		{id: 9, shape: raw, length: 20, name: "E-commerce cryptogram"},
		{id: 10, shape: text, length: 6, name: "CVV2 data"},
	}},
}

// The sets of fields 123 and 125 are ours: a network keeps its numbers under
// its own agreement. Every tag is one byte, every length one byte, every value
// text, numbers too, so that a dump can be read. The longest values
// are chosen so that a field with every tag at its longest is within
// FieldBytesMax.
var tokenSets = []element{
	{id: 0x01, shape: tags, name: "Token", parts: []element{
		{id: 0x01, shape: tagText, length: 19, name: "Token number"},
		{id: 0x02, shape: tagText, length: 2, name: "Token assurance method"},
		{id: 0x03, shape: tagText, length: 11, name: "Token requestor id"},
		{id: 0x04, shape: tagText, length: 32, name: "Token reference id"},
		{id: 0x05, shape: tagText, length: 4, name: "Token expiry"}, // YYMM
		{id: 0x06, shape: tagText, length: 2, name: "Token type"},
		{id: 0x07, shape: tagText, length: 1, name: "Token status"}, // A, I, S, D
		{id: 0x08, shape: tagText, length: 32, name: "PAN reference id"},
		{id: 0x09, shape: tagText, length: 2, name: "Risk score"}, // 01 to 99
		{id: 0x0A, shape: tagText, length: 2, name: "Recommended decision"},
		{id: 0x0B, shape: tagText, length: 8, name: "Activation code"},
		{id: 0x0C, shape: tagText, length: 12, name: "Activation code expiry"}, // YYMMDDhhmmss, UTC
		{id: 0x0D, shape: tagText, length: 2, name: "Activation method"},
		{id: 0x0E, shape: tagText, length: 2, name: "Result of device provisioning"},
		{id: 0x0F, shape: tagText, length: 4, name: "Reason"},
	}},
	{id: 0x02, shape: tags, name: "Verification", parts: []element{
		{id: 0x01, shape: tagText, length: 9, name: "Postal code"},
		{id: 0x02, shape: tagText, length: 40, name: "Street"},
		{id: 0x03, shape: tagText, length: 26, name: "Cardholder name"}, // as long as on track 1
	}},
}

var deviceSets = []element{
	{id: 0x01, shape: tags, name: "Device", parts: []element{
		{id: 0x01, shape: tagText, length: 2, name: "Device type"},
		{id: 0x02, shape: tagText, length: 8, name: "Language"},
		{id: 0x03, shape: tagText, length: 48, name: "Device id"},
		{id: 0x04, shape: tagText, length: 4, name: "Phone number, last four"},
		{id: 0x05, shape: tagText, length: 20, name: "Device name"},
		{id: 0x06, shape: tagText, length: 20, name: "Device place"},
		{id: 0x07, shape: tagText, length: 39, name: "IP address"}, // IPv6 in full
	}},
	{id: 0x02, shape: tags, name: "Wallet", parts: []element{
		{id: 0x01, shape: tagText, length: 1, name: "Recommendation"}, // 0 approve, 1 step up, 2 decline
		{id: 0x02, shape: tagText, length: 4, name: "Recommendation version"},
		{id: 0x03, shape: tagText, length: 1, name: "Device score"},  // 1 to 5
		{id: 0x04, shape: tagText, length: 1, name: "Account score"}, // 1 to 5
		{id: 0x05, shape: tagText, length: 12, name: "Reason codes"},
		{id: 0x06, shape: tagText, length: 1, name: "PAN source"},
		{id: 0x07, shape: tagText, length: 26, name: "Account id"},
		{id: 0x08, shape: tagText, length: 32, name: "E-mail hash"}, // 16 bytes in hexadecimal
	}},
}

// chipTags are the tags of field 55 that have a name and a limit here (EMV
// Book 3 A1; EMV Contactless Book C-3 for 9F66 and 9F6E). Terminals send more
// than anybody lists: every other well-formed BER tag is kept as it comes.
var chipTags = []element{
	{id: 0x4F, shape: rawBER, length: 16, name: "Application identifier"},
	{id: 0x57, shape: rawBER, length: 19, name: "Track 2 equivalent data"},
	{id: 0x5A, shape: rawBER, length: 10, name: "Application PAN"},
	{id: 0x71, shape: rawBER, length: 127, name: "Issuer script template 1"},
	{id: 0x72, shape: rawBER, length: 127, name: "Issuer script template 2"},
	{id: 0x82, shape: rawBER, length: 2, name: "Application interchange profile"},
	{id: 0x84, shape: rawBER, length: 16, name: "Dedicated file name"},
	{id: 0x8A, shape: rawBER, length: 2, name: "Authorization response code"},
	{id: 0x91, shape: rawBER, length: 16, name: "Issuer authentication data"},
	{id: 0x95, shape: rawBER, length: 5, name: "Terminal verification results"},
	{id: 0x9A, shape: rawBER, length: 3, name: "Transaction date"},
	{id: 0x9C, shape: rawBER, length: 1, name: "Transaction type"},
	{id: 0x5F2A, shape: rawBER, length: 2, name: "Transaction currency code"},
	{id: 0x5F34, shape: rawBER, length: 1, name: "PAN sequence number"},
	{id: 0x9F02, shape: rawBER, length: 6, name: "Amount, authorized"},
	{id: 0x9F03, shape: rawBER, length: 6, name: "Amount, other"},
	{id: 0x9F06, shape: rawBER, length: 16, name: "Application identifier, terminal"},
	{id: 0x9F09, shape: rawBER, length: 2, name: "Application version number"},
	{id: 0x9F10, shape: rawBER, length: 32, name: "Issuer application data"},
	{id: 0x9F1A, shape: rawBER, length: 2, name: "Terminal country code"},
	{id: 0x9F1E, shape: rawBER, length: 8, name: "Interface device serial number"},
	{id: 0x9F26, shape: rawBER, length: 8, name: "Application cryptogram"},
	{id: 0x9F27, shape: rawBER, length: 1, name: "Cryptogram information data"},
	{id: 0x9F33, shape: rawBER, length: 3, name: "Terminal capabilities"},
	{id: 0x9F34, shape: rawBER, length: 3, name: "Cardholder verification results"},
	{id: 0x9F35, shape: rawBER, length: 1, name: "Terminal type"},
	{id: 0x9F36, shape: rawBER, length: 2, name: "Application transaction counter"},
	{id: 0x9F37, shape: rawBER, length: 4, name: "Unpredictable number"},
	{id: 0x9F41, shape: rawBER, length: 4, name: "Transaction sequence counter"},
	{id: 0x9F66, shape: rawBER, length: 4, name: "Terminal transaction qualifiers"},
	{id: 0x9F6C, shape: rawBER, length: 2, name: "Card transaction qualifiers"},
	{id: 0x9F6E, shape: rawBER, length: 32, name: "Form factor indicator"},
}
