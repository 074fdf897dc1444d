package archtest

import (
	"fmt"
	"go/ast"
	"go/types"
	"testing"

	"github.com/stretchr/testify/require"
)

// emittingRanges returns the loops over maps in which the machine may emit something: their order is random, and so would be that of
// what is emitted.
func (r *reach) emittingRanges(of machinePackage) []breach {
	emit := r.named(of.path, "machine.emit")
	var found []breach
	for _, o := range r.order {
		ast.Inspect(r.decls[o], func(n ast.Node) bool {
			loop, ok := n.(*ast.RangeStmt)
			if !ok || r.info.TypeOf(loop.X) == nil {
				return true
			}
			if _, overMap := r.info.TypeOf(loop.X).Underlying().(*types.Map); overMap && r.functions(loop.Body)[emit] {
				file, line := r.at(loop)
				what := title(o) + " emits in a loop over a map"
				found = append(found, breach{what: what, text: fmt.Sprintf("%s:%d: %s", file, line, what)})
			}
			return true
		})
	}
	return found
}

// functions returns the functions and methods that a piece of code mentions, and those that these mention.
func (p *program) functions(code ast.Node) map[types.Object]bool {
	found, next := map[types.Object]bool{}, []ast.Node{code}
	for len(next) > 0 {
		code, next = next[0], next[1:]
		ast.Inspect(code, func(n ast.Node) bool {
			id, ok := n.(*ast.Ident)
			if !ok {
				return true
			}
			if f, ok := p.info.Uses[id].(*types.Func); ok && !found[f.Origin()] && p.decls[f.Origin()] != nil {
				found[f.Origin()] = true
				next = append(next, p.decls[f.Origin()])
			}
			return true
		})
	}
	return found
}

func TestNothingIsEmittedInALoopOverAMap(t *testing.T) {
	require.Empty(t, excepted(machineReach(t, theScheduler(t)).emittingRanges(schedulerMachine), nil))
	require.Empty(t, excepted(invokerReach(t, theInvoker(t)).emittingRanges(invokerMachine), nil))
}

// TestEmittingRangesControl has one loop over a map that emits, by way of a method, and others that do not.
func TestEmittingRangesControl(t *testing.T) {
	p := synthetic(t, map[string]string{"invoker/machine.go": `package invoker
type machine struct{ m map[int]int; s []int }
func newMachine() *machine { return nil }
func (m *machine) emit() {}
func (m *machine) step() { for range m.m { m.tell() } }
func (m *machine) tell() { m.emit() }
func (m *machine) deadline() { for range m.s { m.tell() } }
func (m *machine) infos() { for range m.m { m.stats() }; m.emit() }
func (m *machine) agentInfos() {}
func (m *machine) stats() {}
func (m *machine) explain() {}
func (m *machine) session() {}
func (m *machine) heldBy() {}
func (m *machine) epoch() {}
func (m *machine) inOrder() {}
`})
	require.Equal(t, []string{"invoker/machine.go:5: invoker.machine.step emits in a loop over a map"}, excepted(invokerReach(t, p).emittingRanges(invokerMachine), nil))
}
