package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// pureImports is everything that the machine of package scheduler and its parts may import. Among what is
// missing: context, log, math/rand, net, os, sync.
var pureImports = []string{
	"bytes", "cmp", "container/heap", "encoding/binary", "errors", "fmt", "iter", "maps", "math/bits", "reflect", "slices", "strings", "time",
	mesosGo, mesosGo + "/scheduler", module + "/task", module + "/scheduler/internal/demand", module + "/scheduler/internal/journal",
	module + "/scheduler/internal/record", module + "/scheduler/internal/mastertext", module + "/scheduler/internal/offerfilter",
}

// pureTime is what it may use of package time: the types and constants, never the clock.
var pureTime = []string{"Time", "Duration", "Nanosecond", "Microsecond", "Millisecond", "Second", "Minute", "Hour", "Unix"}

// impurities returns what a file of the machine contains that it must not.
func impurities(fset *token.FileSet, file *ast.File) []string {
	var bad []string
	report := func(n ast.Node, what string) {
		at := fset.Position(n.Pos())
		bad = append(bad, filepath.Base(at.Filename)+": "+what)
	}
	for _, spec := range file.Imports {
		if name := strings.Trim(spec.Path.Value, `"`); !slices.Contains(pureImports, name) {
			report(spec, "imports "+name)
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			report(n, "starts a goroutine")
		case *ast.ChanType:
			report(n, "has a channel")
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok && x.Name == "time" && !slices.Contains(pureTime, n.Sel.Name) {
				report(n, "uses time."+n.Sel.Name)
			}
		}
		return true
	})
	return bad
}

// mustBePure reports whether a file is the machine's, or of one of its parts: those have folders of their own.
func mustBePure(folder, name string) bool {
	if folder == "scheduler" {
		return strings.HasPrefix(name, "machine") || name == "input.go" || name == "action.go"
	}
	return strings.HasPrefix(folder, "scheduler/internal/")
}

func TestMachineIsPure(t *testing.T) {
	fset, folders := sources(t, "../..", false)
	checked := map[string]int{}
	for folder, files := range folders {
		for _, file := range files {
			if mustBePure(folder, filepath.Base(fset.Position(file.Pos()).Filename)) {
				checked[folder]++
				require.Empty(t, impurities(fset, file), "in %s", folder)
			}
		}
	}
	require.GreaterOrEqual(t, checked["scheduler"], 6, "files of the machine")
	require.NotZero(t, checked["scheduler/internal/demand"])
}

// TestMachineIsPureControl is the negative test of impurities.
func TestMachineIsPureControl(t *testing.T) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "machine.go", `package scheduler
		import ("sync"; "time")
		var mu sync.Mutex
		func f(c chan int, d time.Duration) { go f(nil, 0); _ = time.Now() }`, 0)
	require.NoError(t, err)
	require.Equal(t, []string{
		"machine.go: imports sync",
		"machine.go: has a channel",
		"machine.go: starts a goroutine",
		"machine.go: uses time.Now",
	}, impurities(fset, file))
	for name, pure := range map[string]bool{
		"scheduler/machine_x.go": true, "scheduler/action.go": true, "scheduler/internal/x/y.go": true, "scheduler/internal/x/z/y.go": true,
		"scheduler/loop.go": false, "internal/x/machine.go": false,
	} {
		require.Equal(t, pure, mustBePure(path.Dir(name), path.Base(name)), name)
	}
}
