package api

import (
	"net/http"

	"github.com/firsttap/firsttap/api/wire"
	"github.com/firsttap/firsttap/internal/certs"
)

// entry says who may come in at a door.
type entry struct {
	twoWay bool // callers are known by their certificates
	named  bool // callers name themselves in what they send
	may    func(who certs.Identity, r *http.Request) bool
	long   string // path of a request whose work may take ProfileTimeout; "" for none
}

// anyone is the entry of a door that knows its callers by other means.
var anyone = entry{}

// admits decides who stands at the door before anything of the request is
// read. A caller without a certificate, with one that names nobody, or in a
// role that may not do this, is told nothing but 403.
func (a *API) admits(e entry, r *http.Request, v *visit) error {
	if !e.twoWay {
		return nil
	}
	if r.TLS == nil || len(r.TLS.VerifiedChains) == 0 { // a certificate that was shown only is none
		return forbidden
	}
	who, err := a.identify(r.TLS.VerifiedChains[0][0])
	if err != nil {
		return forbidden
	}
	v.caller, v.client = &who, who.Name
	if !e.may(who, r) {
		return forbidden
	}
	return nil
}

// mayIssue lets issuers do all of their door, and enquirers ask about accounts
// and read the document. What is added to the door is the issuers' alone until
// it stands here.
func mayIssue(who certs.Identity, r *http.Request) bool {
	return who.Role == certs.Issuer || who.Role == certs.Enquirer && (r.URL.Path == wire.InquiryPath || r.URL.Path == wire.DocumentPath)
}

// mayOperate lets operators do all of their door, and auditors look.
func mayOperate(who certs.Identity, r *http.Request) bool {
	looks := r.Method == http.MethodGet || r.Method == http.MethodHead
	return who.Role == certs.Operator || who.Role == certs.Auditor && looks
}

// speaksFor reports whether the caller is the client that a request names: its
// certificate says the same name, to the letter. Without certificates everyone
// is who they say.
func (v *visit) speaksFor(client string) bool {
	return v.caller == nil || v.caller.Name == client
}
