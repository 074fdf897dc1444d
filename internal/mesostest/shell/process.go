package shell

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib"
)

// Exit is how a process ended. Its zero value is success.
type Exit struct {
	Code   int    // 0 when a signal ended it
	Signal string // such as "TERM"; "" when it exited by itself
}

// String returns the text of Mesos' messages after "Command ".
func (e Exit) String() string {
	if e.Signal != "" {
		return "terminated with signal " + signalText(e.Signal)
	}
	return "exited with status " + strconv.Itoa(e.Code)
}

// WaitStatus returns the number that wait(2) would.
func (e Exit) WaitStatus() int32 {
	if e.Signal != "" {
		return int32(signalNumber(e.Signal))
	}
	return int32(e.Code) << 8
}

// Process is the interpreter of one command: a state machine driven by the timers of its owner.
type Process struct {
	options Options
	box     *Sandbox
	vars    map[string]string
	traps   map[string]string
	out     output

	over       bool
	last       int         // $?
	strict     bool        // set -e
	parents    []func(int) // what goes on when the children end, the innermost last
	steps      int         // since the clock moved
	cancelWake func()      // stops the timer of the start or of a sleep
	resume     func(int)
}

// maxSteps is how much a script may do at one instant before it counts as busy for ever.
const maxSteps = 10_000

// Options are what a process needs from its surroundings.
type Options struct {
	// Sandbox has the files and ports that the process shares with the others of its task.
	Sandbox *Sandbox
	// After calls f once, when d has passed and not before After has returned. After stop it does not; to stop
	// what has been called is allowed.
	After func(d time.Duration, f func()) (stop func())
	// Ended is called once, when the process ends by itself or by a signal, and not before Start has
	// returned.
	Ended func(Exit)
	// Image is set for a command in a container image: programs that the interpreter does not know run
	// until they are killed. Elsewhere they are not found.
	Image bool
	// Stdout is the file for the standard output; StdoutFile when empty.
	Stdout string
}

// Start starts a command; nil is the entry point of the image, or a failure without one.
func Start(c *mesos.CommandInfo, o Options) *Process {
	p := &Process{
		options: o, box: o.Sandbox, vars: make(map[string]string), traps: make(map[string]string),
		out: output{cmp.Or(o.Stdout, StdoutFile), StderrFile},
	}
	for _, v := range c.GetEnvironment().GetVariables() {
		p.vars[v.Name] = v.GetValue()
	}
	p.cancelWake = o.After(0, func() { p.start(c) })
	return p
}

func (p *Process) start(c *mesos.CommandInfo) {
	value, arguments := c.GetValue(), c.GetArguments()
	switch {
	case (c == nil || c.Value == nil) && p.options.Image:
		p.hang() // the entry point of the image
	case c == nil || c.Value == nil:
		p.end(Exit{Code: 1})
	case c.GetShell(): // true by default
		p.list(parseScript(value), func(status int) { p.end(Exit{Code: status}) })
	case len(arguments) >= 3 && arguments[1] == "-c" && isShell(value):
		p.list(parseScript(arguments[2]), func(status int) { p.end(Exit{Code: status}) })
	default:
		words := []string{base(value)}
		if len(arguments) > 1 {
			words = append(words, arguments[1:]...) // the first is argv[0]
		}
		p.run(words, func(status int) {
			if status == 127 {
				status = 1 // exec itself failed
			}
			p.end(Exit{Code: status})
		})
	}
}

func isShell(path string) bool {
	return slices.Contains([]string{"sh", "bash", "dash"}, base(path))
}

// end reports the end of the process, once.
func (p *Process) end(e Exit) {
	if p.over {
		return
	}
	p.over = true
	p.cancelWake()
	p.options.Ended(e)
}

// Stop ends the process without calling Ended. A nil process, and one that has ended, are fine.
func (p *Process) Stop() {
	if p != nil {
		p.over = true
		p.cancelWake()
	}
}

// Signal sends a signal, such as "TERM", to the process and all its children, as executors do. A nil process,
// and one that has ended, are fine.
func (p *Process) Signal(name string) {
	if p == nil || p.over {
		return
	}
	p.steps = 0
	p.deliver(name)
}

func (p *Process) deliver(name string) {
	handler, trapped := p.traps[name]
	switch {
	case name == "KILL" || !trapped:
		p.end(Exit{Signal: name})
	case handler == "": // ignored, by the children too
	default:
		p.cancelWake() // the child died of it
		resume := p.resume
		p.resume = nil
		p.list(parseScript(handler), func(int) {
			if resume != nil {
				resume(128 + signalNumber(name))
			}
		})
	}
}

// sleep goes on with k when d has passed. The shortest is 1 ms, or a loop around it would keep the
// clock of a bubble from advancing; no time at all is as good as being busy.
func (p *Process) sleep(d time.Duration, k func(int)) {
	if d > 0 {
		d = max(d, time.Millisecond)
	}
	p.resume = k
	p.cancelWake = p.options.After(d, func() {
		p.resume = nil
		if d > 0 {
			p.steps = 0
		}
		k(0)
	})
}

// hang runs until a signal ends it.
func (p *Process) hang() { p.resume = func(int) { p.hang() } }
