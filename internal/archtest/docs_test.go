package archtest

import (
	"go/ast"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// declarations is what a document may mention.
type declarations struct {
	names   map[string]bool // of everything that is declared, fields and methods as well, and of packages
	members map[string]bool // "Type.member", "package.Name", "package.Type.member"
	files   []string        // files and folders, by path from the root
}

// declared lists what the module below the root declares, its tests as well.
func declared(t *testing.T, root string) declarations {
	d := declarations{names: map[string]bool{}, members: map[string]bool{}}
	for _, tests := range [...]bool{false, true} {
		_, folders := sources(t, root, tests)
		for _, files := range folders {
			for _, file := range files {
				d.add(file)
			}
		}
	}
	require.NoError(t, filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Name() == ".git" && entry.IsDir() {
			return filepath.SkipDir
		}
		d.files = append(d.files, filepath.ToSlash(name))
		return err
	}))
	return d
}

func (d *declarations) add(file *ast.File) {
	pkg := strings.TrimSuffix(file.Name.Name, "_test")
	d.names[pkg] = true
	name := func(n string) { d.names[n], d.members[pkg+"."+n] = true, true }
	member := func(of, n string) {
		d.names[n], d.members[of+"."+n], d.members[pkg+"."+of+"."+n] = true, true, true
	}
	for _, declaration := range file.Decls {
		switch decl := declaration.(type) {
		case *ast.FuncDecl:
			if decl.Recv == nil {
				name(decl.Name.Name)
			} else {
				member(receiver(decl.Recv.List[0].Type), decl.Name.Name)
			}
		case *ast.GenDecl:
			for _, spec := range decl.Specs {
				switch spec := spec.(type) {
				case *ast.ValueSpec:
					for _, n := range spec.Names {
						name(n.Name)
					}
				case *ast.TypeSpec:
					name(spec.Name.Name)
					for _, n := range membersOf(spec.Type) {
						member(spec.Name.Name, n)
					}
				}
			}
		}
	}
}

// receiver returns the name of a method's type.
func receiver(t ast.Expr) string {
	switch t := t.(type) {
	case *ast.StarExpr:
		return receiver(t.X)
	case *ast.IndexExpr: // of a generic type
		return receiver(t.X)
	case *ast.Ident:
		return t.Name
	}
	return ""
}

// membersOf returns the fields of a struct, or the methods of an interface.
func membersOf(t ast.Expr) []string {
	var list *ast.FieldList
	switch t := t.(type) {
	case *ast.StructType:
		list = t.Fields
	case *ast.InterfaceType:
		list = t.Methods
	default:
		return nil
	}
	var names []string
	for _, field := range list.List {
		for _, n := range field.Names {
			names = append(names, n.Name)
		}
	}
	return names
}

// has reports whether there is a file or folder of this path, or one whose path ends so.
func (d *declarations) has(path string) bool {
	path = "/" + strings.Trim(path, "/")
	return slices.ContainsFunc(d.files, func(f string) bool { return strings.HasSuffix(f, path) })
}

// unknownMentions returns what a text mentions and the module does not have: files, by their ending; and in
// backticks folders, function(), Type.member, package.Name, package.Type.member and single words, except those in
// capitals, which are Mesos'.
func unknownMentions(text string, d declarations) []string {
	var unknown []string
	for _, file := range regexp.MustCompile(`[\w./-]*\w\.(?:go|txt|md)\b`).FindAllString(text, -1) {
		if !d.has(file) {
			unknown = append(unknown, file)
		}
	}
	text = regexp.MustCompile("(?s)```.*?```").ReplaceAllString(text, "")
	word := regexp.MustCompile(`^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*(\(\))?$`)
	for _, match := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(text, -1) {
		span := match[1]
		mention := strings.TrimSuffix(span, "()")
		switch {
		case regexp.MustCompile(`\.(go|txt|md)$`).MatchString(span): // done above
		case regexp.MustCompile(`^[\w.-]+(/[\w.-]*)+$`).MatchString(span):
			if !d.has(span) {
				unknown = append(unknown, span)
			}
		case !word.MatchString(span), span == strings.ToUpper(span):
		case strings.Contains(mention, ".") && !d.members[mention], !strings.Contains(mention, ".") && !d.names[mention]:
			unknown = append(unknown, span)
		}
	}
	return unknown
}

// TestDocsMentionWhatExists: what the document on the architecture names is there, and so are the tests that other
// documents name.
func TestDocsMentionWhatExists(t *testing.T) {
	d := declared(t, "../..")
	documents, err := filepath.Glob("../../docs/*.md")
	require.NoError(t, err)
	for _, document := range append(documents, "../../CONTRIBUTING.md") {
		text, err := os.ReadFile(document)
		require.NoError(t, err)
		require.Empty(t, unknownTests(string(text), d), document)
		if filepath.Base(document) == "architecture.md" {
			require.Empty(t, unknownMentions(string(text), d))
		}
	}
}

// unknownTests returns the tests, fuzz targets and transcripts that a text mentions in backticks and the module does not have.
func unknownTests(text string, d declarations) []string {
	var unknown []string
	for _, match := range regexp.MustCompile("`((?:Test|Fuzz)[A-Z]\\w*|\\w+\\.txt)`").FindAllStringSubmatch(text, -1) {
		if name := match[1]; !d.names[name] && !d.has(name) {
			unknown = append(unknown, name)
		}
	}
	return unknown
}

// TestBoundsHaveTests: each row of the tables of bounds names a test, unless it says that there is no bound.
func TestBoundsHaveTests(t *testing.T) {
	text, err := os.ReadFile("../../docs/security.md")
	require.NoError(t, err)
	require.Empty(t, boundsWithoutTest(string(text)))
}

// boundsWithoutTest returns the rows of tables with the columns what, bound, beyond it and test whose last cell is to be
// filled in.
func boundsWithoutTest(text string) []string {
	var missing []string
	inTable := false
	for line := range strings.Lines(text) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		switch {
		case !strings.HasPrefix(line, "|"):
			inTable = false
		case strings.TrimSpace(cells[len(cells)-1]) == "test":
			inTable = true
		case inTable && !strings.HasPrefix(line, "| ---"):
			bound, test := strings.TrimSpace(cells[1]), strings.TrimSpace(cells[len(cells)-1])
			if len(cells) != 4 || test == "" && !strings.HasPrefix(bound, "none") {
				missing = append(missing, strings.TrimSpace(line))
			}
		}
	}
	return missing
}

// TestDocsMapOfTheMachine: the comment of each type machine names each of its files, and no other.
func TestDocsMapOfTheMachine(t *testing.T) {
	fset, folders := sources(t, "../..", false)
	d := declared(t, "../..")
	for _, folder := range [...]string{"scheduler", "invoker"} {
		var comment string
		var files []string
		for _, file := range folders[folder] {
			if name := filepath.Base(fset.Position(file.Pos()).Filename); strings.HasPrefix(name, "machine_") {
				files = append(files, name)
			}
			for _, declaration := range file.Decls {
				decl, ok := declaration.(*ast.GenDecl)
				if ok && decl.Tok == token.TYPE && decl.Specs[0].(*ast.TypeSpec).Name.Name == "machine" {
					comment = decl.Doc.Text()
				}
			}
		}
		require.NotEmpty(t, files)
		require.Empty(t, unknownMentions(comment, d), folder)
		for _, name := range files {
			require.Contains(t, comment, name)
		}
	}
}

// TestDocsControl is the negative test of unknownMentions.
func TestDocsControl(t *testing.T) {
	d := declared(t, "../..")
	require.Empty(t, unknownMentions("docs_test.go, `internal/archtest`, `TestDocsControl()`, `declarations.has`, `archtest.sources`, "+
		"`archtest.declarations.add`, `declarations.files`, `receiver`, `SUPPRESS`, `a sentence.with spaces`", d))
	require.Equal(t, []string{
		"missing_file.go", "docs/missing.md", "internal/missing", "missingFunction()", "declarations.missing", "archtest.missing", "missingName",
	}, unknownMentions("missing_file.go, docs/missing.md, `internal/missing`, `missingFunction()`, `declarations.missing`, `archtest.missing`, `missingName`", d))
	require.Empty(t, unknownTests("`TestDocsControl`, `TestMissing.go`, TestMissing, `offers.txt`", d))
	require.Equal(t, []string{"TestMissing", "FuzzMissing", "missing.txt"}, unknownTests("`TestMissing`, `FuzzMissing` and `missing.txt`", d))
	require.Equal(t, []string{"| a | 3 | cut | |", "| b | 3 | `T` |"}, boundsWithoutTest(
		"| what | bound | beyond it | test |\n| --- | --- | --- | --- |\n| a | 3 | cut | |\n| b | 3 | `T` |\n| c | none: it waits | | |\n| d | 3 | | `T` |\n"))
}
