package scheduler

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// codeOf has an example of each error that packages scheduler and task export, with its code.
func codeOf() map[string]struct {
	err  error
	want Code
} {
	type c = struct {
		err  error
		want Code
	}
	return map[string]c{
		"task.FieldError":                 {&task.FieldError{Field: "CPUs"}, CodeInvalid},
		"scheduler.ConfigError":           {&ConfigError{Field: "Master"}, CodeInvalid},
		"scheduler.ErrUnknownTask":        {unknown("a"), CodeUnknownTask},
		"scheduler.ErrDuplicateTask":      {duplicate("a"), CodeDuplicateTask},
		"scheduler.SpecDiffError":         {&SpecDiffError{ID: "a"}, CodeSpecDiffers},
		"scheduler.ForgetError":           {&ForgetError{ID: "a"}, CodeTaskActive},
		"scheduler.TaskError":             {&TaskError{Err: &PanicError{}}, CodeTaskEnded},
		"scheduler.CapacityError":         {&TaskError{Err: &CapacityError{}}, CodeNoCapacity},
		"scheduler.CallError":             {&CallError{}, CodeRefused},
		"scheduler.SubscribeError":        {&SubscribeError{}, CodeRefused},
		"scheduler.FrameworkIDError":      {&FrameworkIDError{}, CodeRefused},
		"scheduler.ErrNotSubscribed":      {ErrNotSubscribed, CodeNotSubscribed},
		"scheduler.ErrNotRunning":         {fmt.Errorf("%w: %w", ErrNotRunning, &FencedError{Err: context.Canceled}), CodeNotRunning},
		"scheduler.ErrRunning":            {ErrRunning, CodeAlreadyRunning},
		"scheduler.ErrReentrant":          {ErrReentrant, CodeReentrant},
		"scheduler.FencedError":           {&FencedError{Err: context.Canceled}, CodeNotLeading},
		"scheduler.ErrEvicted":            {ErrEvicted, CodeNotLeading},
		"scheduler.FrameworkRemovedError": {&FrameworkRemovedError{}, CodeFrameworkRemoved},
		"scheduler.RecordError":           {&RecordError{Err: errors.New("?")}, CodeRecord},
		"scheduler.FingerprintError":      {&FingerprintError{}, CodeRecord},
		"scheduler.PanicError":            {&PanicError{Value: ErrEvicted.Error()}, CodePanic},
		"scheduler.LogError":              {&LogError{Code: CodeRefused, Err: context.Canceled}, CodeRefused},
		"not started":                     {&LogError{Code: CodeNotStarted}, CodeNotStarted},
		"agent away":                      {&LogError{Code: CodeAgentAway, Err: context.DeadlineExceeded}, CodeAgentAway},
		"output gone":                     {&LogError{Code: CodeOutputGone}, CodeOutputGone},
		"scheduler.WaitError":             {&WaitError{Err: fmt.Errorf("%w: %w", context.DeadlineExceeded, ErrUnknownTask)}, CodeTimeout},
		"context.Canceled":                {&WaitError{Err: context.Canceled}, CodeCanceled},
		"context.DeadlineExceeded":        {context.DeadlineExceeded, CodeTimeout},
		"other":                           {errors.New("other"), CodeInternal},
		"none":                            {nil, CodeOK},
	}
}

// Every error that is exported has a code, wrapped or not and alone or joined, and every code is that of an error.
func TestErrorCode(t *testing.T) {
	table := codeOf()
	for name, c := range table {
		require.Equal(t, c.want, ErrorCode(c.err), name)
		if c.err != nil {
			require.Equal(t, c.want, ErrorCode(fmt.Errorf("at startup: %w", c.err)), name)
			require.Equal(t, c.want, ErrorCode(errors.Join(c.err, c.err)), name)
		}
	}
	require.Empty(t, withoutCode(table, sources(t, ".", "../task")...))

	codes := map[Code]bool{}
	for _, c := range table {
		codes[c.want] = true
	}
	for _, file := range sources(t, ".") {
		ast.Inspect(file, func(n ast.Node) bool {
			if v, ok := n.(*ast.ValueSpec); ok && strings.HasPrefix(v.Names[0].Name, "Code") {
				text := Code(strings.Trim(v.Values[0].(*ast.BasicLit).Value, `"`))
				require.True(t, codes[text], "no error has the code %s", v.Names[0].Name)
			}
			return true
		})
	}
}

// TestErrorCodeControl: what is missing in the table is found.
func TestErrorCodeControl(t *testing.T) {
	parse := func(text string) *ast.File {
		file, err := parser.ParseFile(token.NewFileSet(), "x.go", "package scheduler\n"+text, 0)
		require.NoError(t, err)
		return file
	}
	table := codeOf()
	delete(table, "scheduler.TaskError")
	require.Contains(t, withoutCode(table, sources(t, ".")...), "scheduler.TaskError")
	require.Equal(t, []string{"scheduler.ErrNew", "scheduler.NewError", "scheduler.Strange"}, withoutCode(table, parse(`
		var ErrNew, errInner = errors.New("new"), errors.New("inner")
		type NewError struct{}
		func (e *NewError) Error() string { return "" }
		type Strange int
		func (Strange) Error() string { return "" }
		type hidden struct{}
		func (hidden) Error() string { return "" }
		type Harmless struct{}
		func (Harmless) String() string { return "" }
		const ErrNumber = 7
		func ErrFunction() {}`)))
}

// sources returns the files of packages, without tests.
func sources(t *testing.T, folders ...string) (files []*ast.File) {
	for _, folder := range folders {
		entries, err := os.ReadDir(folder)
		require.NoError(t, err)
		for _, e := range entries {
			if name := e.Name(); strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go") {
				file, err := parser.ParseFile(token.NewFileSet(), folder+"/"+name, nil, 0)
				require.NoError(t, err)
				files = append(files, file)
			}
		}
	}
	return files
}

// withoutCode returns the exported errors, variables and types, that the table does not have.
func withoutCode[T any](table map[string]T, files ...*ast.File) []string {
	missing := map[string]bool{}
	found := func(file *ast.File, name string) {
		if full := file.Name.Name + "." + name; ast.IsExported(name) {
			if _, known := table[full]; !known {
				missing[full] = true
			}
		}
	}
	for _, file := range files {
		for _, d := range file.Decls {
			switch d := d.(type) {
			case *ast.GenDecl:
				for _, s := range d.Specs {
					if v, ok := s.(*ast.ValueSpec); ok && d.Tok == token.VAR {
						for _, name := range v.Names {
							found(file, name.Name)
						}
					}
				}
			case *ast.FuncDecl:
				if d.Name.Name == "Error" && d.Recv != nil {
					of := d.Recv.List[0].Type
					if pointer, ok := of.(*ast.StarExpr); ok {
						of = pointer.X
					}
					found(file, of.(*ast.Ident).Name)
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(missing))
}
