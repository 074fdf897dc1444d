package archtest

import (
	"fmt"
	"go/ast"
	"go/types"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const schedulerPackage = module + "/scheduler"

// machinePackage is a package with a machine, and the name of the list of what it wants done.
type machinePackage struct {
	path, emitted string
	entryPoints   []string
}

var (
	schedulerMachine = machinePackage{schedulerPackage, "actions", entryPoints}
	invokerMachine   = machinePackage{module + "/invoker", "commands", invokerEntryPoints}
)

// isMachineFile reports whether a file of such a package is the machine's own. The others have its parts, the loop and
// what users call.
func isMachineFile(base string) bool { return strings.HasPrefix(base, "machine") }

// sharedRecords are what the machine and its parts keep about a task together: each field has one file that writes it,
// which need not be the one that declares it. The parts proper write their own fields only.
var sharedRecords = map[string]string{"entry": "scheduler", "pod": "scheduler", "Task": "scheduler/internal/record", "Info": "scheduler/internal/record"}

// strayWrites returns the fields that are written in the wrong files: one of the machine in more than one file, or
// outside of its own; one of a shared record in more than one; one of a part in any but the part's; and settings
// anywhere, since only newMachine makes them.
func (p *program) strayWrites() []breach {
	watched := p.state(schedulerPackage, "machine")
	shared := map[*types.TypeName]bool{}
	for name, folder := range sharedRecords {
		if o, ok := p.named(path.Join(module, folder), name).(*types.TypeName); ok {
			watched[o], shared[o] = true, true
		}
	}
	var stray []breach
	for _, f := range p.writtenFields(schedulerPackage, watched) {
		if f.name == "machine.settings" || !mayWrite(f.of, f.files, p.fileOf[f.of], shared[f.of]) {
			stray = append(stray, breach{what: f.name, files: f.files, text: f.text})
		}
	}
	return stray
}

// writtenField is a field that is written somewhere.
type writtenField struct {
	of         *types.TypeName
	name, text string
	files      []string // in order
}

// writtenFields returns the fields of these types that a package writes, in the order of their names.
func (p *program) writtenFields(pkg string, of map[*types.TypeName]bool) []writtenField {
	writes := map[string][]write{}
	for _, w := range p.writes(pkg, of) {
		field := title(w.of) + "." + w.field
		writes[field] = append(writes[field], w)
	}
	var all []writtenField
	for _, name := range slices.Sorted(maps.Keys(writes)) {
		var files, places []string
		for _, w := range writes[name] {
			files, places = append(files, w.at), append(places, fmt.Sprintf("%s:%d in %s", w.at, w.line, w.in))
		}
		slices.Sort(files)
		owner := writes[name][0].of
		all = append(all, writtenField{
			of: owner, name: name, files: slices.Compact(files),
			text: fmt.Sprintf("%s, declared in %s, is written at %s", name, p.fileOf[owner], strings.Join(slices.Compact(places), ", ")),
		})
	}
	return all
}

// mayWrite reports whether these are the files that may write a field of a type.
func mayWrite(of *types.TypeName, files []string, declared string, shared bool) bool {
	switch {
	case of.Name() == "settings" || len(files) > 1:
		return false
	case of.Name() == "machine":
		return isMachineFile(files[0])
	}
	return shared || files[0] == declared
}

func TestEachFieldIsWrittenInOneFile(t *testing.T) {
	require.Empty(t, excepted(theScheduler(t).strayWrites(), nil))
}

// upward returns what the parts use that is declared in the machine's own files, first of all the machine itself. The
// parts are whatever is reached from the machine, and not in its files.
func (r *reach) upward(of machinePackage) []breach {
	var found []breach
	for _, o := range r.order {
		if o.Pkg().Path() != of.path || isMachineFile(r.fileOf[o]) {
			continue
		}
		ast.Inspect(r.decls[o], func(n ast.Node) bool {
			e, ok := n.(ast.Expr)
			if !ok {
				return true
			}
			use := func(used types.Object) {
				if f, ok := used.(*types.Func); ok {
					used = f.Origin()
				}
				if used != nil && isMachineFile(r.fileOf[used]) && used.Pkg().Path() == of.path {
					file, line := r.at(n)
					what := title(o) + " uses " + title(used)
					b := breach{what: what, text: fmt.Sprintf("%s:%d: %s of %s (%s)", file, line, what, r.fileOf[used], r.chain(o))}
					if !slices.ContainsFunc(found, func(f breach) bool { return f.what == what }) {
						found = append(found, b)
					}
				}
			}
			if id, ok := n.(*ast.Ident); ok {
				use(r.info.Uses[id])
			}
			if t := r.info.TypeOf(e); t != nil {
				contained(t, func(name *types.TypeName) { use(name) })
			}
			return true
		})
	}
	return found
}

func TestPartsDoNotSeeTheMachine(t *testing.T) {
	require.Empty(t, excepted(machineReach(t, theScheduler(t)).upward(schedulerMachine), nil))
	require.Empty(t, excepted(invokerReach(t, theInvoker(t)).upward(invokerMachine), nil))
}

// outsideUses returns what the files of a package that are not the machine's use of it, beyond its entry points and
// the reading of its fields: what it emits, and methods that may emit something.
func (p *program) outsideUses(of machinePackage) []breach {
	machine := p.named(of.path, "machine")
	var found []breach
	for _, file := range p.files[of.path] {
		name, _ := p.at(file)
		if isMachineFile(path.Base(name)) {
			continue
		}
		ast.Inspect(file, func(n ast.Node) bool {
			id, ok := n.(*ast.Ident)
			if !ok {
				return true
			}
			var what string
			switch o := p.info.Uses[id].(type) {
			case *types.Func:
				if r := o.Signature().Recv(); r == nil || namedOf(r.Type()) == nil || namedOf(r.Type()).Obj() != machine || slices.Contains(of.entryPoints, "machine."+o.Name()) {
					return true
				}
				what = title(o)
			case *types.Var:
				if p.owners[o] != machine || o.Name() != of.emitted {
					return true
				}
				what = "machine." + of.emitted
			default:
				return true
			}
			_, line := p.at(id)
			found = append(found, breach{what: path.Base(name) + " uses " + what, text: fmt.Sprintf("%s:%d uses %s", name, line, what)})
			return true
		})
	}
	return found
}

// emitters returns the functions that change the list of what the machine wants done.
func (p *program) emitters(of machinePackage) []string {
	machine := p.named(of.path, "machine").(*types.TypeName)
	var names []string
	for _, w := range p.writes(of.path, map[*types.TypeName]bool{machine: true}) {
		if w.field == of.emitted && !slices.Contains(names, w.in) {
			names = append(names, w.in)
		}
	}
	slices.Sort(names)
	return names
}

func TestOnlyTheMachineEmits(t *testing.T) {
	p := theScheduler(t)
	require.Equal(t, []string{"machine.beginStep", "machine.emit"}, p.emitters(schedulerMachine))
	require.Empty(t, excepted(p.outsideUses(schedulerMachine), nil))
	p = theInvoker(t)
	require.Equal(t, []string{"invoker.machine.emit", "invoker.machine.step"}, p.emitters(invokerMachine))
	require.Empty(t, excepted(p.outsideUses(invokerMachine), nil))
}
