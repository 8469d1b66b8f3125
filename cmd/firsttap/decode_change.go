package main

import (
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/firsttap/firsttap/specs"
)

// change writes a frame anew with values changed as --set says, and everything
// else as it came. What cannot be read comes back as it is: laying it open says
// why.
func change(codec *specs.Codec, framing specs.Framing, raw []byte, sets []string) ([]byte, error) {
	frame, rest, err := framing.Split(raw)
	if err != nil || frame.KeepAlive || len(rest) > 0 {
		return raw, nil
	}
	var v specs.View
	if codec.Scan(&v, frame.Body) != nil {
		return raw, nil
	}
	if frame.Header.Reject != "" {
		return nil, usage("--set: this frame rejects a message; change the message itself")
	}
	for _, s := range sets {
		if err := setValue(&v, s); err != nil {
			return nil, err
		}
	}
	body, err := v.Append(nil)
	if err == nil {
		raw, err = framing.Append(nil, frame.Header, body)
	}
	if err != nil {
		return nil, usage("--set: %v", err)
	}
	return raw, nil
}

// setValue makes one change. Its errors do not hold the value.
func setValue(v *specs.View, assignment string) error {
	path, value, ok := strings.Cut(assignment, "=")
	if !ok {
		return usage("--set wants PATH=VALUE, such as 39=05")
	}
	p, err := specs.ParsePath(path)
	if err != nil {
		return usage("--set: %v", err)
	}
	if digits, binary := strings.CutPrefix(value, "0x"); binary {
		raw, err := hex.DecodeString(digits)
		if err != nil {
			return usage("--set %s: the value is not hexadecimal behind 0x", p)
		}
		value = string(raw)
	}
	switch {
	case p == 0:
		err = v.SetMTI(value)
	case value == "":
		v.Delete(p)
	default:
		err = v.Set(p, value)
	}
	if err != nil {
		return usage("--set: %v", err)
	}
	return nil
}

// hexText is a frame as decode takes it.
func hexText(raw []byte) string { return fmt.Sprintf("%X\n", raw) }
