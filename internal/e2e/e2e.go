// Package e2e holds the tests that run the built binary as its users do: the
// README's own commands in four processes, a stranger's client, and a gateway
// that is killed. It has no code of its own but for this comment; start at
// README_test.
package e2e
