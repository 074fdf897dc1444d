package archtest

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// badMachine is a machine with three parts, and settings, of which each test adds a function that breaks a rule.
const badMachine = `package scheduler
	type machine struct { settings settings; part part; kept kept; named named; tasks map[string]*entry; actions []int; list []int }
	type settings struct { limit int }
`

const badParts = `package scheduler
	type part struct { n int; list []int; byName map[string]int; inner inner; all []inner }
	type inner struct { n int }
	type kept struct { part *part }
	type named map[string]int
	type entry struct { state int }
`

// stray returns the fields that a function in a file writes in the wrong place.
func stray(t *testing.T, file, source string) []string {
	var fields []string
	for _, b := range synthetic(t, map[string]string{
		"scheduler/machine.go": badMachine, "scheduler/part.go": badParts, "scheduler/" + file: "package scheduler\n" + source,
	}).strayWrites() {
		fields = append(fields, b.what)
	}
	return fields
}

// TestStrayWritesControl has each way to write a field from elsewhere.
func TestStrayWritesControl(t *testing.T) {
	for source, field := range map[string]string{
		"func (m *machine) f() { m.part.n = 1 }":                                  "part.n",
		"func (m *machine) f() { m.part.n, _ = 1, 2 }":                            "part.n",
		"func (m *machine) f() { m.part.n++ }":                                    "part.n",
		"func (m *machine) f() { (*m).part.n |= 1 }":                              "part.n",
		"func (m *machine) f() { p := &m.part; p.n = 1 }":                         "part.n",
		"func (m *machine) f() { n := &m.part.n; *n = 1 }":                        "part.n",
		"func (m *machine) f() { m.kept.part.n = 1 }":                             "part.n",
		"func (m *machine) f() { m.part.list = append(m.part.list, 1) }":          "part.list",
		"func (m *machine) f() { m.part.list[0] = 1 }":                            "part.list",
		"func (m *machine) f() { clear(m.part.list) }":                            "part.list",
		"func (m *machine) f() { copy(m.part.list[1:], m.part.list) }":            "part.list",
		"func (m *machine) f() { m.part.byName[\"\"]++ }":                         "part.byName",
		"func (m *machine) f() { delete(m.part.byName, \"\") }":                   "part.byName",
		"func (m *machine) f() { for m.part.n = range 3 {} }":                     "part.n",
		"func (m *machine) f() { func() { m.part.n = 1 }() }":                     "part.n",
		"func (m *machine) f() { m.part.inner = inner{} }":                        "part.inner",
		"func (m *machine) f() { m.part.inner.n = 1 }":                            "inner.n",
		"func (m *machine) f() { m.part.all[0].n = 1 }":                           "inner.n",
		"func (m *machine) f() { m.named[\"\"] = 1 }":                             "named.",
		"func f(n named) { clear(n) }":                                            "named.",
		"func f(p *part) { *p = part{} }":                                         "part.",
		"func f(ps []part) { ps[0].n = 1 }":                                       "part.n",
		"func g() *part { return nil }\nfunc f() { g().n = 1 }":                   "part.n",
		"func (m *machine) f() { m.settings.limit = 1 }":                          "settings.limit",
		"func (m *machine) f() { m.settings = settings{} }":                       "machine.settings",
		"type far struct{ mesos.Info }\nfunc (m *machine) f() { m.part.n.X = 1 }": "part.n",
	} {
		require.Equal(t, []string{field}, stray(t, "machine_x.go", source), source)
	}
	// Of the machine and of a shared record one file may write a field, of the machine it must be one of its own.
	require.Empty(t, stray(t, "machine_x.go", "func (m *machine) f() { m.list, m.tasks = nil, nil }\nfunc f(e *entry) { e.state = 1 }"))
	require.Equal(t, []string{"machine.list"}, stray(t, "loop.go", "func f(m *machine) { m.list = nil }"))
	two := synthetic(t, map[string]string{
		"scheduler/machine.go": badMachine + "func f(m *machine, e *entry) { m.list, e.state = nil, 1 }", "scheduler/part.go": badParts,
		"scheduler/machine_x.go": "package scheduler\nfunc g(m *machine, e *entry) { m.list, e.state = nil, 1 }",
	}).strayWrites()
	require.Len(t, two, 2)
	require.Equal(t, "entry.state, declared in part.go, is written at machine.go:4 in f, machine_x.go:2 in g", two[0].text)
	require.Equal(t, "machine.list, declared in machine.go, is written at machine.go:4 in f, machine_x.go:2 in g", two[1].text)
	// A value that is made, or a copy that is changed, is nobody's state.
	require.Empty(t, stray(t, "machine_x.go", `
		func newMachine(s settings) *machine { s.limit = 1; return &machine{settings: s, part: part{n: 1}} }
		func (m *machine) f() { p := m.part; p.n = 1; p.inner.n = 1; e := entry{state: 1}; e.state = 2 }`))
}

// TestUpwardControl has parts that see the machine, or what is in its files.
func TestUpwardControl(t *testing.T) {
	const root = "\nfunc newMachine() { f(nil) }\nfunc (m *machine) step() {}\nfunc (m *machine) deadline() {}\nfunc (m *machine) due() {}\n" +
		"func (m *machine) restore() {}\nfunc (m *machine) explain() {}\nfunc helper() any { return nil }\n"
	for source, want := range map[string]string{
		"func f(m *machine) {}":                       "f uses machine",
		"func f(p *part) { _ = func(m *machine) {} }": "f uses machine",
		"func f(p *part) { p.back() }\ntype holder struct{ m *machine }\nfunc (p *part) back() { _ = holder{} }": "holder uses machine",
		"func f(p *part) { helper() }": "f uses helper",
	} {
		found := machineReach(t, synthetic(t, map[string]string{
			"scheduler/machine.go": badMachine + root, "scheduler/part.go": badParts, "scheduler/x.go": "package scheduler\n" + source,
		})).upward(schedulerMachine)
		require.Len(t, found, 1, source)
		require.Equal(t, want, found[0].what)
		require.Regexp(t, `^scheduler/x\.go:\d: .* of machine\.go \(newMachine → f`, found[0].text)
	}
	// What is not reached, such as the loop, may have a machine.
	require.Empty(t, machineReach(t, synthetic(t, map[string]string{
		"scheduler/machine.go": badMachine + root, "scheduler/part.go": badParts,
		"scheduler/x.go": "package scheduler\nfunc f(p *part) {}\ntype loop struct{ m *machine }\nfunc (l *loop) run() { l.m.step() }",
	})).upward(schedulerMachine))
}

// TestEmittersControl has actions that others than the machine's files emit.
func TestEmittersControl(t *testing.T) {
	p := synthetic(t, map[string]string{
		"scheduler/machine.go": badMachine + "func (m *machine) emit() { m.actions = append(m.actions, 1) }\nfunc (m *machine) step() {}",
		"scheduler/part.go":    badParts,
		"scheduler/loop.go":    "package scheduler\nfunc f(m *machine) { m.step(); m.emit(); m.actions = nil; _ = m.part.n }\nfunc g(m *machine) { h := m.emit; h() }",
	})
	require.Equal(t, []string{"f", "machine.emit"}, p.emitters(schedulerMachine))
	require.Equal(t, []string{
		"scheduler/loop.go:2 uses machine.emit", "scheduler/loop.go:2 uses machine.actions", "scheduler/loop.go:3 uses machine.emit",
	}, excepted(p.outsideUses(schedulerMachine), nil))
}

// TestCirclesControl has parts that need each other: by a field, by a parameter, and by way of a third.
func TestCirclesControl(t *testing.T) {
	const root = "package scheduler\ntype machine struct { a a; b *b }\ntype settings struct{}\n"
	for source, want := range map[string][]string{
		"type b struct{ a *a }":                        {"a of a.go and b of b.go"},
		"type b struct{}\nfunc (b *b) f(x []*a) {}":    {"a of a.go and b of b.go"},
		"type b struct{}\nfunc (b *b) f() { _ = a{} }": {"a of a.go and b of b.go"},
		"type b struct{ c c }\ntype c struct{ a *a }":  {"a of a.go and b of b.go", "a of a.go and c of b.go"},
		"type b struct{ c *c }\ntype c struct{ b *b }": nil, // of one file
		"type b struct{ m *machine }":                  nil, // another test's concern
	} {
		require.Equal(t, want, synthetic(t, map[string]string{
			"scheduler/machine.go": root, "scheduler/a.go": "package scheduler\ntype a struct{ b map[string]*b }", "scheduler/b.go": "package scheduler\n" + source,
		}).circles(), source)
	}
}

// TestMachineFilesControl has files of the machine that call one another by way of a third.
func TestMachineFilesControl(t *testing.T) {
	found := synthetic(t, map[string]string{
		"scheduler/machine.go":   "package scheduler\ntype machine struct{}\nfunc (m *machine) step() { m.a() }",
		"scheduler/machine_a.go": "package scheduler\nfunc (m *machine) a() { h := m.b; h() }",
		"scheduler/machine_b.go": "package scheduler\nfunc (m *machine) b() { func() { m.c() }() }",
		"scheduler/machine_c.go": "package scheduler\nfunc (m *machine) c() { m.a(); m.d() }",
		"scheduler/machine_d.go": "package scheduler\nfunc (m *machine) d() { m.d() }",
	}).fileGraph().circle()
	slices.Sort(found)
	require.Equal(t, []string{"machine_a.go", "machine_b.go", "machine_c.go"}, found)
}
