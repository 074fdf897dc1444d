package archtest

import (
	"go/ast"
	"go/token"
	"go/types"
	"path/filepath"
	"slices"
)

// write is a place where state is changed: a field of a declared struct type, or a value of a declared type as a whole.
type write struct {
	of    *types.TypeName
	field string // "": the whole value, or an element of it
	at    string // base name of the file
	line  int
	in    string // the function
}

// writes returns the places in a package's files where values of the given types are changed: by assignment, also to a
// part of a field or an element of it, by ++ and the like, and by append, clear, copy and delete. The address of a field
// counts as a change, unless the field's type is a declared one, whose own fields are looked at. What does not
// count: making a value; changing a local variable that is a copy; what a method of the field's type does, which is its own
// affair; and what functions of the standard library do to a slice that they are given.
func (p *program) writes(pkg string, of map[*types.TypeName]bool) []write {
	var all []write
	for _, file := range p.files[pkg] {
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			ast.Inspect(f, func(n ast.Node) bool {
				for _, e := range written(p.info, n) {
					all = append(all, p.writesTo(e, of, title(p.info.Defs[f.Name]))...)
				}
				return true
			})
		}
	}
	return all
}

// written returns the expressions that a statement or expression changes.
func written(info *types.Info, n ast.Node) []ast.Expr {
	switch n := n.(type) {
	case *ast.AssignStmt:
		if n.Tok != token.DEFINE {
			return n.Lhs
		}
	case *ast.IncDecStmt:
		return []ast.Expr{n.X}
	case *ast.RangeStmt:
		if n.Tok == token.ASSIGN {
			return []ast.Expr{n.Key, n.Value}
		}
	case *ast.UnaryExpr:
		if n.Op == token.AND && namedOf(info.TypeOf(n.X)) == nil {
			return []ast.Expr{n.X}
		}
	case *ast.CallExpr:
		if id, ok := n.Fun.(*ast.Ident); ok && len(n.Args) > 0 {
			if b, ok := info.Uses[id].(*types.Builtin); ok && (b.Name() == "clear" || b.Name() == "copy" || b.Name() == "delete") {
				// What matters is the elements, as with an index.
				return []ast.Expr{&ast.IndexExpr{X: n.Args[0]}}
			}
		}
	}
	return nil
}

// writesTo returns what a change of an expression changes: of x.f.g, where the types of x and f are both among the given
// ones, that is g.
func (p *program) writesTo(e ast.Expr, of map[*types.TypeName]bool, in string) []write {
	var all []write
	shared := false // it is not only a copy that is changed
	add := func(n ast.Node, name *types.TypeName, field string) {
		if of[name] && len(all) == 0 {
			_, line := p.at(n)
			all = append(all, write{of: name, field: field, at: filepath.Base(p.fset.Position(n.Pos()).Filename), line: line, in: in})
		}
	}
	for {
		switch x := ast.Unparen(e).(type) {
		case *ast.SelectorExpr:
			fields, through := p.fieldsOf(x)
			for _, f := range slices.Backward(fields) {
				if owner := p.owners[f]; owner != nil {
					add(x, owner, f.Name())
				}
			}
			if through {
				return all
			}
			e = x.X
		case *ast.IndexExpr:
			t := p.info.TypeOf(x.X)
			if t == nil {
				return all
			}
			if named := namedOf(t); named != nil {
				add(x.X, named.Obj(), "")
			}
			switch t.Underlying().(type) {
			case *types.Slice, *types.Map:
				shared = true
			case *types.Pointer:
				return all
			}
			e = x.X
		case *ast.SliceExpr:
			shared, e = true, x.X
		case *ast.StarExpr:
			if named := namedOf(p.info.TypeOf(x)); named != nil {
				add(x, named.Obj(), "")
			}
			return all
		case *ast.Ident:
			if !shared {
				return nil // a local variable
			}
			return all
		default:
			return all
		}
	}
}

// fieldsOf returns the fields that a selector goes through, those of embedded structs too, up from the last pointer on the
// way, and reports whether there is one. None: the field is one of another module's types.
func (p *program) fieldsOf(s *ast.SelectorExpr) (fields []*types.Var, through bool) {
	selection := p.info.Selections[s]
	if selection == nil || selection.Kind() != types.FieldVal {
		return nil, false
	}
	t := selection.Recv()
	for _, i := range selection.Index() {
		if pointer, ok := t.Underlying().(*types.Pointer); ok {
			t, fields, through = pointer.Elem(), nil, true
		}
		if named, ok := types.Unalias(t).(*types.Named); ok {
			t = named.Origin()
		}
		f := t.Underlying().(*types.Struct).Field(i)
		fields, t = append(fields, f), f.Type()
	}
	return fields, through
}

// state returns the types of a package of which the values of a type are made, itself included, and without those that
// only name what is elsewhere: interfaces and functions.
func (p *program) state(pkg, root string, without ...string) map[*types.TypeName]bool {
	found := map[*types.TypeName]bool{}
	var visit func(*types.TypeName)
	visit = func(name *types.TypeName) {
		if found[name] || name.Pkg() == nil || name.Pkg().Path() != pkg || types.IsInterface(name.Type()) {
			return
		}
		for _, w := range without {
			if name.Name() == w {
				return
			}
		}
		found[name] = true
		if s, ok := name.Type().Underlying().(*types.Struct); ok {
			for f := range s.Fields() {
				contained(f.Type(), visit)
			}
			return
		}
		contained(name.Type().Underlying(), visit)
	}
	visit(p.packages[pkg].Scope().Lookup(root).(*types.TypeName))
	return found
}
