package mesostest

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib"
)

// exit is how a process ended.
type exit struct {
	code   int
	signal string // such as "TERM"; "" when it exited by itself
}

// String is the text of Mesos' messages after "Command ".
func (e exit) String() string {
	if e.signal != "" {
		return "terminated with signal " + signalText(e.signal)
	}
	return "exited with status " + strconv.Itoa(e.code)
}

// waitStatus is the number that wait(2) gives.
func (e exit) waitStatus() int32 {
	if e.signal != "" {
		return int32(signalNumber(e.signal))
	}
	return int32(e.code) << 8
}

// process is the interpreter of one command: a state machine driven by the
// timers of the loop. Nothing is ever executed.
type process struct {
	m     *Master
	box   *sandbox
	vars  map[string]string
	traps map[string]string
	ended func(exit) // called once, never from within start
	out   output

	over    bool
	last    int         // $?
	strict  bool        // set -e
	parents []func(int) // what goes on when the children end, the innermost last
	steps   int         // since the clock moved
	timer   *timer      // of a sleep, or of the end
	resume  func(int)
	forever bool // unknown commands run until killed: those of a container image
}

// maxSteps is how much a script may do at one instant before it counts as busy for ever.
const maxSteps = 10_000

// spawn starts a command.
func (m *Master) spawn(c *mesos.CommandInfo, box *sandbox, image bool, ended func(exit)) *process {
	p := &process{
		m: m, box: box, vars: make(map[string]string), traps: make(map[string]string), ended: ended, forever: image,
		out: output{stdoutFile, stderrFile},
	}
	for _, v := range c.GetEnvironment().GetVariables() {
		p.vars[v.Name] = v.GetValue()
	}
	p.timer = m.after(0, func() { p.start(c) })
	return p
}

func (p *process) start(c *mesos.CommandInfo) {
	value, arguments := c.GetValue(), c.GetArguments()
	switch {
	case (c == nil || c.Value == nil) && p.forever:
		p.hang() // the entry point of the image
	case c == nil || c.Value == nil:
		p.end(exit{code: 1})
	case c.GetShell(): // true by default
		p.list(parseScript(value), func(status int) { p.end(exit{code: status}) })
	case len(arguments) >= 3 && arguments[1] == "-c" && isShell(value):
		p.list(parseScript(arguments[2]), func(status int) { p.end(exit{code: status}) })
	default:
		words := []string{base(value)}
		if len(arguments) > 1 {
			words = append(words, arguments[1:]...) // the first is argv[0]
		}
		p.run(words, func(status int) {
			if status == 127 {
				status = 1 // exec itself failed
			}
			p.end(exit{code: status})
		})
	}
}

func isShell(path string) bool {
	return slices.Contains([]string{"sh", "bash", "dash"}, base(path))
}

// end reports the end of the process, once.
func (p *process) end(e exit) {
	if p.over {
		return
	}
	p.over = true
	p.timer.stop()
	p.ended(e)
}

// kill stops the process without a report.
func (p *process) kill() {
	if p != nil {
		p.over = true
		p.timer.stop()
	}
}

// signal reaches the process and all its children, as the executors send it.
func (p *process) signal(name string) {
	if p == nil || p.over {
		return
	}
	p.steps = 0
	p.deliver(name)
}

func (p *process) deliver(name string) {
	handler, trapped := p.traps[name]
	switch {
	case name == "KILL" || !trapped:
		p.end(exit{signal: name})
	case handler == "": // ignored, by the children too
	default:
		p.timer.stop() // the child died of it
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
func (p *process) sleep(d time.Duration, k func(int)) {
	if d > 0 {
		d = max(d, time.Millisecond)
	}
	p.resume = k
	p.timer = p.m.after(d, func() {
		p.resume = nil
		if d > 0 {
			p.steps = 0
		}
		k(0)
	})
}

// hang runs until a signal ends it.
func (p *process) hang() { p.resume = func(int) { p.hang() } }

func (p *process) command(s *statement, k func(int)) {
	var words []string
	for _, w := range s.words {
		words = append(words, p.expand(w))
	}
	if len(s.redirects) > 0 {
		k = p.restoring(k)
		p.redirect(s.redirects)
	}
	p.assignRun(words, k)
}

// assignRun executes a simple command with assignments in front of it, or only these.
func (p *process) assignRun(words []string, k func(int)) {
	for len(words) > 0 {
		name, value, ok := strings.Cut(words[0], "=")
		if !ok || name == "" || strings.ContainsAny(name, "\"'/ []") {
			break
		}
		p.vars[name] = value
		words = words[1:]
	}
	if len(words) == 0 {
		k(0)
		return
	}
	p.run(words, k)
}

// run executes one simple command.
func (p *process) run(words []string, k func(int)) {
	name, args := strings.TrimPrefix(strings.TrimPrefix(words[0], "/usr"), "/bin/"), words[1:]
	switch name {
	case "echo", "printf":
		p.box.write(p.out.stdout, printed(name, args))
		k(0)
	case "true", ":", "cd", "export", "unset", "wait", "mkdir", "chmod", "cat", "ls", "date",
		"pwd", "hostname", "id", "whoami", "uname", "ulimit", "umask", "sync":
		k(0)
	case "set":
		p.strict = p.strict || len(args) > 0 && strings.HasPrefix(args[0], "-") && strings.Contains(args[0], "e")
		k(0)
	case "env":
		p.assignRun(args, k)
	case "false":
		k(1)
	case "exit":
		p.exit(p.status(args))
	case "return":
		k(p.status(args))
	case "exec":
		if len(args) == 0 {
			k(0)
			return
		}
		p.run(args, p.exit)
	case "sleep":
		d, ok := sleepTime(args)
		if !ok {
			k(1)
			return
		}
		p.sleep(d, k)
	case "trap":
		p.trap(args)
		k(0)
	case "kill":
		p.killSelf(args, k)
	case "touch":
		for _, f := range args {
			p.box.open(f, true)
		}
		k(0)
	case "rm":
		for _, f := range args {
			delete(p.box.files, f)
		}
		k(0)
	case "test":
		k(p.test(args))
	case "[":
		k(p.test(args[:max(len(args)-1, 0)]))
	default:
		p.runProgram(name, args, k)
	}
}

// runProgram executes what is no builtin and no common tool.
func (p *process) runProgram(name string, args []string, k func(int)) {
	switch {
	case isShell(name) && len(args) >= 2 && args[0] == "-c":
		p.child(parseScript(args[1]), k)
	case isShell(name):
		k(0)
	case strings.HasPrefix(base(name), "python") && !p.forever:
		p.python(args, k)
	case p.forever || longRunning(name):
		p.hang()
	default:
		p.box.write(p.out.stderr, "sh: 1: "+name+": not found\n")
		k(127)
	}
}

// longRunning names programs that tests start to have something that runs.
func longRunning(name string) bool {
	return slices.Contains([]string{"nc", "nginx", "tail", "yes", "java", "node"}, base(name))
}

// base is the name of a program without its folder.
func base(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }

func (p *process) status(args []string) int {
	if len(args) == 0 {
		return p.last
	}
	n, err := strconv.Atoi(args[0])
	if err != nil || n < 0 {
		return 2
	}
	return n & 0xff
}

func (p *process) trap(args []string) {
	if len(args) < 2 {
		return
	}
	for _, name := range args[1:] {
		if args[0] == "-" {
			delete(p.traps, signalName(name))
		} else {
			p.traps[signalName(name)] = args[0]
		}
	}
}

// killSelf is kill with the script's own process as target; others are not there.
func (p *process) killSelf(args []string, k func(int)) {
	name := "TERM"
	if len(args) > 1 && args[0] == "-s" {
		name, args = signalName(args[1]), args[2:]
	} else if len(args) > 0 && strings.HasPrefix(args[0], "-") {
		name, args = signalName(args[0][1:]), args[1:]
	}
	if !slices.Contains(args, selfPID) {
		k(1)
		return
	}
	p.resume = func(int) { k(0) }
	p.deliver(name)
	if p.resume != nil && !p.over { // it was ignored
		p.resume = nil
		k(0)
	}
}
