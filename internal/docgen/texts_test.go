package docgen

import (
	"go/ast"
	"go/token"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// texts returns what the files of a package say to people, sorted: all literals of several words, joined where they are
// concatenated, and all messages of errors and of lines at level Warn and above. An ellipsis stands for each value. Left out is
// what is logged at lower levels, what texts of others are compared with, and what String methods return.
func texts(files []*ast.File) (all []string) {
	for _, file := range files {
		c := collector{imported: map[string]bool{}}
		for _, spec := range file.Imports {
			c.imported[strings.Trim(spec.Path.Value, `"`)] = true
		}
		ast.Inspect(file, c.visit)
		all = append(all, c.found...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

type collector struct {
	imported map[string]bool
	found    []string
}

func (c *collector) visit(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.ImportSpec, *ast.Field, *ast.KeyValueExpr:
		if pair, isPair := n.(*ast.KeyValueExpr); isPair {
			ast.Inspect(pair.Value, c.visit) // not the key, which may be a text to look for
		}
		return false
	case *ast.FuncDecl:
		return n.Name.Name != "String"
	case *ast.CallExpr:
		method, _ := n.Fun.(*ast.SelectorExpr)
		if method == nil {
			return true
		}
		of, _ := method.X.(*ast.Ident)
		switch {
		case slices.Contains([]string{"Debug", "DebugContext", "Info", "InfoContext"}, method.Sel.Name),
			of != nil && (of.Name == "strings" || of.Name == "regexp" || of.Name == "bytes"):
			return false
		case slices.Contains([]string{"Warn", "WarnContext", "Error", "ErrorContext"}, method.Sel.Name),
			of != nil && (of.Name == "errors" && method.Sel.Name == "New" || of.Name == "fmt" && method.Sel.Name == "Errorf"):
			for _, arg := range n.Args {
				if text, isText := joined(arg); isText {
					c.add(text, true)
					break
				}
			}
		}
	case *ast.BinaryExpr, *ast.BasicLit:
		if text, isText := joined(n.(ast.Expr)); isText {
			c.add(text, false)
			return false
		}
	}
	return true
}

// add adds the constant part of a text if it is for people: if it is a message, or has two words.
func (c *collector) add(format string, message bool) {
	text := constantPart(format)
	words := regexp.MustCompile(`(^|[ (“"])[A-Za-z][a-z']*\b`).FindAllString(text, -1)
	other := regexp.MustCompile(`^(\{|mesos-actor-go|default-src|event: )|^text/|\.$`).MatchString(text) // formats, headers, helps of metrics
	if message && len(words) > 0 || len(words) >= 2 && !other {
		c.found = append(c.found, text)
	}
}

// joined returns the text of a literal, or of literals and whatever they are concatenated with, for which a verb stands.
func joined(e ast.Expr) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		if e.Kind == token.STRING {
			text, err := strconv.Unquote(e.Value)
			return text, err == nil
		}
	case *ast.BinaryExpr:
		left, isLeft := joined(e.X)
		right, isRight := joined(e.Y)
		if !isLeft {
			left = "%v"
		}
		if !isRight {
			right = "%v"
		}
		return left + right, e.Op == token.ADD && (isLeft || isRight)
	}
	return "", false
}

// constantPart returns a text with an ellipsis for each value.
func constantPart(format string) string {
	format = regexp.MustCompile(`%[-+# 0]*(\d+|\*)?(\.\d+)?[a-zA-Z]`).ReplaceAllString(format, "…")
	format = strings.Join(strings.Fields(strings.ReplaceAll(format, "%%", "%")), " ")
	return strings.Trim(format, " :;,")
}
