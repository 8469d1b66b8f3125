package story

import (
	"time"

	"github.com/firsttap/firsttap/dcvv2"
	"github.com/firsttap/firsttap/simulator/issuer"
	"github.com/firsttap/firsttap/simulator/merchant"
	"github.com/firsttap/firsttap/token"
)

var (
	provision = act{StepProvision, (*play).provision}
	tap       = act{StepTap, (*play).tap}
)

// stepUpCases are the yellow path: the issuer wants to know who asks.
func stepUpCases() []Case {
	byPasscode := act{StepStepUp, (*play).answerPasscode}
	return []Case{
		{
			Name: "step-up-passcode", About: "the issuer sends a passcode, the person types it in, and pays",
			begin: follow(issuer.Yellow, token.ByPasscode), acts: []act{provision, byPasscode, tap},
		},
		{
			Name: "step-up-app", About: "the person confirms in the issuer's app, and pays",
			begin: follow(issuer.Yellow, token.ByIssuerApp), acts: []act{provision, {StepStepUp, (*play).confirmInApp}, tap},
		},
		{
			Name: "step-up-call-centre", About: "the person calls the issuer, and pays",
			begin: follow(issuer.Yellow, token.ByCallCentre), acts: []act{provision, {StepStepUp, (*play).callCentre}, tap},
		},
		{
			Name: "not-stepped-up", About: "another phone pays with the number of a token that waits",
			Refused: StepTap, Response: token.NotYetActive,
			begin: follow(issuer.Yellow, token.ByPasscode), acts: []act{provision, {StepTap, (*play).tapMasked}},
		},
		{
			Name: "wrong-passcode", About: "the person mistypes the passcode",
			Refused: StepStepUp, Response: token.VerificationFailed,
			begin: follow(issuer.Yellow, token.ByPasscode), acts: []act{provision, {StepStepUp, (*play).mistypePasscode}},
		},
		{
			Name: "expired-passcode", About: "the person types the passcode half an hour later",
			Refused: StepStepUp, Response: token.VerificationFailed,
			begin: follow(issuer.Yellow, token.ByPasscode), arrange: later(token.PasscodeFor), acts: []act{provision, byPasscode},
		},
		{
			Name: "another-passcode", About: "the passcode has expired, the wallet has another one sent, and the person pays",
			begin: follow(issuer.Yellow, token.ByPasscode),
			acts:  []act{provision, {StepAnother, (*play).anotherPasscode}, byPasscode, tap},
		},
		{
			Name: "too-many-passcodes", About: "the person types the right passcode after three wrong ones",
			Refused: StepStepUp, Response: token.TriesExceeded,
			begin: follow(issuer.Yellow, token.ByPasscode), arrange: wastePasscode, acts: []act{provision, byPasscode},
		},
	}
}

// issuerCases are what else an issuer does about an activation, or does not.
func issuerCases() []Case {
	standIn := Setup{StandIn: token.StandIn{Activations: token.StandInApprove, Taps: token.StandInApprove, TapAmountMax: 100_00}}
	return []Case{
		{
			Name: "repeated-request", About: "the wallet has not heard the answer and repeats: it gets the same one, and no second token",
			acts: []act{provision, {StepRepeat, (*play).repeatActivation}, tap},
		},
		{
			Name: "account-closed", About: "the code is right and the account is closed",
			Refused: StepProvision, Response: token.ClosedAccount, CVV2: dcvv2.Match, arrange: follow(issuer.Closed, ""),
		},
		{
			Name: "stand-in", About: "the issuer's host is not there, the network decides in its place, and tells it later",
			Setup: standIn, begin: issuerDown, acts: []act{provision, tap, {StepBack, (*play).issuerBack}},
		},
		{
			Name: "late-answer", About: "the issuer grants a token after the network has given up; it is told to undo it",
			Setup:   Setup{IssuerTimeout: time.Second},
			Refused: StepProvision, Response: token.IssuerUnavailable, CVV2: dcvv2.Match,
			arrange: answerLate, after: awaitUndone,
		},
		{
			Name: "reversed-activation", About: "the wallet takes the activation back: the token is deactivated",
			Refused: StepTap, Response: token.ClosedAccount,
			acts: []act{provision, {StepReverse, (*play).reverseActivation}, tap},
		},
	}
}

// lifeCases are what becomes of a token later.
func lifeCases() []Case {
	return []Case{
		{
			Name: "inquiry", About: "wallet and issuer ask how the token stands; only the issuer is told the card number",
			acts: []act{provision, {StepInquire, (*play).inquire}},
		},
		{
			Name: "signed-off", About: "the wallet signs off, is not served until it signs on again, and the person pays",
			Setup: Setup{SignOn: true},
			acts:  []act{provision, {StepSignOff, (*play).signOff}, {StepSignOn, (*play).signOn}, tap},
		},
		{
			Name: "suspend-and-resume", About: "the wallet suspends the token and resumes it, and pays",
			acts: []act{provision, {StepSuspend, (*play).suspendByWallet}, {StepResume, (*play).resumeByWallet}, tap},
		},
		{
			Name: "issuer-suspends", About: "the issuer has suspended the token",
			Refused: StepTap, Response: token.RestrictedCard,
			acts: []act{provision, {StepSuspend, (*play).suspendByIssuer}, tap},
		},
		{
			Name: "resume-without-say", About: "the wallet resumes what the issuer has suspended",
			Refused: StepResume, Response: token.InvalidTransaction,
			acts: []act{provision, {StepSuspend, (*play).suspendByIssuer}, {StepResume, (*play).resumeByWallet}},
		},
		{
			Name: "deleted-token", About: "the wallet has deleted the token",
			Refused: StepTap, Response: token.ClosedAccount,
			acts: []act{provision, {StepDelete, (*play).deleteByWallet}, tap},
		},
		{
			Name: "replaced-card", About: "the issuer replaces the card, and the phone goes on paying",
			acts: []act{provision, {StepReplace, (*play).replaceCard}, tap},
		},
		{
			Name: "new-expiry", About: "the issuer renews the card's expiry date, and the phone goes on paying",
			acts: []act{provision, {StepReplace, (*play).renewExpiry}, tap},
		},
	}
}

// tapCases are other taps, and attacks on them.
func tapCases() []Case {
	return []Case{
		{
			Name: "reversed-tap", About: "the merchant takes the payment back",
			acts: []act{provision, tap, {StepReverse, (*play).reverseTap}},
		},
		{
			Name: "version-10", About: "tokens of cryptogram version 10 pay, the issuer's answer by method 1",
			Setup: Setup{CryptogramVersion: 10},
		},
		{
			Name: "version-17", About: "tokens of cryptogram version 17 pay, the issuer's answer by method 1",
			Setup: Setup{CryptogramVersion: 17},
		},
		{
			Name: "cloud-token", About: "a phone without a secure element pays until its key is used up, and is lent another",
			kind: token.Cloud,
			acts: []act{provision, tap, {StepRunOut, (*play).runOut}, {StepReplenish, (*play).replenish}, tap},
		},
		{
			Name: "expired-key", About: "a phone whose clock stands still pays with a limited-use key of yesterday",
			Refused: StepTap, Response: token.CardExpired, Authentication: token.ARQCVerified,
			kind: token.Cloud, arrange: aDayOnAnOldClock,
		},
		{
			Name: "replayed-cryptogram", About: "what the phone said is played again to a terminal that draws no numbers",
			Refused: StepTap, Response: token.SuspectedFraud, Authentication: token.ARQCVerified,
			again: tapReplayed, open: func(o *merchant.Options) { o.Tamper = merchant.ReplayFirst() },
		},
		{
			Name: "other-phone", About: "another phone of the same card pays in this one's name",
			Refused: StepTap, Response: token.CardAuthentication, Authentication: token.ARQCFailed,
			acts: []act{provision, {StepTap, (*play).tapMasked}},
		},
		{
			Name: "wrong-domain", About: "a token for e-commerce is held to a terminal",
			Refused: StepTap, Response: token.NotAllowedAtTerminal, kind: token.ECommerce,
		},
	}
}

// onlineCases are payments without a terminal.
func onlineCases() []Case {
	buy := act{StepPay, (*play).payByCard}
	return []Case{
		{
			Name: "pay-in-app", About: "an e-commerce token pays in an app, with a cryptogram",
			kind: token.ECommerce, acts: []act{provision, {StepPay, (*play).payInApp}},
		},
		{
			Name: "card-on-file", About: "a merchant's own token pays without the phone",
			kind: token.CardOnFile, acts: []act{provision, {StepPay, (*play).payOnFile}},
		},
		{
			Name: "verify-account", About: "a merchant asks whether the account is good; no token is made",
			acts: []act{{StepVerify, (*play).verifyAccount}},
		},
		{
			Name: "pay-by-card", About: "a web shop takes card number, expiry date and code; no token is made",
			acts: []act{buy, {StepReverse, (*play).reverseOnline}},
		},
		{
			Name: "pay-wrong-code", About: "the person mistypes the code in a web shop",
			Refused: StepPay, Response: token.CVV2Failed, CVV2: dcvv2.NoMatch, arrange: mistype, acts: []act{buy},
		},
	}
}
