package docgen

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	module = "github.com/mesos-actor/mesos-actor-go"
	root   = "../.."
)

var update = flag.Bool("update", false, "write the documents")

// requireDocument requires the content of a document, or writes it with -update.
func requireDocument(t *testing.T, name, want string) {
	t.Helper()
	name = filepath.Join(root, name)
	if *update {
		require.NoError(t, os.WriteFile(name, []byte(want), 0o644))
		return
	}
	is, err := os.ReadFile(name)
	require.NoError(t, err)
	line := firstDifference(string(is), want)
	require.Empty(t, line, "%s is out of date, first at this line; run: go test ./internal/docgen -update", name)
}

// firstDifference returns the first line of the texts that is not the same, and its number; "" if there is none.
func firstDifference(is, want string) string {
	had, now := strings.Split(is, "\n"), strings.Split(want, "\n")
	for i := range max(len(had), len(now)) {
		if i >= len(had) || i >= len(now) || had[i] != now[i] {
			return fmt.Sprintf("%d: %s", i+1, strings.Join(now[min(i, len(now)):min(i+1, len(now))], ""))
		}
	}
	return ""
}

// parseFolder parses the files of a package, without its tests, in the order of their names.
func parseFolder(t *testing.T, fset *token.FileSet, folder string) (files []*ast.File) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(root, folder, "*.go"))
	require.NoError(t, err)
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(fset, name, nil, parser.ParseComments)
		require.NoError(t, err)
		files = append(files, file)
	}
	require.NotEmpty(t, files, folder)
	return files
}

// promised reports whether users link a package into their programs: it is not an example, nor made for tests.
func promised(folder string) bool {
	if strings.HasSuffix(folder, "test") || strings.HasSuffix(folder, "fake") {
		return false
	}
	return !slices.Contains([]string{"examples", "internal/conformance", "internal/docgen", "internal/flood", "internal/virtualnet", "internal/actionruntime", "internal/actionruntime/program", "invoker/internal/whiskpool", "invoker/internal/workload"}, folder)
}

// promisedFolders returns the folders of all packages that users link into their programs.
func promisedFolders(t *testing.T) (folders []string) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		folder, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		folder = filepath.ToSlash(folder)
		if base := path.Base(folder); base == "testdata" || strings.HasPrefix(base, ".") && folder != "." || !promised(folder) {
			return filepath.SkipDir
		}
		sources, err := filepath.Glob(filepath.Join(name, "*.go"))
		if slices.ContainsFunc(sources, func(s string) bool { return !strings.HasSuffix(s, "_test.go") }) {
			folders = append(folders, folder)
		}
		return err
	}))
	require.Contains(t, folders, "scheduler/internal/record")
	return folders
}
