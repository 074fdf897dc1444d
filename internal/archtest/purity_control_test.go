package archtest

import (
	"go/types"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// impureMachine is a machine whose entry points are pure themselves, and the rest of it, of which each test adds one
// function f that is called, and what it needs.
const impureMachine = `package scheduler
	type machine struct{ part part }
	type part struct{ n int }
	func newMachine() *machine { return &machine{} }
	func (m *machine) step() { m.part.inner() }
	func (m *machine) deadline() {}
	func (m *machine) due() {}
	func (m *machine) restore() {}
	func (m *machine) explain() {}
	func (p *part) inner() { f(p) }
`

// impure returns what is found in the machine with the declarations of another file.
func impure(t *testing.T, sources map[string]string) []string {
	sources["scheduler/machine.go"] = impureMachine
	var found []string
	for _, b := range machineReach(t, synthetic(t, sources)).impurities() {
		found = append(found, b.text)
	}
	slices.Sort(found)
	return found
}

// TestMachineIsPureControl is the negative test of impurities: each way to be impure, in a file that says nothing of the
// machine.
func TestMachineIsPureControl(t *testing.T) {
	const chain = "(machine.step → part.inner → f)"
	for source, want := range map[string]string{
		"func f(p *part) { go f(nil) }":                                                                     "f starts a goroutine",
		"func f(p *part) { defer func() { go f(nil) }() }":                                                  "f starts a goroutine",
		"func f(p *part) { _ = make(chan int) }":                                                            "f uses a channel",
		"func f(p *part) { select {} }":                                                                     "f uses a channel",
		"func f(p *part) { println(1) }":                                                                    "f prints",
		"import \"time\"\nfunc f(p *part) { _ = time.Now() }":                                               "f uses time.Now",
		"import \"time\"\nfunc f(p *part) { now := time.Now; now() }":                                       "f uses time.Now",
		"import t \"time\"\nfunc f(p *part) { _ = t.After(1) }":                                             "f uses time.After",
		"import \"log/slog\"\nfunc f(p *part) { slog.Info(\"\") }":                                          "f uses log/slog.Info",
		"import \"fmt\"\nfunc f(p *part) { fmt.Println() }":                                                 "f uses fmt.Println",
		"import \"os\"\nfunc f(p *part) { func() { os.Exit(1) }() }":                                        "f uses os.Exit",
		"import \"reflect\"\nfunc f(p *part) { reflect.ValueOf(p) }":                                        "f uses reflect.ValueOf",
		"import \"context\"\nfunc f(p *part, ctx context.Context) {}":                                       "f uses context.Context",
		"import \"math/rand\"\nfunc f(p *part) { _ = rand.Int() }":                                          "f uses math/rand.Int",
		"import \"github.com/mesos-actor/mesos-actor-go/taskmatcher\"\nfunc f(p *part) { taskmatcher.X() }": "f uses " + module + "/taskmatcher.X",
		"var n int\nfunc f(p *part) { p.n = n }":                                                            "f depends on the variable n",
		"import \"errors\"\nvar err = errors.New(\"\")\nfunc f(p *part) { err = nil }":                      "f changes the variable err",
		"func f(p *part)": "f has no body",
	} {
		found := impure(t, map[string]string{"scheduler/other.go": "package scheduler\n" + source})
		require.Len(t, found, 1, source)
		require.Regexp(t, `^scheduler/other\.go:[234]: `, found[0])
		require.Contains(t, found[0], ": "+want+" "+chain)
	}
}

// TestMachineReachControl has what is impure far away: behind a type, an interface, a function value, a variable, a generic
// function of the standard library, or a value of which nothing is known.
func TestMachineReachControl(t *testing.T) {
	for source, want := range map[string]string{
		"type x struct{ mu sync.Mutex }\nfunc f(p *part) { _ = x{} }":                                                                                        "x uses sync.Mutex (machine.step → part.inner → f → x)",
		"type x struct{}\nfunc (x) String() string { sync.Go(); return \"\" }\nfunc f(p *part) { var s any = x{} }":                                          "x.String uses sync.Go (machine.step → part.inner → f → x → x.String)",
		"type x struct{}\nfunc (x) g() { sync.Go() }\nfunc f(p *part) { var i interface{ g() } = x{}; i.g() }":                                               "f → x → x.g)",
		"func g() { sync.Go() }\nfunc f(p *part) { h := g; _ = h }":                                                                                          "f → g)",
		"func g() int { sync.Go(); return 1 }\nvar err = fmt.Errorf(\"%d\", g())\nfunc f(p *part) { _ = err }":                                               "f → err → g)",
		"type x struct{}\nfunc (x) g() { sync.Go() }\nfunc all() []x { return nil }\nfunc f(p *part) { for y := range slices.Chunk(all(), 2) { y[0].g() } }": "f → x.g)",
		"type x struct{}\nfunc (x) g() { sync.Go() }\nfunc f(p *part) { sync.X().g() }":                                                                      "f → x.g)",
		"func g[T any](T) { sync.Go() }\nfunc f(p *part) { g(1) }":                                                                                           "f → g)",
	} {
		found := impure(t, map[string]string{
			"scheduler/other.go": "package scheduler\nimport (\"fmt\"; \"slices\"; \"sync\")\n" + source,
		})
		require.True(t, slices.ContainsFunc(found, func(s string) bool { return strings.Contains(s, want) && strings.Contains(s, "uses sync.") }), "%s: %v", source, found)
	}
	// The results of generic functions have types.
	require.Equal(t, []string{"scheduler/other.go:5: x.g uses sync.Go (machine.step → part.inner → f → x.g)"}, impure(t, map[string]string{
		"scheduler/other.go": `package scheduler
		import ("maps"; "slices"; "sync")
		type x struct{}
		type y struct{}
		func (x) g() { sync.Go() }
		func (y) g() { sync.Go() }
		func f(p *part) { for _, each := range slices.Collect(maps.Values(map[int]x{})) { each.g() } }`,
	}))
	// What is not reached may be anything.
	require.Empty(t, impure(t, map[string]string{"scheduler/other.go": `package scheduler
		import ("time"; "sync")
		type loop struct { mu sync.Mutex; m *machine; c chan int }
		func (l *loop) run() { go l.run(); l.m.step(); time.Now() }
		func f(p *part) {}`}))
}

// TestPureByFolderControl is the negative test of what is pure by folder, reached or not.
func TestPureByFolderControl(t *testing.T) {
	const other = "package scheduler\nimport \"github.com/mesos-actor/mesos-actor-go/scheduler/internal/record\"\nfunc f(p *part) { record.Reached() }"
	require.Equal(t, []string{
		"scheduler/internal/demand/x.go:2 imports sync, and its folder is pure",
	}, impure(t, map[string]string{"scheduler/other.go": "package scheduler\nfunc f(p *part) {}", "scheduler/internal/demand/x.go": "package demand\nimport _ \"sync\""}))
	require.Equal(t, []string{
		"scheduler/internal/demand/x.go:2: demand.unused starts a goroutine (demand.unused)",
		"scheduler/internal/record/x.go:2: record.Reached starts a goroutine (machine.step → part.inner → f → record.Reached)",
	}, impure(t, map[string]string{
		"scheduler/other.go":             other,
		"scheduler/internal/demand/x.go": "package demand\nfunc unused() { go unused() }",
		"scheduler/internal/record/x.go": "package record\nfunc Reached() { go Reached() }\nfunc Decode() { go Decode() }",
	}))
}

// TestExceptionsControl: an exception holds for one thing in one place, and must be needed.
func TestExceptionsControl(t *testing.T) {
	p := synthetic(t, map[string]string{"scheduler/errors.go": `package scheduler
		import "runtime/debug"
		func panicked() { debug.Stack(); debug.FreeOSMemory() }
		func other() { debug.Stack() }`})
	var roots []types.Object
	for _, name := range []string{"panicked", "other"} {
		roots = append(roots, p.named(module+"/scheduler", name))
	}
	require.Equal(t, []string{
		"scheduler/errors.go:3: panicked uses runtime/debug.FreeOSMemory (panicked)",
		"scheduler/errors.go:4: other uses runtime/debug.Stack (other)",
	}, excepted(p.reachable(roots...).impurities(), pureExceptions[:1]))
	require.Equal(t, []string{`no need for the exception "panicked uses runtime/debug.Stack" []`}, excepted(nil, pureExceptions[:1]))
	require.Equal(t, []string{"text", `no need for the exception "x.y" [a.go]`}, excepted(
		[]breach{{what: "x.y", files: []string{"a.go", "b.go"}, text: "text"}}, []exception{{what: "x.y", files: []string{"a.go"}}}))
}
