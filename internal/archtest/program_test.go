package archtest

import (
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"go/types"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// program is some packages of this module, parsed and type-checked. Whatever else they import is a package without
// declarations: what comes from there has no known type, and the errors about it are dropped. Only the generic
// packages of the standard library are there, without bodies, since their results have types of ours.
type program struct {
	fset     *token.FileSet
	files    map[string][]*ast.File // by the path of their package
	packages map[string]*types.Package
	info     *types.Info
	decls    map[types.Object]ast.Node      // of functions, methods, and the package's types and variables
	fileOf   map[types.Object]string        // name of the file in which they are declared, without its folder
	owners   map[*types.Var]*types.TypeName // of the fields of named structs
}

// genericStd is what of the standard library returns values of the types that it is given.
var genericStd = []string{"cmp", "iter", "maps", "slices"}

// check type-checks packages, which are given by path.
func check(fset *token.FileSet, files map[string][]*ast.File) *program {
	p := &program{
		fset: fset, files: files, packages: map[string]*types.Package{},
		info: &types.Info{
			Types: map[ast.Expr]types.TypeAndValue{}, Defs: map[*ast.Ident]types.Object{}, Uses: map[*ast.Ident]types.Object{},
			Implicits: map[ast.Node]types.Object{}, Selections: map[*ast.SelectorExpr]*types.Selection{},
		},
		decls: map[types.Object]ast.Node{}, fileOf: map[types.Object]string{}, owners: map[*types.Var]*types.TypeName{},
	}
	for name := range files {
		_, _ = p.Import(name)
	}
	for _, all := range files {
		for _, file := range all {
			p.index(file)
		}
	}
	return p
}

// Import returns a package as the type checker wants it. There is no error.
func (p *program) Import(name string) (*types.Package, error) {
	if known := p.packages[name]; known != nil {
		return known, nil
	}
	ignore := func(error) {}
	var pkg *types.Package
	switch {
	case p.files[name] != nil:
		config := types.Config{Importer: p, Error: ignore}
		pkg, _ = config.Check(name, p.fset, p.files[name], p.info)
	case slices.Contains(genericStd, name):
		config := types.Config{Importer: p, Error: ignore, IgnoreFuncBodies: true}
		pkg, _ = config.Check(name, p.fset, p.standard(name), nil)
	default:
		pkg = types.NewPackage(name, path.Base(name))
		pkg.MarkComplete()
	}
	p.packages[name] = pkg
	return pkg, nil
}

// standard parses a package of the standard library. Without its sources there is nothing to be had.
func (p *program) standard(name string) []*ast.File {
	var files []*ast.File
	found, err := build.Default.ImportDir(filepath.Join(build.Default.GOROOT, "src", name), 0)
	if err != nil {
		return nil
	}
	for _, base := range found.GoFiles {
		if file, err := parser.ParseFile(p.fset, filepath.Join(found.Dir, base), nil, parser.SkipObjectResolution); err == nil {
			files = append(files, file)
		}
	}
	return files
}

// index notes where things are declared.
func (p *program) index(file *ast.File) {
	base := filepath.Base(p.fset.Position(file.Pos()).Filename)
	note := func(id *ast.Ident, n ast.Node) {
		if o := p.info.Defs[id]; o != nil {
			p.decls[o], p.fileOf[o] = n, base
		}
	}
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			note(d.Name, d)
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				switch spec := spec.(type) {
				case *ast.TypeSpec:
					note(spec.Name, spec)
					p.own(spec)
				case *ast.ValueSpec:
					for _, name := range spec.Names {
						note(name, spec)
					}
				}
			}
		}
	}
}

func (p *program) own(spec *ast.TypeSpec) {
	name, _ := p.info.Defs[spec.Name].(*types.TypeName)
	if name == nil {
		return
	}
	if s, ok := name.Type().Underlying().(*types.Struct); ok {
		for f := range s.Fields() {
			p.owners[f] = name
		}
	}
}

// named returns a declaration of a package: a function, type or variable "name", or a method "type.name".
func (p *program) named(pkg, name string) types.Object {
	of, method, isMethod := strings.Cut(name, ".")
	o := p.packages[pkg].Scope().Lookup(of)
	if !isMethod || o == nil {
		return o
	}
	if t, ok := o.Type().(*types.Named); ok {
		for m := range t.Methods() {
			if m.Name() == method {
				return m
			}
		}
	}
	return nil
}

// title is how messages name a declaration: "machine.step", or "demand.Book.Follow" outside of package scheduler.
func title(o types.Object) string {
	name := o.Name()
	if f, ok := o.(*types.Func); ok {
		if r := f.Signature().Recv(); r != nil {
			if t := namedOf(r.Type()); t != nil {
				name = t.Obj().Name() + "." + name
			}
		}
	}
	if pkg := o.Pkg(); pkg != nil && pkg.Name() != "scheduler" {
		name = pkg.Name() + "." + name
	}
	return name
}

// namedOf returns the declared type that a type is, or points to; nil: it is none.
func namedOf(t types.Type) *types.Named {
	if pointer, ok := types.Unalias(t).(*types.Pointer); ok {
		t = pointer.Elem()
	}
	named, _ := types.Unalias(t).(*types.Named)
	if named == nil {
		return nil
	}
	return named.Origin()
}

// at returns where something is, as "scheduler/pool.go:12".
func (p *program) at(n ast.Node) (file string, line int) {
	position := p.fset.Position(n.Pos())
	return strings.TrimLeft(filepath.ToSlash(position.Filename), "./"), position.Line
}

// contained calls visit for each declared type that values of a type are made of: elements, fields of unnamed structs,
// parameters and results of functions, arguments of generic types. Not for the fields of declared types.
func contained(t types.Type, visit func(*types.TypeName)) {
	switch t := types.Unalias(t).(type) {
	case *types.Named:
		visit(t.Origin().Obj())
		for arg := range t.TypeArgs().Types() {
			contained(arg, visit)
		}
	case *types.Pointer:
		contained(t.Elem(), visit)
	case *types.Slice:
		contained(t.Elem(), visit)
	case *types.Array:
		contained(t.Elem(), visit)
	case *types.Chan:
		contained(t.Elem(), visit)
	case *types.Map:
		contained(t.Key(), visit)
		contained(t.Elem(), visit)
	case *types.Tuple:
		for v := range t.Variables() {
			contained(v.Type(), visit)
		}
	case *types.Signature:
		contained(t.Params(), visit)
		contained(t.Results(), visit)
	case *types.Struct:
		for f := range t.Fields() {
			contained(f.Type(), visit)
		}
	}
}

// theScheduler is package scheduler, what is below it, and packages task, taskclass and fenced, with whose values it works.
func theScheduler(t *testing.T) *program {
	fset, folders := sources(t, "../..", false)
	files := map[string][]*ast.File{}
	for folder, all := range folders {
		if slices.Contains([]string{"scheduler", "task", "internal/fenced", "internal/taskclass"}, folder) || strings.HasPrefix(folder, "scheduler/internal/") {
			files[path.Join(module, folder)] = all
		}
	}
	require.NotEmpty(t, files)
	return check(fset, files)
}

// synthetic is a program of sources, which are given by the paths of their files inside the module.
func synthetic(t *testing.T, sources map[string]string) *program {
	fset, files := token.NewFileSet(), map[string][]*ast.File{}
	for _, name := range slices.Sorted(maps.Keys(sources)) {
		file, err := parser.ParseFile(fset, name, sources[name], parser.SkipObjectResolution)
		require.NoError(t, err)
		pkg := path.Join(module, path.Dir(name))
		files[pkg] = append(files[pkg], file)
	}
	return check(fset, files)
}
