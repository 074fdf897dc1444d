package shell

import (
	"slices"
	"strconv"
	"strings"
)

func (p *Process) command(s *statement, k func(int)) {
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
func (p *Process) assignRun(words []string, k func(int)) {
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
func (p *Process) run(words []string, k func(int)) {
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
			p.box.create(f)
		}
		k(0)
	case "rm":
		for _, f := range args {
			delete(p.box.Files, f)
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
func (p *Process) runProgram(name string, args []string, k func(int)) {
	switch {
	case isShell(name) && len(args) >= 2 && args[0] == "-c":
		p.child(parseScript(args[1]), k)
	case isShell(name):
		k(0)
	case strings.HasPrefix(base(name), "python") && !p.options.Image:
		p.python(args, k)
	case p.options.Image || longRunning(name):
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

// base returns the name of a program without its folder.
func base(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }

func (p *Process) status(args []string) int {
	if len(args) == 0 {
		return p.last
	}
	n, err := strconv.Atoi(args[0])
	if err != nil || n < 0 {
		return 2
	}
	return n & 0xff
}

func (p *Process) trap(args []string) {
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

// killSelf executes kill with the script's own process as target; there are no others.
func (p *Process) killSelf(args []string, k func(int)) {
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
