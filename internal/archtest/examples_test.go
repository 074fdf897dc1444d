package archtest

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// isPublic reports whether other modules can import a folder's package, and are meant to.
func isPublic(folder string) bool {
	first, _, _ := strings.Cut(folder, "/")
	return folder != "." && first != "examples" && !slices.Contains(strings.Split(folder, "/"), "internal")
}

// exportedTypes returns the exported types that a package declares, each with the names that show it: its own, and those of
// its constants.
func exportedTypes(files []*ast.File) map[string][]string {
	names := map[string][]string{}
	for _, file := range files {
		for _, d := range file.Decls {
			if d, ok := d.(*ast.GenDecl); ok {
				noteTypes(d, names)
			}
		}
	}
	maps.DeleteFunc(names, func(name string, _ []string) bool { return !slices.Contains(names[name], name) })
	return names
}

// noteTypes adds the exported types of a declaration, and its constants to their types.
func noteTypes(d *ast.GenDecl, names map[string][]string) {
	typed := "" // of the constant before, which counts for the next one if that has none
	for _, spec := range d.Specs {
		switch spec := spec.(type) {
		case *ast.TypeSpec:
			if name := spec.Name; name.IsExported() {
				names[name.Name] = append(names[name.Name], name.Name)
			}
		case *ast.ValueSpec:
			if d.Tok != token.CONST {
				continue
			}
			if spec.Type != nil || spec.Values != nil {
				typed = ""
			}
			if of, ok := spec.Type.(*ast.Ident); ok {
				typed = of.Name
			}
			for _, name := range spec.Names {
				names[typed] = append(names[typed], name.Name)
			}
		}
	}
}

// shown returns the types of a package, given by its path, that the examples in its tests show: Example functions are named
// after them or name them, and so does what is beside these functions in files named example_….
func shown(fset *token.FileSet, pkg string, tests []*ast.File) map[string]bool {
	names := map[string]bool{}
	for _, file := range tests {
		base := filepath.Base(fset.Position(file.Pos()).Filename)
		whole := strings.HasPrefix(base, "example_")
		for _, d := range file.Decls {
			f, isFunc := d.(*ast.FuncDecl)
			isExample := isFunc && f.Recv == nil && strings.HasPrefix(f.Name.Name, "Example")
			if isExample {
				of, _, _ := strings.Cut(strings.TrimPrefix(f.Name.Name, "Example"), "_")
				names[of] = true
			}
			if isExample || whole {
				maps.Copy(names, selected(d, path.Base(pkg)))
			}
		}
	}
	return names
}

// selected returns the names that are selected from a package.
func selected(n ast.Node, pkg string) map[string]bool {
	names := map[string]bool{}
	ast.Inspect(n, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := s.X.(*ast.Ident); ok && x.Name == pkg {
				names[s.Sel.Name] = true
			}
		}
		return true
	})
	return names
}

// notShown returns the exported types of public packages that no example of their package shows.
func notShown(fset *token.FileSet, code, tests map[string][]*ast.File) []string {
	var missing []string
	for _, folder := range slices.Sorted(maps.Keys(code)) {
		if !isPublic(folder) {
			continue
		}
		examples := shown(fset, folder, tests[folder])
		types := exportedTypes(code[folder])
		for _, name := range slices.Sorted(maps.Keys(types)) {
			if !slices.ContainsFunc(types[name], func(by string) bool { return examples[by] }) {
				missing = append(missing, fmt.Sprintf("%s.%s", folder, name))
			}
		}
	}
	return missing
}

func TestEachPublicTypeIsInAnExample(t *testing.T) {
	_, code := sources(t, "../..", false)
	fset, tests := sources(t, "../..", true)
	require.Contains(t, code, "scheduler")
	require.Empty(t, notShown(fset, code, tests))
}

func TestEachPublicTypeIsInAnExampleControl(t *testing.T) {
	code := `package task
		type Named struct{}
		type Selected struct{}
		type Beside struct{}
		type Counted int
		const ( First Counted = iota; Second )
		type Uncounted int
		const Third Uncounted = 3
		type Other struct{}
		type Tested struct{}
		type hidden struct{}`
	example := `package task_test
		func helper() task.Beside { return task.Beside{} }
		func ExampleNamed_suffix() { _, _, _ = task.Selected{}, task.Second, mesos.Other{} }`
	test := `package task_test
		func TestIt(t *testing.T) { _, _ = task.Tested{}, task.Third }`
	fset := token.NewFileSet()
	parse := func(name, source string) *ast.File {
		file, err := parser.ParseFile(fset, name, source, parser.SkipObjectResolution)
		require.NoError(t, err)
		return file
	}
	missing := notShown(fset, map[string][]*ast.File{
		"task":       {parse("task.go", code)},
		"internal/x": {parse("x.go", code)},
		"examples/y": {parse("y.go", code)},
	}, map[string][]*ast.File{"task": {parse("example_task_test.go", example), parse("task_test.go", test)}})
	require.Equal(t, []string{"task.Other", "task.Tested", "task.Uncounted"}, missing)
}
