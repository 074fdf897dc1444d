package invoker

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// pureImports is what the machine and its parts may import: of the standard library, and below pureBelow.
var pureImports = []string{
	"cmp", "container/list", "errors", "fmt", "maps", "math", "slices", "strconv", "strings", "time",
	"breaker", "keepalive", "stemsize", "victims",
}

const pureBelow = "github.com/mesos-actor/mesos-actor-go/invoker/internal/"

// impurities returns what a file of the machine has that gives other answers to the same inputs, or waits, or starts something.
func impurities(t *testing.T, name string, source any) []string {
	files := token.NewFileSet()
	f, err := parser.ParseFile(files, name, source, 0)
	require.NoError(t, err)
	var found []string
	bad := func(n ast.Node, what string) {
		found = append(found, fmt.Sprintf("%s: %s", files.Position(n.Pos()), what))
	}
	for _, i := range f.Imports {
		if path, _ := strconv.Unquote(i.Path.Value); !slices.Contains(pureImports, strings.TrimPrefix(path, pureBelow)) {
			bad(i, "imports "+path)
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt, *ast.SelectStmt, *ast.ChanType, *ast.SendStmt:
			bad(n, fmt.Sprintf("%T", n))
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok && x.Name == "time" && slices.Contains([]string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "NewTimer", "NewTicker"}, n.Sel.Name) {
				bad(n, "uses time."+n.Sel.Name)
			}
		}
		return true
	})
	return found
}

func TestTheMachineOnlyDecides(t *testing.T) {
	names, err := filepath.Glob("machine*.go")
	require.NoError(t, err)
	names = slices.DeleteFunc(names, func(name string) bool { return strings.HasSuffix(name, "_test.go") })
	require.Greater(t, len(names), 10)
	for _, part := range []string{"breaker", "keepalive", "stemsize", "victims"} {
		more, err := filepath.Glob("internal/" + part + "/*.go")
		require.NoError(t, err)
		require.NotEmpty(t, more)
		names = append(names, slices.DeleteFunc(more, func(name string) bool { return strings.HasSuffix(name, "_test.go") })...)
	}
	for _, name := range append(names, "container.go", "waiting.go", "agents.go", "guard.go", "pause.go", "priority.go") {
		source, err := os.ReadFile(name)
		require.NoError(t, err)
		require.Empty(t, impurities(t, name, source))
	}
}

func TestAMachineThatDoesMoreThanDecideIsFound(t *testing.T) {
	require.Equal(t, []string{
		"m.go:2:8: imports sync", "m.go:3:29: uses time.Now", "m.go:4:14: *ast.GoStmt", "m.go:5:7: *ast.ChanType",
	}, impurities(t, "m.go", `package invoker
import "sync"
func a() time.Time { return time.Now() }
func b()   { go a() }
var c chan int`))
}

// TestTheSameInputsGiveTheSameCommands goes through everything that has to put many containers in an order.
func TestTheSameInputsGiveTheSameCommands(t *testing.T) {
	play := func() (all [][]command) {
		b := successor(t)
		var found listed
		for i := range 30 {
			id := fmt.Sprint("old-", i)
			in := left(id)
			in.Agent = fmt.Sprint("agent-", i%2)
			found.instances = append(found.instances, in)
			if i%3 > 0 {
				found.records = append(found.records, leftRecord(id))
			}
		}
		do := func(in input) { all = append(all, b.step(in)) }
		b.m.settings.Memory = 30 * 256
		do(found)
		do(opened{session: 7, ttl: 20 * time.Second})
		for i := range 30 {
			do(declared{session: 7, grants: []GrantID{grantID(fmt.Sprint("old-", i), 1)}})
			do(probed{id: fmt.Sprint("old-", i)})
		}
		for i := range 15 {
			do(acquire{ref: ref(i + 1), key: sized(fmt.Sprint(i), 512), timeout: time.Minute})
		}
		all = append(all, b.elapse(5*time.Minute))
		do(changed{Change{Agent: "agent-0", State: Unreachable}})
		do(changed{Change{State: Lagged}})
		do(listed{instances: []Instance{left("strange-1"), left("strange-2")}})
		do(changed{Change{Agent: "agent-1", State: Draining}})
		do(changed{Change{Agent: "agent-1", State: Gone}})
		return append(all, b.elapse(20*time.Minute))
	}
	first := play()
	for range 5 {
		require.Equal(t, first, play())
	}
}
