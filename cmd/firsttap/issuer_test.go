package main

import (
	"testing"

	"github.com/firsttap/firsttap/internal/config"
	"github.com/firsttap/firsttap/simulator/issuer"
)

// The words that settings may have are those that the issuer knows, all of them.
func TestWordsOfTheIssuer(t *testing.T) {
	for _, decides := range config.IssuerDecides {
		for _, method := range config.IssuerMethods {
			if _, err := issuer.ParsePersona(decides, method); err != nil {
				t.Errorf("%s by %s: %v", decides, method, err)
			}
		}
	}
	if len(config.IssuerDecides) != len(issuer.Decisions) || len(config.IssuerMethods) != len(issuer.MethodWords) {
		t.Error("the issuer knows more words than its settings may have")
	}
	settings := config.DefaultIssuerPart()
	if p, err := issuer.ParsePersona(settings.Decides, settings.Method); err != nil || p.Decides != issuer.Green {
		t.Errorf("the default is %+v, %v", p, err)
	}
}
