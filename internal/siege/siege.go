// Package siege holds the attacks on a whole gateway over loopback sockets:
// what a wallet, a merchant or an issuer may do wrong or with intent, while
// another station is served. It has no code of its own but for this comment;
// start at town_test.go for the gateway and its walls, and at TestBytes.
package siege
