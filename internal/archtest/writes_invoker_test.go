package archtest

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// writtenByTransitions are the fields of the invoker's machine and of its records that several of its files write, since what happens to a
// container is spread over them by transitions: each says what its own makes of the field. All others are written in one file.
var writtenByTransitions = []string{
	"container.adopted", "container.failures", "container.initialised", "container.key", "container.limit", "container.reason",
	"container.recalled", "container.recorded", "container.resumeWanted", "container.slots", "container.state", "container.timer",
	"container.undeclared", "container.unreachable", "container.until", "container.used",
	"keyState.bound", "keyState.evicted", "keyState.keepFor", "keyState.timeout",
	"machine.addresses", "machine.containers", "machine.early", "machine.granted", "machine.grants", "machine.nextCheck",
	"machine.nextReview", "machine.resupply", "machine.serial", "machine.unsettled", "machine.used",
	"shapeState.containers", "shapeState.want",
}

// scatteredWrites returns the fields of the state of the invoker's machine that are written in more than one file, and those of the machine
// itself, or that transitions write, that are written outside of the machine's files. Its settings are no state.
func (p *program) scatteredWrites() []breach {
	var scattered []breach
	for _, f := range p.writtenFields(invokerMachine.path, p.state(invokerMachine.path, "machine", "settings")) {
		outside := slices.ContainsFunc(f.files, func(file string) bool { return !isMachineFile(file) })
		switch {
		case outside && (len(f.files) > 1 || f.of.Name() == "machine"):
			scattered = append(scattered, breach{what: f.name + " outside of the machine", text: f.text})
		case len(f.files) > 1:
			scattered = append(scattered, breach{what: f.name, text: f.text})
		}
	}
	return scattered
}

func TestEachFieldOfTheInvokersMachineIsWrittenInOneFile(t *testing.T) {
	var allowed []exception
	for _, field := range writtenByTransitions {
		allowed = append(allowed, exception{what: "invoker." + field})
	}
	require.Empty(t, excepted(theInvoker(t).scatteredWrites(), allowed))
}

// TestScatteredWritesControl has fields that are written in two files, and outside of the machine.
func TestScatteredWritesControl(t *testing.T) {
	const machine = "package invoker\ntype machine struct { settings settings; n int; part part }\ntype settings struct{ n int }\n" +
		"func (m *machine) f() { m.n = 1 }\n"
	const part = "package invoker\ntype part struct { n int }\nfunc (p *part) f() { p.n++ }\n"
	for source, want := range map[string][]string{
		"func (m *machine) g() { m.settings.n = 2 }": nil,
		"func (m *machine) g() { m.n = 2 }":          {"invoker.machine.n"},
		"func (m *machine) g() { m.part.n = 2 }":     {"invoker.part.n outside of the machine"},
	} {
		var found []string
		for _, b := range synthetic(t, map[string]string{
			"invoker/machine.go": machine, "invoker/part.go": part, "invoker/machine_x.go": "package invoker\n" + source,
		}).scatteredWrites() {
			found = append(found, b.what)
		}
		require.Equal(t, want, found, source)
	}
	require.Len(t, synthetic(t, map[string]string{
		"invoker/machine.go": "package invoker\ntype machine struct { n int }\n", "invoker/pool.go": "package invoker\nfunc f(m *machine) { m.n = 1 }",
	}).scatteredWrites(), 1, "by one file, which is not the machine's")
}
