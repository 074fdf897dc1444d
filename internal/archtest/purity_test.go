package archtest

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// everything is that a package may be used as a whole.
const everything = "*"

// pure is what of each package the machine of package scheduler and its parts may use: nothing that starts, waits, locks,
// asks for the time, logs, draws random numbers, or reads and writes files. Among what is missing: context,
// log/slog, math/rand, net, os, runtime, sync.
var pure = map[string][]string{
	"bytes": {everything}, "cmp": {everything}, "errors": {everything}, "iter": {"Seq", "Seq2"}, "maps": {everything}, "slices": {everything}, "sort": {everything},
	"strconv": {everything}, "strings": {everything}, "regexp": {everything}, "path": {everything}, "unicode": {everything}, "unicode/utf8": {everything},
	"math": {everything}, "math/bits": {everything}, "container/heap": {everything}, "container/list": {everything}, "encoding/binary": {everything},
	"encoding/json": {"Marshal", "Unmarshal", "RawMessage"},
	"fmt": { // not what prints; Fprint writes only to what is given to it, which can be nothing outside
		"Append", "Errorf", "Fprint", "Fprintf", "Sprint", "Sprintf", "Sprintln", "Sscanf", "Stringer", "State", "Formatter", "GoStringer",
	},
	"reflect":       {"DeepEqual", "Value", "Struct", "Pointer", "Slice", "Map", "String", "Float64", "Bool", "Uint8"},
	"crypto/sha256": {"Sum256"},
	"time": { // types and constants, never the clock
		"Time", "Duration", "Nanosecond", "Microsecond", "Millisecond", "Second", "Minute", "Hour", "Unix", "ParseDuration", "UTC", "RFC3339", "RFC3339Nano",
	},
	mesosGo: {everything}, mesosGo + "/scheduler": {everything},
	module + "/invoker/internal/breaker": {everything}, module + "/invoker/internal/keepalive": {everything}, module + "/invoker/internal/stemsize": {everything}, module + "/invoker/internal/victims": {everything},
	module + "/scheduler": {everything}, module + "/task": {everything}, module + "/internal/taskclass": {everything}, module + "/internal/fenced": {everything}, module + "/internal/printable": {everything}, module + "/internal/mesosid": {everything}, module + "/internal/tokenbucket": {everything}, // what is used of them is checked itself
}

// pureExceptions are what is impure and allowed in one place.
var pureExceptions = []exception{{
	what:   "panicked uses runtime/debug.Stack",
	reason: "where the user's code panicked is known only while it does; the text goes into an error, and nothing is decided on it",
}, {
	what:   "record.Sum uses reflect.ValueOf",
	reason: "the value is a spec, which is only read; fields that are added to it later must count",
}, {
	what:   "record.Differences uses reflect.ValueOf",
	reason: "likewise, of two specs",
}}

// mayUse reports whether something of another package is pure.
func mayUse(pkg, name string) bool {
	allowed, known := pure[pkg]
	if strings.HasPrefix(pkg, module+"/scheduler/internal/") {
		return true // checked itself
	}
	return known && (slices.Contains(allowed, everything) || slices.Contains(allowed, name))
}

// entryPoints are the functions of package scheduler through which a machine is made and used.
var entryPoints = []string{"newMachine", "machine.step", "machine.deadline", "machine.due", "machine.restore", "machine.explain"}

// machineReach is what is reached from the machine's entry points, and all of the packages that are pure by folder.
func machineReach(t *testing.T, p *program) *reach {
	var roots []types.Object
	for _, name := range entryPoints {
		o := p.named(module+"/scheduler", name)
		require.NotNil(t, o, name)
		roots = append(roots, o)
	}
	return p.reachable(append(roots, p.pureFolders()...)...)
}

// pureFolders returns what is declared in packages that are pure by folder.
func (p *program) pureFolders() []types.Object {
	var all []types.Object
	for o := range p.decls {
		if pureByFolder(o.Pkg().Path()) {
			all = append(all, o)
		}
	}
	slices.SortFunc(all, byPosition)
	return all
}

// pureByFolder reports whether everything in a package must be pure, whether the machine uses it or not. Of package record
// only that: to decode what a store holds, which is done before there is a machine, may take goroutines.
func pureByFolder(pkg string) bool {
	if slices.ContainsFunc(invokerPure, func(folder string) bool { return pkg == path.Join(module, folder) }) {
		return true
	}
	below, found := strings.CutPrefix(pkg, module+"/scheduler/internal/")
	return found && below != "record"
}

// impurities returns what is reached and not pure.
func (r *reach) impurities() []breach {
	var all []breach
	for _, o := range r.order {
		all = append(all, r.impuritiesOf(o)...)
	}
	for pkg, files := range r.files {
		if pureByFolder(pkg) {
			for _, file := range files {
				all = append(all, r.impureImports(file)...)
			}
		}
	}
	return all
}

func (r *reach) impuritiesOf(o types.Object) []breach {
	var found []breach
	report := func(n ast.Node, what string) {
		file, line := r.at(n)
		what = title(o) + " " + what
		text := fmt.Sprintf("%s:%d: %s (%s)", file, line, what, r.chain(o))
		if !slices.ContainsFunc(found, func(b breach) bool { return b.text == text }) {
			found = append(found, breach{what: what, text: text})
		}
	}
	if f, ok := r.decls[o].(*ast.FuncDecl); ok && f.Body == nil {
		report(f, "has no body")
	}
	ast.Inspect(r.decls[o], func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			report(n, "starts a goroutine")
		case *ast.SelectStmt, *ast.SendStmt, *ast.ChanType:
			report(n, "uses a channel")
		case *ast.UnaryExpr:
			if n.Op == token.ARROW {
				report(n, "uses a channel")
			}
		case *ast.AssignStmt:
			for _, e := range n.Lhs {
				if id, ok := ast.Unparen(e).(*ast.Ident); ok && isGlobal(r.info.Uses[id]) {
					report(n, "changes the variable "+id.Name)
				}
			}
		case *ast.Ident:
			r.impureIdent(n, report)
		case *ast.SelectorExpr:
			if pkg, ok := r.packageOf(n); ok && !mayUse(pkg, n.Sel.Name) {
				report(n, "uses "+pkg+"."+n.Sel.Name)
			}
		}
		if e, ok := n.(ast.Expr); ok {
			if t := r.info.Types[e].Type; t != nil {
				if _, isChannel := t.Underlying().(*types.Chan); isChannel {
					report(n, "uses a channel")
				}
			}
		}
		return true
	})
	return found
}

// impureIdent reports what a name alone shows.
func (r *reach) impureIdent(id *ast.Ident, report func(ast.Node, string)) {
	switch o := r.info.Uses[id].(type) {
	case *types.Builtin:
		if o.Name() == "print" || o.Name() == "println" {
			report(id, "prints")
		}
	case *types.Var:
		if isGlobal(o) && !r.isSentinel(o) {
			report(id, "depends on the variable "+o.Name())
		}
	}
}

func isGlobal(o types.Object) bool {
	return o != nil && o.Pkg() != nil && o.Parent() == o.Pkg().Scope()
}

// isSentinel reports whether a variable is an error that was made by errors.New or fmt.Errorf.
func (p *program) isSentinel(v *types.Var) bool {
	spec, ok := p.decls[v].(*ast.ValueSpec)
	if !ok || len(spec.Values) != len(spec.Names) {
		return false
	}
	call, ok := spec.Values[slices.IndexFunc(spec.Names, func(id *ast.Ident) bool { return p.info.Defs[id] == v })].(*ast.CallExpr)
	if !ok {
		return false
	}
	made, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	pkg, _ := p.packageOf(made)
	return pkg == "errors" && made.Sel.Name == "New" || pkg == "fmt" && made.Sel.Name == "Errorf"
}

// packageOf returns the path of the package in a selector "package.Name", false for any other.
func (p *program) packageOf(s *ast.SelectorExpr) (string, bool) {
	id, ok := s.X.(*ast.Ident)
	if !ok {
		return "", false
	}
	name, ok := p.info.Uses[id].(*types.PkgName)
	if !ok {
		return "", false
	}
	return name.Imported().Path(), true
}

// impureImports returns the imports of a file of a package that is pure by folder of which nothing may be used, and those
// that would hide what is used.
func (p *program) impureImports(file *ast.File) []breach {
	var found []breach
	for _, spec := range file.Imports {
		name, _ := strconv.Unquote(spec.Path.Value)
		hidden := spec.Name != nil && (spec.Name.Name == "." || spec.Name.Name == "_")
		if pure[name] == nil && !strings.HasPrefix(name, module+"/scheduler/internal/") || hidden {
			at, line := p.at(spec)
			found = append(found, breach{what: at + " imports " + name, text: fmt.Sprintf("%s:%d imports %s, and its folder is pure", at, line, name)})
		}
	}
	return found
}

func TestMachineIsPure(t *testing.T) {
	r := machineReach(t, theScheduler(t))
	require.Empty(t, excepted(r.impurities(), pureExceptions))
	// What is looked at is not too little, and not so much that it would prove nothing.
	for _, name := range []string{
		"machine.handle", "machine.emit", "census.running", "census.recount", "combined", "Amounts.addResources", "timerHeap.Less",
		"TaskError.Error", "asFenced", "panicked", "launch.on", "errPodBroken", "describeCall",
	} {
		require.True(t, r.has("scheduler", name), "%s is not reached", name)
	}
	require.True(t, r.has("internal/taskclass", "AppendKey"))
	require.True(t, r.has("scheduler/internal/record", "UUIDs.Seen"))
	require.True(t, r.has("scheduler/internal/record", "sharePart"))
	require.False(t, r.has("scheduler/internal/record", "Decode"))
	for _, name := range []string{"Scheduler", "Config", "loop", "edges", "watchers", "load", "encodeChanges"} {
		require.False(t, r.has("scheduler", name), "%s is reached", name)
	}
}
