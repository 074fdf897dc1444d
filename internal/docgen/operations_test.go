package docgen

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"slices"
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
	attributes := attributesOf(files, constants)
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
				all = append(all, logLine{folder, level, constantPart(message), attributes.keys(args[1:])})
			}
			return true
		})
	}
	return all
}

// attributes are the keys of what a package gives to a logger beside plain keys: constants, and variables and functions of
// attributes, with a mark before their names.
type attributes map[string]string

func attributesOf(files []*ast.File, constants map[string]string) attributes {
	a := attributes(maps.Clone(constants))
	for _, file := range files {
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl: // one that returns slog.Time("key", …)
				ast.Inspect(n, func(inner ast.Node) bool {
					if call, isCall := inner.(*ast.CallExpr); isCall && isAttr(call) && a.key(call.Args[0]) != "" {
						a["()"+n.Name.Name] = a.key(call.Args[0])
					}
					return true
				})
			case *ast.AssignStmt: // a variable that is text(key, …)
				call, isCall := n.Rhs[0].(*ast.CallExpr)
				variable, isVariable := n.Lhs[0].(*ast.Ident)
				if isCall && isVariable && len(n.Lhs) == 1 && len(call.Args) == 2 && a.key(call.Args[0]) != "" {
					a["="+variable.Name] = a.key(call.Args[0])
				}
			}
			return true
		})
	}
	return a
}

// isAttr reports whether a call is one of the functions of slog that make an attribute.
func isAttr(call *ast.CallExpr) bool {
	function, isSelector := call.Fun.(*ast.SelectorExpr)
	if !isSelector || len(call.Args) != 2 {
		return false
	}
	of, isPackage := function.X.(*ast.Ident)
	return isPackage && of.Name == "slog"
}

// key returns the key that an expression is: a literal or a constant; "" if it is none.
func (a attributes) key(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		text, _ := joined(e)
		return text
	case *ast.SelectorExpr:
		return a[e.Sel.Name]
	case *ast.Ident:
		return a[e.Name]
	}
	return ""
}

// keys returns the keys of the arguments behind the message.
func (a attributes) keys(args []ast.Expr) string {
	var keys []string
	for i := 0; i < len(args); i++ {
		key := ""
		switch arg := args[i].(type) {
		case *ast.CallExpr: // a whole attribute
			if name, isName := arg.Fun.(*ast.Ident); isName {
				key = a["()"+name.Name]
			}
			if key == "" && len(arg.Args) > 0 {
				key = a.key(arg.Args[0])
			}
		case *ast.Ident:
			if key = a["="+arg.Name]; key == "" {
				key = a[arg.Name]
				i++
			}
		default:
			key = a.key(arg)
			i++
		}
		if key != "" {
			keys = append(keys, key)
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

// The control: keys are found as literals, constants, variables and what functions return; other calls are no lines.
func TestLogLinesControl(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "x.go", `package x

const TaskID = "task_id"

func next(t time.Time) slog.Attr { return slog.Time("next", t) }

func f(log *slog.Logger, err error) {
	agent := text(logkey.AgentID, "a1")
	log.Warn("agent lost", agent, "error", err)
	log.InfoContext(ctx, "task "+name, text(TaskID, id), next(now), slog.Int("count", 3), "state", s)
	log.Debug("not shown", "x", 1)
	http.Error(w, "not a line")
}
`, 0)
	require.NoError(t, err)
	files := []*ast.File{file}
	constants := textConstants(files)
	constants["AgentID"] = "agent_id" // of another package
	require.Equal(t, []logLine{
		{"x", "Warn", "agent lost", "agent_id, error"},
		{"x", "Info", "task …", "task_id, next, count, state"},
	}, logLines("x", files, constants))
}
