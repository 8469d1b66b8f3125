package messages

import (
	"fmt"
	"strings"

	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/token"
)

// Additional is field 44, additional response data, by position.
type Additional struct {
	AnsweredBy     token.Answerer       // 44.1
	Authentication token.Authentication // 44.8, chip cryptogram
	CVV2           dcvv2.Result         // 44.10, which stands at position 11
}

// Positions in field 44, from 0. 44.6 takes two (Thredd EHI, Visa response
// info), so from there on the numbers lag: 44.8 stands at the ninth and 44.10
// at the eleventh character.
const (
	positionAnswerer       = 0
	positionAuthentication = 8
	positionCVV2           = 10
	blankAdditional        = "           "
)

func (a *Additional) bind(b *binding) {
	value(b, fieldAdditional, a, optional, readAdditional, showAdditional)
}

func readAdditional(s string) (Additional, error) {
	at := func(i int) string {
		if i >= len(s) {
			return ""
		}
		return strings.TrimSpace(s[i : i+1])
	}
	a := Additional{AnsweredBy: token.Answerer(at(positionAnswerer)), Authentication: token.Authentication(at(positionAuthentication))}
	if result := at(positionCVV2); result != "" {
		if !strings.Contains("MNPSU", result) {
			return a, fmt.Errorf("position %d must be M, N, P, S or U", positionCVV2+1)
		}
		a.CVV2 = dcvv2.Result(result[0])
	}
	return a, nil
}

func showAdditional(a Additional) string {
	if a == (Additional{}) {
		return ""
	}
	line := []byte(blankAdditional)
	copy(line[positionAnswerer:], a.AnsweredBy)
	copy(line[positionAuthentication:], a.Authentication)
	copy(line[positionCVV2:], a.CVV2.String())
	return strings.TrimRight(string(line), " ")
}
