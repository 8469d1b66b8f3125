// Package certs says who a TLS client is, makes the certificates of a test
// installation, and gives doors and callers their TLS settings.
//
// A client is named by its certificate, in a URI of the subject's alternative
// names: urn:firsttap:ROLE:NAME (ours). Make writes a test authority with
// certificates for the gateway and its clients into a folder; Server and
// Client read such a folder, or files of any other authority.
//
// A test authority is marked as one, so that production can refuse it (IsTest).
// Private keys never leave their files but for the handshake, and nothing here
// prints one. The package uses the standard library's cryptography alone.
// Start at Make, Server or IdentityOf.
package certs
