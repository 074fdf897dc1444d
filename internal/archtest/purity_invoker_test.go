package archtest

import (
	"go/ast"
	"go/types"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// invokerPure are the packages below invoker in which everything is pure: the parts of its machine, and what cuts logs.
var invokerPure = []string{
	"invoker/internal/breaker", "invoker/internal/keepalive", "invoker/internal/logslice", "invoker/internal/stemsize", "invoker/internal/victims",
}

// invokerEntryPoints are the functions of package invoker through which a machine is made and used. Only step changes it.
var invokerEntryPoints = []string{
	"newMachine", "machine.step", "machine.deadline", "machine.infos", "machine.agentInfos", "machine.stats", "machine.explain", "machine.session", "machine.heldBy", "machine.epoch", "machine.inOrder",
}

// theInvoker is package invoker and the packages below it that are pure.
func theInvoker(t *testing.T) *program {
	fset, folders := sources(t, "../..", false)
	files := map[string][]*ast.File{}
	for folder, all := range folders {
		if folder == "invoker" || slices.Contains(invokerPure, folder) {
			files[path.Join(module, folder)] = all
		}
	}
	require.Len(t, files, 1+len(invokerPure))
	return check(fset, files)
}

// invokerReach is what is reached from the entry points of the machine of package invoker, and all of the packages that are pure.
func invokerReach(t *testing.T, p *program) *reach {
	var roots []types.Object
	for _, name := range invokerEntryPoints {
		o := p.named(module+"/invoker", name)
		require.NotNil(t, o, name)
		roots = append(roots, o)
	}
	return p.reachable(append(roots, p.pureFolders()...)...)
}

func TestInvokerMachineIsPure(t *testing.T) {
	r := invokerReach(t, theInvoker(t))
	require.Empty(t, r.impurities())
	for _, name := range []string{"machine.settle", "machine.emit", "machine.review", "priority.put"} {
		require.True(t, r.has("invoker", name), "%s is not reached", name)
	}
	for _, name := range []string{"logslice/Cutter.Fail", "breaker/Breaker.Failed", "keepalive/Histogram.Add", "stemsize/Demand.Want", "victims/Index.Choose"} {
		require.True(t, r.has("invoker/internal/"+path.Dir(name), path.Base(name)), "%s is not reached", name)
	}
	for _, name := range []string{"Invoker", "Lease", "pool"} {
		require.False(t, r.has("invoker", name), "%s is reached", name)
	}
}

const impureInvoker = `package invoker
import "time"
type machine struct{}
func newMachine() *machine { return nil }
func (m *machine) step() { m.late() }
func (m *machine) late() { _ = time.Now() }
func (m *machine) deadline() {}
func (m *machine) infos() {}
func (m *machine) stats() {}
func (m *machine) explain() { go m.late() }
func (m *machine) session() {}
func (m *machine) heldBy() {}
func (m *machine) epoch() {}
func (m *machine) inOrder() {}
func (m *machine) agentInfos() {}
`

func TestImpureInvokerMachineIsFound(t *testing.T) {
	r := invokerReach(t, synthetic(t, map[string]string{"invoker/machine.go": impureInvoker}))
	require.Len(t, r.impurities(), 2)
}

// TestImpurePackagesOfTheInvokerControl has functions that the machine does not use, in packages where everything is pure.
func TestImpurePackagesOfTheInvokerControl(t *testing.T) {
	for source, want := range map[string]string{
		"import \"time\"\nfunc F() { _ = time.Now() }":    "uses time.Now",
		"func F() { go F() }":                             "starts a goroutine",
		"import \"os\"\nfunc F() { os.Exit(1) }":          "uses os.Exit",
		"import \"sync\"\ntype X struct{ mu sync.Mutex }": "uses sync.Mutex",
	} {
		found := invokerReach(t, synthetic(t, map[string]string{
			"invoker/machine.go": impureInvoker, "invoker/internal/logslice/x.go": "package logslice\n" + source,
		})).impurities()
		require.True(t, slices.ContainsFunc(found, func(b breach) bool {
			return strings.Contains(b.text, "logslice/x.go") && strings.Contains(b.text, want)
		}), "%v", found)
	}
}
