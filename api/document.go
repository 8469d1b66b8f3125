package api

import (
	_ "embed"
	"net/http"
)

// document is the OpenAPI 3.1 document of all doors, as it is served at
// wire.DocumentPath. The tests hold it to be true.
//
//go:embed openapi.yaml
var document []byte

// documentType is the media type of YAML (RFC 9512).
const documentType = "application/yaml"

func showDocument(*http.Request, *visit) (reply, error) {
	return reply{status: http.StatusOK, raw: document, mediaType: documentType}, nil
}
