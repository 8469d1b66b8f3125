package token

import "fmt"

// Progress is how far an activation has come.
type Progress string

// States of an activation.
const (
	Asked      Progress = "asked"      // claimed; the issuer is asked
	Granted    Progress = "granted"    // its token is active, or was
	Waiting    Progress = "waiting"    // its token waits for a step-up
	Refused    Progress = "refused"    // there is no token
	Unanswered Progress = "unanswered" // likewise, because the issuer was silent
	Undone     Progress = "undone"     // reversed
)

// Progresses lists every state.
var Progresses = []Progress{Asked, Granted, Waiting, Refused, Unanswered, Undone}

// ProgressOf reads the state of an activation from its record: its outcome,
// nil for none yet, and whether it was reversed.
func ProgressOf(o *Outcome, reversed bool) Progress {
	switch {
	case reversed:
		return Undone
	case o == nil:
		return Asked
	case o.Mints() == Active:
		return Granted
	case o.Mints() == Inactive:
		return Waiting
	case o.Reason == ReasonIssuerUnavailable || o.Reason == ReasonRestarted:
		return Unanswered
	default:
		return Refused
	}
}

// Turn is what happens to an activation.
type Turn string

// Turns of an activation.
const (
	TurnApproved  Turn = "issuer approves"           // green, or in stand-in
	TurnSteppedUp Turn = "issuer asks for a step-up" // yellow, or in stand-in
	TurnDeclined  Turn = "issuer declines"           // red
	TurnUnasked   Turn = "issuer cannot be reached"  // it has no question to undo
	TurnTimedOut  Turn = "issuer's time is over"     // its answer may still come
	TurnLate      Turn = "issuer answers too late"   // whatever it says
	TurnRestarted Turn = "gateway restarts"          // nobody knows what the issuer said
	TurnReversed  Turn = "requestor reverses"        // it has no answer, or wants none
	TurnStepDone  Turn = "cardholder passes step-up" // passcode, call centre, issuer's app
	TurnTokenGone Turn = "token is deactivated"      // by whoever may
)

// Turns lists every turn.
var Turns = []Turn{
	TurnApproved, TurnSteppedUp, TurnDeclined, TurnUnasked, TurnTimedOut, TurnLate, TurnRestarted,
	TurnReversed, TurnStepDone, TurnTokenGone,
}

// Move is what follows from a turn: the state after it, and what to do.
type Move struct {
	To         Progress
	Mint       Status // a token in this state is made
	Deactivate bool   // the token is deactivated
	Undo       bool   // the issuer is told that what it was asked is undone (0420)
}

// moves names for every state and turn what follows. A missing pair cannot be.
// A late answer never makes a token: who asked has been told that there is
// none, and the issuer has been told to undo it when its time was over.
var moves = map[Progress]map[Turn]Move{
	Asked: {
		TurnApproved:  {To: Granted, Mint: Active},
		TurnSteppedUp: {To: Waiting, Mint: Inactive},
		TurnDeclined:  {To: Refused},
		TurnUnasked:   {To: Unanswered},
		TurnTimedOut:  {To: Unanswered, Undo: true},
		TurnRestarted: {To: Unanswered, Undo: true},
		TurnReversed:  {To: Undone, Undo: true},
	},
	Granted: {
		TurnLate:      {To: Granted}, // decided in stand-in, and told by 0120
		TurnReversed:  {To: Undone, Deactivate: true, Undo: true},
		TurnTokenGone: {To: Granted},
	},
	Waiting: {
		TurnLate:      {To: Waiting},
		TurnReversed:  {To: Undone, Deactivate: true, Undo: true},
		TurnStepDone:  {To: Granted},
		TurnTokenGone: {To: Waiting},
	},
	Refused: {
		TurnReversed: {To: Undone}, // nothing to undo, and no fault to ask for it
	},
	Unanswered: {
		TurnLate:     {To: Unanswered}, // undone already
		TurnReversed: {To: Undone},
	},
	Undone: {
		TurnApproved:  {To: Undone, Undo: true}, // the reversal came while the issuer was asked
		TurnSteppedUp: {To: Undone, Undo: true},
		TurnDeclined:  {To: Undone},
		TurnUnasked:   {To: Undone},
		TurnTimedOut:  {To: Undone, Undo: true},
		TurnRestarted: {To: Undone, Undo: true},
		TurnLate:      {To: Undone},
		TurnTokenGone: {To: Undone},
	},
}

// TurnError says that a turn cannot come in a state.
type TurnError struct {
	From Progress
	Turn Turn
}

// Error names the state and the turn.
func (e *TurnError) Error() string {
	return fmt.Sprintf("an activation that is %s cannot see that the %s", e.From, e.Turn)
}

// After gives what follows p at a turn, or *TurnError.
func (p Progress) After(t Turn) (Move, error) {
	move, ok := moves[p][t]
	if !ok {
		return Move{To: p}, &TurnError{From: p, Turn: t}
	}
	return move, nil
}

// TurnOf is the turn that an issuer's word, or silence, is to an activation
// whose outcome it led to.
func TurnOf(answer IssuerAnswer, o Outcome) Turn {
	switch {
	case o.Mints() == Active:
		return TurnApproved
	case o.Mints() == Inactive:
		return TurnSteppedUp
	case answer.Response != "":
		return TurnDeclined
	case answer.Silence == StandInDown:
		return TurnUnasked
	default:
		return TurnTimedOut
	}
}
