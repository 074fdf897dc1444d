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

// graph says for each type, or file, which others it needs.
type graph[T comparable] map[T]map[T]bool

// partGraph returns which of the types that the machine's state is made of need which others: in their fields, and in the
// parameters, results and bodies of their methods. The machine itself, which needs them all, is not there, nor are settings.
func (p *program) partGraph() graph[*types.TypeName] {
	g := graph[*types.TypeName]{}
	for part := range p.state(schedulerPackage, "machine", "settings") {
		if part.Name() != "machine" {
			g[part] = map[*types.TypeName]bool{}
		}
	}
	for part, needs := range g {
		need := func(other *types.TypeName) {
			if g[other] != nil && other != part {
				needs[other] = true
			}
		}
		inspect := func(o types.Object) {
			ast.Inspect(p.decls[o], func(n ast.Node) bool {
				if e, ok := n.(ast.Expr); ok {
					if t := p.info.TypeOf(e); t != nil {
						contained(t, need)
					}
				}
				return true
			})
		}
		inspect(part)
		if t, ok := part.Type().(*types.Named); ok {
			for m := range t.Methods() {
				inspect(m)
			}
		}
	}
	return g
}

// reaches reports whether a way leads from one to another.
func (g graph[T]) reaches(from, to T) bool {
	seen := map[T]bool{}
	var walk func(T) bool
	walk = func(at T) bool {
		for next := range g[at] {
			if next == to {
				return true
			}
			if !seen[next] {
				seen[next] = true
				if walk(next) {
					return true
				}
			}
		}
		return false
	}
	return walk(from)
}

// circles returns the types that need each other and are in different files: those of one file are one thing.
func (p *program) circles() []string {
	g := p.partGraph()
	var found []string
	for a := range g {
		for b := range g {
			if p.fileOf[a] < p.fileOf[b] && g.reaches(a, b) && g.reaches(b, a) {
				found = append(found, a.Name()+" of "+p.fileOf[a]+" and "+b.Name()+" of "+p.fileOf[b])
			}
		}
	}
	slices.Sort(found)
	return found
}

// fileGraph returns which of the machine's files mention methods of the machine that are in which others.
func (p *program) fileGraph() graph[string] {
	machine := p.named(schedulerPackage, "machine")
	g := graph[string]{}
	for _, file := range p.files[schedulerPackage] {
		name, _ := p.at(file)
		base := path.Base(name)
		if !isMachineFile(base) {
			continue
		}
		g[base] = map[string]bool{}
		ast.Inspect(file, func(n ast.Node) bool {
			id, ok := n.(*ast.Ident)
			if !ok {
				return true
			}
			if f, ok := p.info.Uses[id].(*types.Func); ok {
				if r := f.Signature().Recv(); r != nil && namedOf(r.Type()) != nil && namedOf(r.Type()).Obj() == machine && p.fileOf[f] != base {
					g[base][p.fileOf[f]] = true
				}
			}
			return true
		})
	}
	return g
}

// circle returns the files that call one another.
func (g graph[T]) circle() []T {
	var found []T
	for at := range g {
		if g.reaches(at, at) {
			found = append(found, at)
		}
	}
	return found
}

// lines describes a graph of types, one line for each that needs others.
func lines(g graph[*types.TypeName]) []string {
	var lines []string
	for part, needs := range g {
		var names []string
		for other := range needs {
			names = append(names, other.Name())
		}
		if slices.Sort(names); len(names) > 0 {
			lines = append(lines, part.Name()+" → "+strings.Join(names, ", "))
		}
	}
	slices.Sort(lines)
	return lines
}

func TestPartsHaveNoCircle(t *testing.T) {
	p := theScheduler(t)
	g := p.partGraph()
	for _, line := range lines(g) {
		t.Log(line)
	}
	for _, part := range []string{"census", "backlog", "pool", "registry", "storage", "reconciliation", "timers", "connection"} {
		require.Contains(t, g, p.named(schedulerPackage, part))
	}
	require.Empty(t, p.circles())
}

func TestMachineFilesHaveNoCircle(t *testing.T) {
	g := theScheduler(t).fileGraph()
	require.Contains(t, g, "machine_emit.go")
	require.Empty(t, g.circle())
}
