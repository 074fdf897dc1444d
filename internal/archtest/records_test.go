package archtest

import (
	"go/ast"
	"go/token"
	"go/types"
	"testing"

	"github.com/stretchr/testify/require"
)

// theRecords are the types whose values snapshots of all tasks share with the machine, see entry.edit.
func (p *program) theRecords() map[*types.TypeName]bool {
	found := map[*types.TypeName]bool{}
	for _, name := range [...]string{"Task", "Info"} {
		if o, ok := p.named(schedulerPackage+"/internal/record", name).(*types.TypeName); ok {
			found[o] = true
		}
	}
	return found
}

// strayEdits returns where package scheduler changes a field of a record that entry.edit has not returned: by what counts as a
// change for writes, or by a method of a field with a pointer receiver. A local variable that is a copy may be changed.
func (p *program) strayEdits() []breach {
	records := p.theRecords()
	var found []breach
	for _, file := range p.files[schedulerPackage] {
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			edited := map[types.Object]bool{} // variables that have what edit has returned
			ast.Inspect(f, func(n ast.Node) bool {
				if a, ok := n.(*ast.AssignStmt); ok && len(a.Lhs) == len(a.Rhs) {
					for i, to := range a.Lhs {
						if id, ok := to.(*ast.Ident); ok && p.info.Defs[id] != nil && p.fromEdit(a.Rhs[i], edited) {
							edited[p.info.Defs[id]] = true
						}
					}
				}
				for _, e := range append(written(p.info, n), p.called(n)...) {
					if p.fromEdit(e, edited) {
						continue
					}
					for _, w := range p.writesTo(e, records, title(p.info.Defs[f.Name])) {
						what := w.in + " changes " + title(w.of) + "." + w.field
						found = append(found, breach{what: what, text: w.at + ": " + what})
					}
				}
				return true
			})
		}
	}
	return found
}

// called returns what a method changes that is called: the value that its pointer receiver points to.
func (p *program) called(n ast.Node) []ast.Expr {
	call, ok := n.(*ast.CallExpr)
	if !ok {
		return nil
	}
	s, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || p.info.Selections[s] == nil || p.info.Selections[s].Kind() != types.MethodVal {
		return nil
	}
	f, ok := p.info.Selections[s].Obj().(*types.Func)
	if !ok {
		return nil
	}
	_, byPointer := f.Signature().Recv().Type().(*types.Pointer)
	_, isPointer := p.info.TypeOf(s.X).(*types.Pointer)
	if !byPointer || isPointer {
		return nil
	}
	return []ast.Expr{s.X}
}

// fromEdit reports whether an expression is what entry.edit has returned, or a part of that.
func (p *program) fromEdit(e ast.Expr, edited map[types.Object]bool) bool {
	for {
		switch x := ast.Unparen(e).(type) {
		case *ast.SelectorExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.SliceExpr:
			e = x.X
		case *ast.StarExpr:
			e = x.X
		case *ast.UnaryExpr:
			if x.Op != token.AND {
				return false
			}
			e = x.X
		case *ast.Ident:
			return edited[p.info.Uses[x]]
		case *ast.CallExpr:
			s, ok := x.Fun.(*ast.SelectorExpr)
			return ok && p.info.Uses[s.Sel] != nil && p.info.Uses[s.Sel] == p.named(schedulerPackage, "entry.edit")
		default:
			return false
		}
	}
}

func TestRecordsAreChangedByEditOnly(t *testing.T) {
	require.Empty(t, excepted(theScheduler(t).strayEdits(), nil))
}

// TestStrayEditsControl has each way to change a record.
func TestStrayEditsControl(t *testing.T) {
	edits := func(source string) []string {
		var all []string
		for _, b := range synthetic(t, map[string]string{
			"scheduler/internal/record/record.go": `package record
				type Task struct { Info Info; Lost int; UUIDs UUIDs }
				type Info struct { State int; IPs []string }
				func (i *Info) SetStatus() {}
				func (i Info) Status() int { return 1 }
				type UUIDs [4]uint64
				func (u *UUIDs) Seen() bool { return true }
				func (u UUIDs) Len() int { return 4 }`,
			"scheduler/entry.go": `package scheduler
				import "` + module + `/scheduler/internal/record"
				type entry struct { *record.Task; own int }
				func (e *entry) edit() *record.Task { return e.Task }
				func other() *record.Task { return nil }
				` + source,
		}).strayEdits() {
			all = append(all, b.what)
		}
		return all
	}
	for source, want := range map[string]string{
		"func f(e *entry) { e.Lost = 1 }":                                       "f changes record.Task.Lost",
		"func f(e *entry) { e.Lost++ }":                                         "f changes record.Task.Lost",
		"func f(e *entry) { e.Task.Lost = 1 }":                                  "f changes record.Task.Lost",
		"func f(e *entry) { e.Info.State = 1 }":                                 "f changes record.Info.State",
		"func f(e *entry) { e.Info.IPs[0] = \"\" }":                             "f changes record.Info.IPs",
		"func f(e *entry) { t := e.Task; t.Lost = 1 }":                          "f changes record.Task.Lost",
		"func f(e *entry) { i := &e.Info; i.State = 1 }":                        "f changes record.Info.State",
		"func f(e *entry) { other().Lost = 1 }":                                 "f changes record.Task.Lost",
		"func f(e *entry) { e.Info.SetStatus() }":                               "f changes record.Task.Info",
		"func f(e *entry) { e.UUIDs.Seen() }":                                   "f changes record.Task.UUIDs",
		"func f(e *entry) { n := &e.Lost; *n = 1 }":                             "f changes record.Task.Lost",
		"func f(e, o *entry) { t := e.edit(); t.Lost = 1; o.Lost = 2 }":         "f changes record.Task.Lost",
		"func (e *entry) f() { *e.Task = record.Task{} }":                       "entry.f changes record.Task.",
		"func f(all []*entry) { for _, all[0].Lost = range []int{1} {} }":       "f changes record.Task.Lost",
		"func f(e *entry) { func() { e.Info.State, e.own = 1, 1 }() }":          "f changes record.Info.State",
		"func f(e *entry) { e.edit(); e.Lost = 1 }":                             "f changes record.Task.Lost",
		"func g(e *entry) { t := e.edit(); t.Lost = 1; u := e.Task; u.Lost++ }": "g changes record.Task.Lost",
	} {
		require.Equal(t, []string{want}, edits(source), source)
	}
	require.Empty(t, edits(`
		func f(e *entry) { e.edit().Lost = 1; e.edit().Info.State++; t := e.edit(); t.Info.State, t.Lost = 1, 1; i := &e.edit().Info; i.State = 1 }
		func g(e *entry) bool { c := *e.Task; c.Lost = 1; c.UUIDs.Seen(); e.own = 1; _, _ = e.UUIDs.Len(), e.Info.Status(); return e.edit().UUIDs.Seen() && t.Lost == 1 }`))
}
