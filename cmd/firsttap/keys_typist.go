package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/term"

	"github.com/firsttap/firsttap/keys"
)

// typedCharactersMax bounds one answer: 64 digits with blanks between.
const typedCharactersMax = 256

var errNotTyped = errors.New("standard input ended before it was typed")

// typist asks a person at the terminal, or reads the lines of a script.
type typist struct {
	out      io.Writer
	lines    *bufio.Scanner
	terminal *os.File // nil when standard input is none
}

func newTypist(in io.Reader, out io.Writer) *typist {
	t := &typist{out: out, lines: bufio.NewScanner(in)}
	t.lines.Buffer(make([]byte, typedCharactersMax), typedCharactersMax)
	if file, ok := in.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		t.terminal = file
	}
	return t
}

func (t *typist) say(format string, args ...any) { fmt.Fprintf(t.out, format+"\n", args...) }

// component asks for a component and its check value.
func (t *typist) component(ctx context.Context, u keys.Usage, n, count int) (keys.Component, error) {
	digits, err := t.hidden(ctx, fmt.Sprintf("Component %d of %d, hexadecimal: ", n, count))
	if err != nil {
		return keys.Component{}, err
	}
	check, err := t.shown(ctx, fmt.Sprintf("Check value of component %d, six digits: ", n))
	if err != nil {
		return keys.Component{}, err
	}
	return keys.ParseComponent(u, digits, check)
}

// shown asks for what is no secret.
func (t *typist) shown(ctx context.Context, prompt string) (string, error) {
	return t.ask(ctx, prompt, t.line)
}

// hidden asks for a secret, without echo. An interrupt gives the echo back.
func (t *typist) hidden(ctx context.Context, prompt string) (string, error) {
	if t.terminal == nil {
		return t.ask(ctx, prompt, t.line)
	}
	fd := int(t.terminal.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return "", fmt.Errorf("turning off the echo: %w", err)
	}
	text, err := t.ask(ctx, prompt, func() (string, error) {
		typed, err := term.ReadPassword(fd)
		if errors.Is(err, io.EOF) {
			err = errNotTyped
		}
		return string(typed), err
	})
	if ctx.Err() != nil {
		_ = term.Restore(fd, before)
	}
	t.say("")
	if len(text) > typedCharactersMax {
		return "", bufio.ErrTooLong
	}
	return text, err
}

// ask prompts on a terminal and reads; an interrupt ends the waiting.
func (t *typist) ask(ctx context.Context, prompt string, read func() (string, error)) (string, error) {
	if t.terminal != nil {
		fmt.Fprint(t.out, prompt)
	}
	type answer struct {
		text string
		err  error
	}
	typed := make(chan answer, 1)
	go func() {
		text, err := read()
		typed <- answer{text, err}
	}()
	select {
	case a := <-typed:
		return a.text, a.err
	case <-ctx.Done():
		return "", errors.New("interrupted")
	}
}

func (t *typist) line() (string, error) {
	if t.lines.Scan() {
		return t.lines.Text(), nil
	}
	if err := t.lines.Err(); err != nil {
		return "", err
	}
	return "", errNotTyped
}
