package archtest

import (
	"go/ast"
	"go/types"
	"path"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// invokerParts are the packages of the machine of package invoker.
var invokerParts = []string{
	"invoker", "invoker/internal/breaker", "invoker/internal/keepalive", "invoker/internal/stemsize", "invoker/internal/victims",
}

// invokerEntryPoints are the functions of package invoker through which a machine is made and used. Only step changes it.
var invokerEntryPoints = []string{
	"newMachine", "machine.step", "machine.deadline", "machine.infos", "machine.agentInfos", "machine.stats", "machine.explain", "machine.session", "machine.heldBy", "machine.epoch", "machine.inOrder",
}

// theInvoker is package invoker and the parts of its machine that are packages.
func theInvoker(t *testing.T) *program {
	fset, folders := sources(t, "../..", false)
	files := map[string][]*ast.File{}
	for folder, all := range folders {
		if slices.Contains(invokerParts, folder) {
			files[path.Join(module, folder)] = all
		}
	}
	require.Len(t, files, len(invokerParts))
	return check(fset, files)
}

// invokerReach is what is reached from the entry points of the machine of package invoker.
func invokerReach(t *testing.T, p *program) *reach {
	var roots []types.Object
	for _, name := range invokerEntryPoints {
		o := p.named(module+"/invoker", name)
		require.NotNil(t, o, name)
		roots = append(roots, o)
	}
	return p.reachable(roots...)
}

func TestInvokerMachineIsPure(t *testing.T) {
	r := invokerReach(t, theInvoker(t))
	require.Empty(t, r.impurities())
	for _, name := range []string{"machine.settle", "machine.emit", "machine.review", "priority.put"} {
		require.True(t, r.has("invoker", name), "%s is not reached", name)
	}
	for _, name := range []string{"breaker/Breaker.Failed", "keepalive/Histogram.Add", "stemsize/Demand.Want", "victims/Index.Choose"} {
		require.True(t, r.has("invoker/internal/"+path.Dir(name), path.Base(name)), "%s is not reached", name)
	}
	for _, name := range []string{"Invoker", "Lease", "pool"} {
		require.False(t, r.has("invoker", name), "%s is reached", name)
	}
}

func TestImpureInvokerMachineIsFound(t *testing.T) {
	r := invokerReach(t, synthetic(t, map[string]string{"invoker/machine.go": `package invoker
import "time"
type machine struct{}
func newMachine() *machine { return nil }
func (m *machine) step() { m.late() }
func (m *machine) late() { _ = time.Now() }
func (m *machine) deadline() {}
func (m *machine) infos() {}
func (m *machine) agentInfos() {}
func (m *machine) stats() {}
func (m *machine) explain() { go m.late() }
func (m *machine) session() {}
func (m *machine) heldBy() {}
func (m *machine) epoch() {}
func (m *machine) inOrder() {}
`}))
	require.Len(t, r.impurities(), 2)
}
