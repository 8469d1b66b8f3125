package specs_test

import (
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/firsttap/firsttap/specs"
)

// An echo becomes its answer: the type changes, the response code comes, and
// the rest is copied. The view and both buffers serve the next message, too.
func ExampleView() {
	var view specs.View
	var trace, answer []byte

	echo, _ := hex.DecodeString("08008220000000000000040000000000000011221217000000010301")
	if err := specs.VisaStyleCodec().Scan(&view, echo); err != nil {
		fmt.Println(err)
		return
	}
	trace = view.AppendValue(trace[:0], specs.P(11))
	err := errors.Join(view.SetMTI("0810"), view.Set(specs.P(39), "00"))
	if err == nil {
		answer, err = view.Append(answer[:0])
	}
	fmt.Printf("%s: %X %v\n", trace, answer, err)
	// Output: 000001: 0810822000000200000004000000000000001122121700000001F0F00301 <nil>
}
