package arch

// mayReveal lists the rooms that handle clear secrets, each with its reason.
// What is not here gets at a PAN, code, key, track or cryptogram through the
// rooms that are.
var mayReveal = map[string]string{
	"internal/secret":      "it holds them",
	"card":                 "computes check digits and masks",
	"emv":                  "computes with keys, PANs and cryptograms",
	"dcvv2":                "computes and compares codes",
	"keys":                 "derives and wraps keys",
	"keys/pkcs11":          "puts a key into a module, and logs in with its PIN",
	"token":                "computes and compares passcodes",
	"vault":                "seals PANs and makes their keyed references",
	"messages":             "writes them to the wire",
	"api":                  "reads PANs from issuers and gives them the codes they asked for",
	"api/client":           "sends PANs to the issuers' API",
	"api/wire":             "reads and writes the documents of the API, encrypts to a device's key",
	"cmd/firsttap":         "its calculators show the codes that were asked for (firsttap codes)",
	"examples/issuercodes": "prints the codes that an issuer asked for",
	"simulator/phone":      "plays the cardholder, who types the card in",
	"simulator/site":       "plays the issuer, whose page shows the cardholder the card and its code",
	"simulator/story":      "makes a wrong code of the right one",
	"vault/vaulttest":      "searches the files of a store for them",
	"simulator/terminal":   "plays phone and terminal, which exchange card data",
}

// openFields lists fields of exported structs that are named like a secret,
// are plain text or bytes, and are right so: folder, type and field.
var openFields = map[string]string{
	"api/client.Token.PAN":                  "comes masked from the server",
	"api/wire.Problem.Code":                 "a stable word for programs, such as not-found",
	"internal/explanation.Explanation.CVV2": "is the result, field 44.10, not the code",
	"simulator/story.Refusal.ARQC":          "says whether the cryptogram was verified",
	"simulator/story.Refusal.CVV2":          "is the result, field 44.10, not the code",
	"simulator/story.Tap.ARPC":              "says whether the cryptogram was verified",
	"simulator/story.Tap.ARQC":              "says whether the cryptogram was verified",
	"simulator/story.Token.CVV2":            "is the result, field 44.10, not the code",
	"vault.Claim.LentKey":                   "is the index of a lent key, which the phone sends in clear",
	"vault.Claim.Key":                       "names a request by station and trace, free of card data",
	"vault.Conclusion.Key":                  "names a request by station and trace, free of card data",
	"vault.Transaction.Key":                 "names a request by station and trace, free of card data",
}

// harmless are words that make a code or key something else: a ResponseCode
// or a PublicKey is no secret.
var harmless = []string{
	"country", "currency", "error", "exit", "fault", "idempotency", "message", "processing", "public", "qr",
	"reason", "reject", "request", "response", "result", "service", "status", "transaction",
}
