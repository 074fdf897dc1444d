package shell

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib"
	"github.com/stretchr/testify/require"
)

// ran is how a command ended, and when.
type ran struct {
	exit  Exit
	after time.Duration
	ended bool
	box   *Sandbox
}

// clock is the timers of a test.
type clock struct{ alarms []*alarm }

type alarm struct {
	at time.Time
	f  func()
}

func (c *clock) after(d time.Duration, f func()) (stop func()) {
	a := &alarm{time.Now().Add(d), f}
	c.alarms = append(c.alarms, a)
	return func() { c.alarms = slices.DeleteFunc(c.alarms, func(other *alarm) bool { return other == a }) }
}

// run sleeps from alarm to alarm, until over returns true, none is left or the next is later than the end.
func (c *clock) run(end time.Time, over func() bool) {
	for !over() && len(c.alarms) > 0 {
		next := slices.MinFunc(c.alarms, func(a, b *alarm) int { return a.at.Compare(b.at) }) // of equals the first
		if next.at.After(end) {
			return
		}
		time.Sleep(time.Until(next.at))
		c.alarms = slices.DeleteFunc(c.alarms, func(a *alarm) bool { return a == next })
		next.f()
	}
}

// interpret runs a command until a limit of time, in a bubble. Signals are sent at their times.
func interpret(command *mesos.CommandInfo, limit time.Duration, signals map[time.Duration]string) ran {
	start := time.Now()
	r := ran{box: NewSandbox(command)}
	var c clock
	p := Start(command, Options{Sandbox: r.box, After: c.after, Ended: func(x Exit) { r.exit, r.after, r.ended = x, time.Since(start), true }})
	for at, name := range signals {
		c.after(at, func() { p.Signal(name) })
	}
	c.run(start.Add(limit), func() bool { return r.ended })
	return r
}

func TestPrograms(t *testing.T) {
	shell := func(text string) *mesos.CommandInfo { return &mesos.CommandInfo{Value: &text} }
	direct := func(value string, args ...string) *mesos.CommandInfo {
		return &mesos.CommandInfo{Shell: new(bool), Value: &value, Arguments: args}
	}
	withEnvironment := func(name, value, text string) *mesos.CommandInfo {
		c := shell(text)
		c.Environment = &mesos.Environment{Variables: []mesos.Environment_Variable{{Name: name, Value: &value}}}
		return c
	}
	for _, test := range []struct {
		name    string
		command *mesos.CommandInfo
		signals map[time.Duration]string
		want    string // empty: it runs for more than an hour
		after   time.Duration
	}{
		{"true", shell("true"), nil, "exited with status 0", 0},
		{"false", shell("false"), nil, "exited with status 1", 0},
		{"the last status counts", shell("false; true"), nil, "exited with status 0", 0},
		{"and", shell("false && exit 3"), nil, "exited with status 1", 0},
		{"or", shell("false || exit 3"), nil, "exited with status 3", 0},
		{"sleep", shell("sleep 1.5; exit 4"), nil, "exited with status 4", 1500 * time.Millisecond},
		{"sleep without an operand", shell("sleep"), nil, "exited with status 1", 0},
		{"a script with an error", shell("exit 3; if then"), nil, "exited with status 2", 0},
		{"negation", shell("! true || exit 3; ! false && exit 4"), nil, "exited with status 3", 0},
		{"set -e ends at the first failure", shell("set -e; if false; then exit 3; fi; false || true; false; exit 4"), nil, "exited with status 1", 0},
		{"exit ends only its subshell", shell("(exit 3) || exit 4"), nil, "exited with status 4", 0},
		{"exit ends only the shell that it is in", shell("sh -c 'exit 3'; test $? = 3"), nil, "exited with status 0", 0},
		{"exit takes no negative number", shell("exit -1"), nil, "exited with status 2", 0},
		{"env runs a command", direct("/usr/bin/env", "env", "A=5", "sh", "-c", "exit $A"), nil, "exited with status 5", 0},
		{"output of echo", shell("test $(echo x) = x"), nil, "exited with status 0", 0},
		{"sleep with units", shell("sleep 1m 1s"), nil, "exited with status 0", 61 * time.Second},
		{"sleep infinity", shell("sleep infinity"), nil, "", 0},
		{"not found", shell("nosuchcommand"), nil, "exited with status 127", 0},
		{"arguments", direct("/bin/sh", "sh", "-c", "exit 7"), nil, "exited with status 7", 0},
		{"program without a shell", direct("/bin/sleep", "sleep", "2"), nil, "exited with status 0", 2 * time.Second},
		{"exec fails", direct("/nosuch/binary"), nil, "exited with status 1", 0},
		{"suicide", shell("kill -SEGV $$"), nil, "terminated with signal Segmentation fault", 0},
		{"suicide by number", shell("kill -9 $$"), nil, "terminated with signal Killed", 0},
		{"environment", withEnvironment("A", "b", `test "$A" = b && exit 0; exit 1`), nil, "exited with status 0", 0},
		{"a variable in single quotes stays", withEnvironment("A", "b", `test '$A' = b`), nil, "exited with status 1", 0},
		{"a single quote in double quotes", shell(`A=x; test "it's $A" = "it's x"`), nil, "exited with status 0", 0},
		{"loop with arithmetic", shell(`i=0; while [ $i -lt 40 ]; do echo "line $i"; i=$((i+1)); sleep 0.1; done; exit $i`), nil,
			"exited with status 40", 4 * time.Second},
		{"until", shell("sleep 1; touch x; until test -e x; do sleep 1; done"), nil, "exited with status 0", time.Second},
		{"for", shell("for i in 1 2 3; do sleep $i; done; exit $i"), nil, "exited with status 3", 6 * time.Second},
		{"tools by their path", shell("/bin/sleep 1; /usr/bin/true"), nil, "exited with status 0", time.Second},
		{"if", shell("if test -e x; then exit 1; elif true; then exit 2; else exit 3; fi"), nil, "exited with status 2", 0},
		{"redirection makes a file", shell("mkdir data; echo x > data/f; test -e data/f"), nil, "exited with status 0", 0},
		{"to stderr is no file", shell("echo hello; sleep 1; echo err >&2"), nil, "exited with status 0", time.Second},
		{"exec", shell("exec sleep 1; exit 9"), nil, "exited with status 0", time.Second},
		{"group", shell("{ sleep 1; false; } || exit 5"), nil, "exited with status 5", time.Second},
		{"busy for ever", shell("while true; do x=1; done"), nil, "", 0},
		{"busy for ever with sleeps of no time", shell("while true; do x=1; sleep 0; done"), nil, "", 0},
		{"a sleep too short to notice", shell("while test ! -e x; do sleep 0.0000001; touch x; done"), nil, "exited with status 0", time.Millisecond},
		{"comment", shell("exit 3 # exit 4"), nil, "exited with status 3", 0},
		{"SIGTERM", shell("sleep 600"), map[time.Duration]string{time.Second: "TERM"}, "terminated with signal Terminated", time.Second},
		{"trap that exits", shell(`trap "exit 6" TERM; while true; do sleep 0.2; done`), map[time.Duration]string{time.Second: "TERM"},
			"exited with status 6", time.Second},
		{"trap that ignores", shell(`trap '' TERM; sleep 3`), map[time.Duration]string{time.Second: "TERM"}, "exited with status 0", 3 * time.Second},
		{"the child of a trap dies and the script goes on", shell(`trap "echo got TERM" TERM; sleep 600; sleep 1`),
			map[time.Duration]string{time.Second: "TERM"}, "exited with status 0", 2 * time.Second},
		{"SIGKILL cannot be trapped", shell(`trap "" TERM KILL; while true; do sleep 0.2; done`),
			map[time.Duration]string{time.Second: "TERM", 2 * time.Second: "KILL"}, "terminated with signal Killed", 2 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := interpret(test.command, time.Hour, test.signals)
				require.Equal(t, test.want != "", r.ended)
				if r.ended {
					require.Equal(t, test.want, r.exit.String())
					require.Equal(t, test.after, r.after)
				}
			})
		})
	}
}

// No script makes the interpreter panic or loop: at any instant it comes to an end, or
// to a wait.
func FuzzScript(f *testing.F) {
	for _, script := range []string{
		"echo hello; sleep 1; echo err >&2", `trap "exit 0" TERM; while true; do sleep 0.2; done`, "kill -SEGV $$",
		`i=0; while [ $i -lt 40 ]; do echo "line $i"; i=$((i+1)); done`, "for i in 1 2; do x; done", "for;do", "if a; then b; elif c; then d; fi",
		"echo a >b 2>&1 >>c; { x | y; } 2>/dev/null", "printf '%s\\n%%' x; printf %", "python3 -c 'import time; s.bind((\"\", 80)); s.listen(); time.sleep(1)'",
		"( { a; } || b ) && ) done fi", `"'\`, "$(a ${b:-c} $((1+x-2)))", "trap 'kill -TERM $$' TERM; kill $$",
	} {
		f.Add(script)
	}
	f.Fuzz(func(t *testing.T, script string) {
		synctest.Test(t, func(t *testing.T) {
			var c clock
			command := &mesos.CommandInfo{Value: &script}
			p := Start(command, Options{Sandbox: NewSandbox(command), After: c.after, Ended: func(Exit) {}})
			c.run(time.Now().Add(20*time.Second), func() bool { return false })
			p.Signal("TERM")
			p.Signal("KILL")
			require.True(t, p.over)
		})
	})
}
