package messages

import (
	"fmt"
	"strings"

	"github.com/firsttap/firsttap/emv"
	"github.com/firsttap/firsttap/specs"
)

// told are the fields that tell what a question is about, in the order of the
// wire; answered are those that tell what an answer says.
var (
	told = []specs.Path{
		fieldPAN, fieldAmount, fieldAuthorization, fieldResponse, fieldAdditional, chipPath(emv.TagATC), chipPath(emv.TagARQC),
		fieldReason, fieldStandIn, fieldNetworkCode, fieldOriginal, fieldFileAction, fieldTokenNumber, fieldTokenReference,
		fieldTokenCode, fieldTokenMethod, fieldTokenResult, fieldRemote, fieldCVV2,
	}
	answered = []specs.Path{
		fieldAuthorization, fieldResponse, fieldAdditional, chipPath(emv.TagIssuerAuthentication),
		fieldStandIn, fieldNetworkCode, fieldOriginal, fieldFileAction, fieldTokenNumber, fieldTokenStatus, fieldTokenMethod,
	}
)

// Summary lists what a message is about as PATH=VALUE, masked by the codec.
// Field 44 is listed by its positions; amounts of zero are left out, and the
// reference of a token whose number is there.
func Summary(codec *specs.Codec, m *specs.Message) []string {
	list := told
	if mti := m.MTI(); len(mti) == 4 && (mti[2]-'0')%2 == 1 {
		list = answered
	}
	var summary []string
	for _, p := range list {
		switch {
		case !m.Has(p), p == fieldAmount && m.Text(p) == noAmount, p == fieldTokenReference && m.Has(fieldTokenNumber):
		case p == fieldAdditional:
			summary = append(summary, positions(m.Text(p))...)
		default:
			summary = append(summary, p.String()+"="+brief(codec.Mask(p, m.Text(p))))
		}
	}
	return summary
}

// brief shortens a value that is hidden altogether.
func brief(masked string) string {
	if strings.Trim(masked, "*") == "" {
		return "***"
	}
	return masked
}

// positions lists the positions of field 44 that firsttap uses.
func positions(text string) []string {
	a, err := readAdditional(text)
	if err != nil {
		return nil
	}
	var list []string
	for _, one := range []struct{ name, value string }{
		{"44.1", string(a.AnsweredBy)}, {"44.8", string(a.Authentication)}, {"44.10", a.CVV2.String()},
	} {
		if one.value != "" {
			list = append(list, fmt.Sprintf("%s=%s", one.name, one.value))
		}
	}
	return list
}
