package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestLogKeysAreNamedOnce: what log lines are about has the same name in all of them, that of package logkey.
func TestLogKeysAreNamedOnce(t *testing.T) {
	fset, folders := sources(t, "../..", false)
	for folder, files := range folders {
		if folder == "scheduler" || folder == "ha" || strings.HasPrefix(folder, "ha/") || folder == "controlapi" {
			require.Empty(t, ownLogKeys(fset, files), folder)
		}
	}
}

// ownLogKeys lists the arguments of log calls that are another name for what package logkey names.
func ownLogKeys(fset *token.FileSet, files []*ast.File) (found []string) {
	methods := []string{
		"Debug", "Info", "Warn", "Error", "Log", "With", "DebugContext", "InfoContext", "WarnContext", "ErrorContext", "LogAttrs", "String", "Any", "text",
	}
	names := []string{"task", "task_id", "taskID", "agent", "agent_id", "agentID", "offer", "offer_id", "offerID", "framework", "framework_id", "frameworkID", "term"}
	for _, file := range files {
		ast.Inspect(file, func(n ast.Node) bool {
			call, is := n.(*ast.CallExpr)
			if !is || !slices.Contains(methods, calledName(call)) {
				return true
			}
			for i, arg := range call.Args {
				lit, is := arg.(*ast.BasicLit)
				if !is || lit.Kind != token.STRING || i == messageAt(call) {
					continue
				}
				if text, err := strconv.Unquote(lit.Value); err == nil && slices.Contains(names, text) {
					found = append(found, fset.Position(lit.Pos()).String()+" "+text)
				}
			}
			return true
		})
	}
	return found
}

func calledName(call *ast.CallExpr) string {
	switch f := call.Fun.(type) {
	case *ast.SelectorExpr:
		return f.Sel.Name
	case *ast.Ident:
		return f.Name
	}
	return ""
}

// messageAt returns which argument is the message of a line, or -1.
func messageAt(call *ast.CallExpr) int {
	switch name := calledName(call); {
	case name == "Log" || name == "LogAttrs":
		return 2
	case strings.HasSuffix(name, "Context"):
		return 1
	case slices.Contains([]string{"Debug", "Info", "Warn", "Error"}, name):
		return 0
	}
	return -1
}

// TestLogKeysControl: a name of one's own is found, and a message is none.
func TestLogKeysControl(t *testing.T) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "a.go", `package a
func f() {
	log.Info("task", "task_id", 1)
	log.InfoContext(ctx, "term", "state", "x")
	log.Log(ctx, level, "offer", text("agent", "a1"), "framework", "f")
	log.With("term", 7)
}`, 0)
	require.NoError(t, err)
	require.Equal(t, []string{"a.go:3:19 task_id", "a.go:5:52 framework", "a.go:5:36 agent", "a.go:6:11 term"}, ownLogKeys(fset, []*ast.File{file}))
}
