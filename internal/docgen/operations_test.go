package docgen

import (
	"fmt"
	"go/ast"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	logTableBegin = "<!-- The table is written by: go test ./internal/docgen -run Operations -update -->\n"
	logTableEnd   = "\n<!-- end of the table -->\n"
)

// logLine is a line of the log at level Info or above.
type logLine struct{ folder, level, message, keys string }

// logLines returns the lines that the files of a package log. Keys may be constants, whose values are in constants.
func logLines(folder string, files []*ast.File, constants map[string]string) (all []logLine) {
	for _, file := range files {
		ast.Inspect(file, func(n ast.Node) bool {
			call, isCall := n.(*ast.CallExpr)
			if !isCall {
				return true
			}
			method, isMethod := call.Fun.(*ast.SelectorExpr)
			if !isMethod {
				return true
			}
			level, withContext := strings.CutSuffix(method.Sel.Name, "Context")
			args := call.Args
			switch {
			case level == "Log" && len(args) > 2:
				level, args = "Info", args[2:]
			case (level == "Info" || level == "Warn" || level == "Error") && withContext && len(args) > 1:
				args = args[1:]
			case (level == "Info" || level == "Warn" || level == "Error") && !withContext && len(args) > 0:
			default:
				return true
			}
			if message, isText := joined(args[0]); isText {
				all = append(all, logLine{folder, level, constantPart(message), keysOf(args[1:], constants)})
			}
			return true
		})
	}
	return all
}

// keysOf returns the keys of attributes, as they are given to a method of a slog.Logger.
func keysOf(args []ast.Expr, constants map[string]string) string {
	var keys []string
	for i := 0; i < len(args); i++ {
		key := args[i]
		if call, isCall := key.(*ast.CallExpr); isCall && len(call.Args) > 0 { // slog.String("key", …), or a function that returns one
			key = call.Args[0]
		} else {
			i++
		}
		switch key := key.(type) {
		case *ast.BasicLit:
			if name, err := strconv.Unquote(key.Value); err == nil {
				keys = append(keys, name)
			}
		case *ast.SelectorExpr:
			if name, isConstant := constants[key.Sel.Name]; isConstant {
				keys = append(keys, name)
			}
		case *ast.Ident:
			if name, isConstant := constants[key.Name]; isConstant {
				keys = append(keys, name)
			}
		}
	}
	return strings.Join(keys, ", ")
}

// textConstants returns the values of the constants of files that are texts, by name.
func textConstants(files []*ast.File) map[string]string {
	values := map[string]string{}
	for _, file := range files {
		ast.Inspect(file, func(n ast.Node) bool {
			spec, isValue := n.(*ast.ValueSpec)
			for i := 0; isValue && i < len(spec.Values) && i < len(spec.Names); i++ {
				if text, isText := joined(spec.Values[i]); isText {
					values[spec.Names[i].Name] = text
				}
			}
			return true
		})
	}
	return values
}

// docs/operations.md has all lines of the log.
func TestOperationsDocument(t *testing.T) {
	fset, constants, parsed := token.NewFileSet(), map[string]string{}, map[string][]*ast.File{}
	folders := promisedFolders(t)
	for _, folder := range folders {
		parsed[folder] = parseFolder(t, fset, folder)
		for name, value := range textConstants(parsed[folder]) {
			constants[name] = value
		}
	}
	var b strings.Builder
	b.WriteString("\n| package | level | message | attributes |\n| --- | --- | --- | --- |\n")
	for _, folder := range folders {
		lines := logLines(folder, parsed[folder], constants)
		slices.SortFunc(lines, func(a, b logLine) int { return strings.Compare(a.level+a.message+a.keys, b.level+b.message+b.keys) })
		for _, l := range slices.Compact(lines) {
			keys := strings.ReplaceAll("`"+l.keys+"`", ", ", "`, `")
			fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", l.folder, l.level, l.message, strings.TrimPrefix(keys, "``"))
		}
	}
	require.Contains(t, b.String(), "| scheduler | Info | subscribed |")
	is, err := os.ReadFile(filepath.Join(root, "docs/operations.md"))
	require.NoError(t, err)
	before, rest, found := strings.Cut(string(is), logTableBegin)
	require.True(t, found)
	_, after, found := strings.Cut(rest, logTableEnd)
	require.True(t, found)
	requireDocument(t, "docs/operations.md", before+logTableBegin+b.String()+logTableEnd+after)
}
