package invoker

import "time"

// input is something that happened outside the machine.
type input interface{ isInput() }

// ref is the number of a waiting caller. 0 is no caller.
type ref uint64

// session is the number of a process that holds containers. 0 is this one.
type session uint64

type (
	// start: a run begins, in this term, with these orders. Nothing else is known yet: callers wait.
	start struct {
		term   uint64
		orders orders
	}
	// listed: these are all containers of the owner that may run, and all records. Without err the first one ends the beginning of
	// a run; later ones answer the command list.
	listed struct {
		instances []Instance
		records   []record
		err       error
	}
	// wake: the deadline has come.
	wake struct{}

	// acquire: a caller wants a slot of a container for a key.
	acquire struct {
		ref     ref
		session session
		key     Key
		timeout time.Duration // of the action: how long a run may go on
	}
	// cancel: the caller waits no longer.
	cancel struct{ ref ref }
	// release: the holder does not use the slot any more.
	release struct {
		grant   GrantID
		outcome outcome
	}
	// reserve: so many containers of a key are kept from now on.
	reserve struct {
		key Key
		n   int
	}
	// setStemCells: these are the stem cells from now on.
	setStemCells struct{ cells []StemCells }
	// drainAgent: nothing new is started on an agent, or it is again.
	drainAgent struct {
		agent string
		on    bool
	}
	// initialised: /init has succeeded in the container of this grant.
	initialised struct{ grant GrantID }

	// created: the engine has answered the command create.
	created struct {
		id       string
		instance Instance
		err      error
	}
	// probed: the runtime has answered, or has not within its time. Also answers the pings of stem cells.
	probed struct {
		id  string
		err error
	}
	// stored: the record of the command bind is durable, or is not on record with certainty.
	stored struct {
		id  string
		err error
	}
	// destroyed: the container is certainly gone, or, with err, an attempt to destroy it failed.
	destroyed struct {
		id  string
		err error
	}
	// suspended and resumed: the engine has answered these commands.
	suspended struct {
		id  string
		err error
	}
	resumed struct {
		id  string
		err error
	}
	// changed: the engine tells of a change.
	changed struct{ change Change }
	// agentsSeen: what the agents have free now.
	agentsSeen struct{ agents []Agent }

	// opened: a process opens its session, or renews it. It ends after ttl unless it is renewed again.
	opened struct {
		session session
		name    string
		ttl     time.Duration
	}
	// declared: a process says, after a change of the leader, which containers it holds.
	declared struct {
		session     session
		namespace   string // of the containers that were started for the session
		grants      []GrantID
		initialised []GrantID // of those, where /init has succeeded
	}
	// closed: a process ends its session: all that it holds is released.
	closed struct{ session session }
)

// outcome says what becomes of a container after a run.
type outcome int

const (
	reuse   outcome = iota // it can be used again
	discard                // it must not be used again
	dead                   // it does not answer: it is checked, and is most likely gone
	crashed                // it ended, or broke the connection, while it served
)

// record is what is stored for a container that is bound to a key.
type record struct {
	ID          string
	Incarnation string
	Key         Key
	Timeout     time.Duration
	Term        uint64
	Initialised bool
}

func (start) isInput()        {}
func (listed) isInput()       {}
func (wake) isInput()         {}
func (acquire) isInput()      {}
func (cancel) isInput()       {}
func (release) isInput()      {}
func (reserve) isInput()      {}
func (setStemCells) isInput() {}
func (drainAgent) isInput()   {}
func (initialised) isInput()  {}
func (created) isInput()      {}
func (probed) isInput()       {}
func (stored) isInput()       {}
func (destroyed) isInput()    {}
func (suspended) isInput()    {}
func (resumed) isInput()      {}
func (changed) isInput()      {}
func (agentsSeen) isInput()   {}
func (opened) isInput()       {}
func (declared) isInput()     {}
func (closed) isInput()       {}
