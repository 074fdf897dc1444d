package invoker

// command is something that the machine wants done. Commands are carried out in the order in which step returns them; what
// takes time is carried out beside the others, and answered by an input.
type command interface{ isCommand() }

type (
	// create starts a container. Answered by created.
	create struct {
		id   string
		spec Spec
	}
	// probe waits until the runtime answers, or with ping tries once. Answered by probed.
	probe struct {
		instance Instance
		ping     bool
	}
	// bind makes a record durable. Answered by stored. Nothing is granted before that.
	bind struct {
		record   record
		instance Instance
	}
	// note updates a record, and forget deletes one, some time. Nothing waits for these; they are tried until they succeed.
	note   struct{ record record }
	forget struct{ id string }
	// destroy removes a container. Answered by destroyed.
	destroy struct{ id string }
	// suspend and resume are answered by suspended and resumed.
	suspend struct{ id string }
	resume  struct{ id string }
	// list asks for a listing. Answered by listed.
	list struct{}

	// grant gives a caller a slot of a container.
	grant struct {
		ref   ref
		id    GrantID
		to    Instance
		start StartKind
		init  bool // /init is to be sent first
	}
	// refuse tells a caller that it gets none.
	refuse struct {
		ref ref
		err error
	}
	// recall asks the holder to release a grant as soon as it does not use it.
	recall struct {
		session session
		grant   GrantID
	}
	// revoke tells the holder that a grant is void: its container is gone, or the session has ended.
	revoke struct {
		session session
		grant   GrantID
		address string // of the container
	}
	// notify tells the watchers of an event.
	notify struct{ event Event }
)

func (create) isCommand()  {}
func (probe) isCommand()   {}
func (bind) isCommand()    {}
func (note) isCommand()    {}
func (forget) isCommand()  {}
func (destroy) isCommand() {}
func (suspend) isCommand() {}
func (resume) isCommand()  {}
func (list) isCommand()    {}
func (grant) isCommand()   {}
func (refuse) isCommand()  {}
func (recall) isCommand()  {}
func (revoke) isCommand()  {}
func (notify) isCommand()  {}
