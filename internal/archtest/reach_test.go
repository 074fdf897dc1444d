package archtest

import (
	"cmp"
	"go/ast"
	"go/types"
	"path"
	"slices"
	"strings"
)

// reach is which declarations of a program may be used when one of its roots is. It is found from the text alone, and
// errs on the side of too much:
//
//   - whatever a declaration mentions is reached: a function need not be called there, and a method that is
//     mentioned as a value counts;
//   - a function literal is a part of the function around it, whether it is called or not;
//   - a type that some expression has, or is made of, is reached with all of its methods: fmt, errors, container/heap and
//     every interface may call them;
//   - where the type of a value is not known, as it comes from another module, a method that is called on
//     it is any method of that name, but for those of Scheduler and Config: what has such a value mentions its type.
//
// What it cannot see: what a function value that comes from outside does (the policy for inverse offers, the source of
// random numbers), and what the methods of an interface do that is implemented outside (TaskMatcher, TaskBuilder, the
// errors of a store). Those belong to the user, and it ends there.
type reach struct {
	*program
	from  map[types.Object]types.Object // what was reached, and from where; nil: it is a root
	order []types.Object                // as they were reached
}

// reachable returns what is reached from some roots.
func (p *program) reachable(roots ...types.Object) *reach {
	r := &reach{program: p, from: map[types.Object]types.Object{}}
	for _, o := range roots {
		r.add(o, nil)
	}
	methods := p.methodsByName()
	for i := 0; i < len(r.order); i++ {
		r.follow(r.order[i], methods)
	}
	return r
}

// add takes what is reached from somewhere, if it is declared in the program.
func (r *reach) add(o, from types.Object) {
	if f, ok := o.(*types.Func); ok {
		o = f.Origin()
	}
	if _, known := r.from[o]; known || r.decls[o] == nil {
		return
	}
	r.from[o] = from
	r.order = append(r.order, o)
}

// follow takes what a declaration mentions.
func (r *reach) follow(o types.Object, methods map[string][]types.Object) {
	ast.Inspect(r.decls[o], func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Ident:
			if used := r.info.Uses[n]; used != nil {
				r.add(used, o)
			}
		case *ast.CallExpr:
			if s, ok := ast.Unparen(n.Fun).(*ast.SelectorExpr); ok && r.unknown(s) {
				for _, m := range methods[s.Sel.Name] {
					r.add(m, o)
				}
			}
		}
		if e, ok := n.(ast.Expr); ok {
			if t := r.info.Types[e].Type; t != nil {
				contained(t, func(name *types.TypeName) { r.add(name, o) })
			}
		}
		return true
	})
	if name, ok := o.(*types.TypeName); ok {
		if t, ok := name.Type().(*types.Named); ok {
			for m := range t.Methods() {
				r.add(m, o)
			}
		}
	}
}

// unknown reports whether nothing is known of what a selector selects from. What a package has that is not in the
// program is none of its methods.
func (p *program) unknown(s *ast.SelectorExpr) bool {
	if id, ok := s.X.(*ast.Ident); ok {
		if _, isPackage := p.info.Uses[id].(*types.PkgName); isPackage {
			return false
		}
	}
	return p.info.Selections[s] == nil && p.info.Uses[s.Sel] == nil
}

// byPosition orders declarations as they were parsed.
func byPosition(a, b types.Object) int { return cmp.Compare(a.Pos(), b.Pos()) }

func (p *program) methodsByName() map[string][]types.Object {
	methods := map[string][]types.Object{}
	for o := range p.decls {
		if f, ok := o.(*types.Func); ok && f.Signature().Recv() != nil && title(o) != "Scheduler."+f.Name() && title(o) != "Config."+f.Name() {
			methods[f.Name()] = append(methods[f.Name()], f)
		}
	}
	for _, same := range methods {
		slices.SortFunc(same, byPosition)
	}
	return methods
}

// chain says how something is reached, from a root to itself.
func (r *reach) chain(o types.Object) string {
	var names []string
	for ; o != nil; o = r.from[o] {
		names = append(names, title(o))
	}
	slices.Reverse(names)
	return strings.Join(names, " → ")
}

// has reports whether a declaration of a package is reached.
func (r *reach) has(folder, name string) bool {
	o := r.named(path.Join(module, folder), name)
	_, found := r.from[o]
	return o != nil && found
}
