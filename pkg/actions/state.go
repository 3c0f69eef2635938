package actions

import "fmt"

// State is where an action stands.
type State string

// The states. Done and Cancelled are final, but for a success that comes late.
const (
	Waiting   State = "waiting"
	Running   State = "running"
	Failed    State = "failed"
	Cancelled State = "cancelled"
	Done      State = "done"
)

// Finished tells whether nothing is left to do.
func (s State) Finished() bool { return s == Done || s == Cancelled }

// Move is a change of an action's progress.
type Move string

// The moves.
const (
	MoveClaim  Move = "claim"
	MoveBeat   Move = "beat"
	MoveFail   Move = "fail"
	MoveGiveUp Move = "give-up"
	MoveLapse  Move = "lapse"
	MoveStop   Move = "stop"
	MoveFinish Move = "finish"
	MoveCancel Move = "cancel"
	MoveRetry  Move = "retry"
	MovePark   Move = "park"
)

// Edge is one legal move.
type Edge struct {
	From State
	Move Move
	To   State
}

// Edges returns the table of all legal moves; doc.go draws it.
func Edges() []Edge {
	return []Edge{
		{Waiting, MoveClaim, Running},
		{Waiting, MovePark, Failed},
		{Waiting, MoveCancel, Cancelled},
		{Waiting, MoveFinish, Done},
		{Running, MoveBeat, Running},
		{Running, MoveFail, Waiting},
		{Running, MoveGiveUp, Failed},
		{Running, MoveLapse, Waiting},
		{Running, MoveLapse, Failed},
		{Running, MoveCancel, Cancelled},
		{Running, MoveFinish, Done},
		{Failed, MoveRetry, Waiting},
		{Failed, MoveCancel, Cancelled},
		{Failed, MoveFinish, Done},
		{Cancelled, MoveFinish, Done},
		{Done, MoveFinish, Done},
		{Waiting, MoveStop, Waiting},
		{Running, MoveStop, Running},
		{Failed, MoveStop, Failed},
		{Cancelled, MoveStop, Cancelled},
		{Done, MoveStop, Done},
		{Waiting, MoveLapse, Waiting},
		{Running, MoveLapse, Running},
		{Failed, MoveLapse, Failed},
		{Cancelled, MoveLapse, Cancelled},
		{Done, MoveLapse, Done},
	}
}

// Refused is a move that is not legal. For the owner of a lease it means that
// the lease is lost and the work is to stop; a cancel refused from Done came
// after the work.
type Refused struct {
	Move   Move
	From   State
	Reason string // empty where From says it all
}

func (e *Refused) Error() string {
	if e.Reason == "" {
		return fmt.Sprintf("cannot %s action: it is %s", e.Move, e.From)
	}
	return fmt.Sprintf("cannot %s action: it is %s: %s", e.Move, e.From, e.Reason)
}

// allow returns a refusal if the table has no such move from the present state.
func (p Progress) allow(m Move) error {
	from := p.State()
	for _, e := range Edges() {
		if e.From == from && e.Move == m {
			return nil
		}
	}
	return &Refused{Move: m, From: from}
}
