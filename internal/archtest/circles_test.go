package archtest

import (
	"go/ast"
	"go/types"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// graph says for each type which others it needs.
type graph map[*types.TypeName]map[*types.TypeName]bool

// partGraph returns which of the types that the machine's state is made of need which others: in their fields, and in the
// parameters, results and bodies of their methods. The machine itself, which needs them all, is not there, nor are settings.
func (p *program) partGraph() graph {
	g := graph{}
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

// reaches reports whether a way leads from one type to another.
func (g graph) reaches(from, to *types.TypeName) bool {
	seen := map[*types.TypeName]bool{}
	var walk func(*types.TypeName) bool
	walk = func(at *types.TypeName) bool {
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

// lines describes a graph, one line for each type that needs others.
func (g graph) lines() []string {
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
	for _, line := range g.lines() {
		t.Log(line)
	}
	for _, part := range []string{"census", "backlog", "pool", "registry", "storage", "reconciliation", "timers", "connection"} {
		require.Contains(t, g, p.named(schedulerPackage, part))
	}
	require.Empty(t, p.circles())
}
