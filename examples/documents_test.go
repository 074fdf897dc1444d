package examples

import (
	"errors"
	"fmt"
	"go/ast"
	"go/format"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// known are the packages that the code of documents may use without importing them.
var known = []string{
	"cmp", "context", "errors", "fmt", "log", "log/slog", "net/http", "os", "strings", "sync", "testing", "testing/synctest", "time",
	"github.com/prometheus/client_golang/prometheus", "github.com/prometheus/client_golang/prometheus/promhttp",
	module + "/controlapi", module + "/ha", module + "/ha/cluster", module + "/ha/zookeeper", module + "/invoker", module + "/invoker/httpapi", module + "/invoker/mesosengine", module + "/mesosfake",
	module + "/metrics", module + "/scheduler", module + "/task", module + "/taskbuilder", module + "/taskmatcher", module + "/tracing",
}

// block is a piece of Go in a document.
type block struct {
	file string
	line int
	code string
}

// isFile reports whether the block is a whole file, declares whether it has declarations; otherwise it has statements.
func (b block) isFile() bool   { return regexp.MustCompile(`(?m)^package `).MatchString(b.code) }
func (b block) declares() bool { return regexp.MustCompile(`(?m)^(func|type) `).MatchString(b.code) }

// source returns a file that can be compiled. A line of only an ellipsis stands for what is left out.
func (b block) source() string {
	if b.isFile() {
		return b.code
	}
	code := fmt.Sprintf("//line %s:%d\n%s", b.file, b.line, regexp.MustCompile(`(?m)^\s*…$`).ReplaceAllString(b.code, ""))
	if !b.declares() {
		code = "func _(ctx context.Context, s *scheduler.Scheduler, err error) error {\n{\n" + code + "\n}\nreturn nil\n}\n"
	}
	imports := ""
	for _, name := range known {
		if uses(code, path.Base(name)) {
			imports += fmt.Sprintf("import %q\n", name)
		}
	}
	return "package document\n\n" + imports + "\n" + code
}

// uses reports whether code uses a name that it does not declare.
func uses(code, name string) bool {
	file, _ := parser.ParseFile(token.NewFileSet(), "", "package document\n"+code, 0)
	return slices.ContainsFunc(file.Unresolved, func(i *ast.Ident) bool { return i.Name == name })
}

// blocks returns the Go of a document.
func blocks(t *testing.T, file string) (all []block) {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	var b *block
	for i, line := range strings.Split(string(text), "\n") {
		switch {
		case b == nil && line == "```go":
			b = &block{file: filepath.Base(file), line: i + 2}
		case b != nil && line == "```":
			all = append(all, *b)
			b = nil
		case b != nil:
			b.code += line + "\n"
		}
	}
	require.Nil(t, b, "a block of %s has no end", file)
	return all
}

// checker checks types, with the compiled packages of this module and all that they import.
type checker struct {
	fset     *token.FileSet
	importer types.Importer
}

func newChecker(t *testing.T) checker {
	t.Helper()
	list := exec.Command("go", "list", "-export", "-deps", "-f", "{{.ImportPath}}\t{{.Export}}",
		"log", "testing/synctest", "os/signal", "net/http", "encoding/json", "../controlapi", "../ha/...", "../invoker/...", "../mesosfake", "../metrics", "../scheduler", "../task", "../taskbuilder", "../taskmatcher", "../tracing",
		"github.com/prometheus/client_golang/prometheus/promhttp")
	list.Stderr = os.Stderr
	said, err := list.Output()
	require.NoError(t, err)
	exports := map[string]string{}
	for line := range strings.Lines(string(said)) {
		path, file, _ := strings.Cut(strings.TrimSpace(line), "\t")
		exports[path] = file
	}
	fset := token.NewFileSet()
	return checker{fset, importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) {
		if exports[path] == "" {
			return nil, fmt.Errorf("no package %s", path)
		}
		return os.Open(exports[path])
	})}
}

// check returns what a compiler would say about the last of the blocks of a document, without what is only unused. It
// may use what the others declare, and a whole file what other whole files do.
func (c checker) check(document []block) error {
	last := document[len(document)-1]
	files := []*ast.File{}
	for _, b := range document {
		if b != last && (b.isFile() != last.isFile() || !b.isFile() && !b.declares()) {
			continue
		}
		file, err := parser.ParseFile(c.fset, b.file, b.source(), parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		files = append(files, file)
	}
	var found []error
	config := types.Config{Importer: c.importer, Error: func(err error) {
		if e := (types.Error{}); errors.As(err, &e) && !e.Soft {
			found = append(found, err)
		}
	}}
	_, _ = config.Check(last.file, c.fset, files, nil) // its error is the first of those
	return errors.Join(found...)
}

func TestDocumentsCompile(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds packages")
	}
	documents, err := filepath.Glob("../docs/*.md")
	require.NoError(t, err)
	c, checked := newChecker(t), 0
	for _, document := range append(documents, "../README.md", "../CONTRIBUTING.md") {
		all := blocks(t, document)
		for i, b := range all {
			require.NoError(t, c.check(all[:i+1]), b.code)
			commented := strings.ReplaceAll(b.code, "…", "// …") // what is left out
			formatted, err := format.Source([]byte(commented))
			require.NoError(t, err, b.code)
			require.Equal(t, string(formatted), commented, "%s:%d is not formatted", b.file, b.line)
			checked++
		}
	}
	require.Greater(t, checked, 5)
}

// The tests in documents pass in a module of their own, a package for each document. What is no declaration is only compiled,
// by TestDocumentsCompile.
func TestTestsInDocuments(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds packages")
	}
	dir := outside(t)
	want := map[string][]string{
		"getting-started":   {"TestReports"},
		"testing":           {"TestShop", "TestAgentIsLost", "TestOutput", "TestProgram"},
		"writing-a-matcher": {"TestLimited"},
	}
	for document := range want {
		folder := filepath.Join(dir, document)
		require.NoError(t, os.Mkdir(folder, 0o700))
		for i, b := range blocks(t, "../docs/"+document+".md") {
			if b.isFile() || b.declares() {
				require.NoError(t, os.WriteFile(filepath.Join(folder, fmt.Sprintf("block%d_test.go", i)), []byte(b.source()), 0o600))
			}
		}
	}
	said, err := goOutside(dir, "test", "-v", "./...")
	require.NoError(t, err, said)
	for _, tests := range want {
		for _, name := range tests {
			require.Contains(t, said, "PASS: "+name)
		}
	}
}

// The control: a name that does not exist, a value of another type, an import that is missing, and no Go at all.
func TestDocumentsCompileControl(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds packages")
	}
	c := newChecker(t)
	require.NoError(t, c.check([]block{{line: 1, code: "info, err := s.Launch(ctx, task.Spec{\n\t…\n})"}}))
	for code, want := range map[string]string{
		"s.Lunch(ctx)":             "Lunch",
		`_ = task.Spec{CPUs: "1"}`: "untyped string",
		"package main\n\nfunc main() { fmt.Println() }\n":   "undefined: fmt",
		"func f(c mesosfake.Config) int { return c.Nodes }": "Nodes",
		"s.Launch(ctx": "missing ','",
	} {
		require.ErrorContains(t, c.check([]block{{line: 1, code: code}}), want)
	}
}
