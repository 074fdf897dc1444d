package docgen

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/doc"
	"go/parser"
	"go/printer"
	"go/token"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"
)

// configured are the structs that docs/configuration.md begins with, by folder. The types of their fields follow.
var configured = []struct{ folder, name, introduction string }{
	{"scheduler", "Config", "The scheduler: `scheduler.New(scheduler.Config{…})`."},
	{"task", "Spec", "A task: `s.Submit(ctx, task.Spec{…})`. The names in brackets are those in JSON."},
	{"taskmatcher", "Scored", "Matchers, for `scheduler.Config.Matcher`: `FirstFit`, `BestFit` and `Spread` have the Options alone, and `Scored` has a filter and a score."},
	{"taskmatcher", "Options", ""},
	{"ha/cluster", "Config", "A member of an election by Raft: `cluster.New(cluster.Config{…})`."},
	{"ha/zookeeper", "Config", "A member of an election by ZooKeeper: `zookeeper.New(zookeeper.Config{…})`."},
	{"controlapi", "Config", "The control API of a framework, and its page: `controlapi.New(controlapi.Config{…})`."},
	{"controlapi", "ClientConfig", "A client of the control API: `controlapi.NewClient(controlapi.ClientConfig{…})`."},
	{"scheduler", "LogOptions", "The output of a task: `s.Logs(ctx, id, scheduler.LogOptions{…})`."},
	{"metrics", "Sources", "Metrics for Prometheus: `metrics.Register(registerer, metrics.Sources{…})`."},
	{"invoker", "Config", "An invoker: `invoker.New(invoker.Config{…})`."},
	{"invoker", "Action", "An action, for `inv.Invoke(ctx, &action, …)`."},
	{"invoker", "Activation", ""},
	{"invoker/procengine", "Config", "Local processes as containers: `procengine.New(procengine.Config{…})`."},
	{"invoker/mesosengine", "Config", "Tasks of a framework as containers: `mesosengine.New(s, mesosengine.Config{…})`."},
	{"mesosfake", "Config", "The fake cluster for tests: `mesosfake.Start(t, mesosfake.Config{…})`."},
}

const configurationHead = `# Configuration

<!-- Written by: go test ./internal/docgen -run Configuration -update -->

Every field of every struct that configures something, as its documentation says. A zero value stands for the default: set only what
you want to be different. Times are of type ` + "`time.Duration`" + `, in JSON a number of nanoseconds.

`

// typeDoc is a type with its documentation.
type typeDoc struct {
	folder, pkg string
	*doc.Type
	spec *ast.TypeSpec
}

func (d *typeDoc) title() string { return d.pkg + "." + d.Name }

// writer writes the tables of structs.
type writer struct {
	t       *testing.T
	fset    *token.FileSet
	types   map[string]*typeDoc // by "pkg.Name"
	written map[string]bool
	out     strings.Builder
	missing []string // fields without documentation
}

func newWriter(t *testing.T, folders ...string) *writer {
	w := &writer{t: t, fset: token.NewFileSet(), types: map[string]*typeDoc{}, written: map[string]bool{}}
	for _, folder := range folders {
		w.add(folder, parseFolder(t, w.fset, folder))
	}
	return w
}

func (w *writer) add(folder string, files []*ast.File) {
	p, err := doc.NewFromFiles(w.fset, files, module+"/"+folder, doc.PreserveAST)
	require.NoError(w.t, err)
	for _, d := range p.Types {
		td := &typeDoc{folder: folder, pkg: p.Name, Type: d, spec: d.Decl.Specs[0].(*ast.TypeSpec)}
		w.types[td.title()] = td
	}
}

// write writes a struct, and those of its fields that were not written yet.
func (w *writer) write(name, introduction string) {
	if w.written[name] {
		return
	}
	w.written[name] = true
	d := w.types[name]
	require.NotNil(w.t, d, name)
	fmt.Fprintf(&w.out, "## %s\n\n", name)
	if introduction != "" {
		fmt.Fprintf(&w.out, "%s\n\n", introduction)
	}
	fmt.Fprintf(&w.out, "%s\n\n", strings.Join(paragraphs(d.Doc), "\n\n"))
	switch of := d.spec.Type.(type) {
	case *ast.StructType:
		w.fields(d, of)
	default:
		w.constants(d)
	}
}

func (w *writer) fields(d *typeDoc, of *ast.StructType) {
	w.out.WriteString("| field | type | default | |\n| --- | --- | --- | --- |\n")
	var follow []string
	for _, field := range of.Fields.List {
		names := exported(field)
		if len(names) == 0 {
			continue
		}
		text := field.Doc.Text() + field.Comment.Text()
		if text == "" && d.Doc == "" {
			w.missing = append(w.missing, d.title()+"."+names[0])
		}
		usual, rest := splitDefault(text)
		next := w.structOf(d.pkg, field.Type)
		if usual == "" {
			usual = zero(field.Type, next != nil)
		}
		kind := "`" + w.source(field.Type) + "`"
		if next != nil {
			kind = fmt.Sprintf("[%s](#%s)", kind, anchor(next.title()))
			follow = append(follow, next.title())
		}
		fmt.Fprintf(&w.out, "| %s%s | %s | %s | %s |\n", "`"+strings.Join(names, "`, `")+"`", jsonName(field), strings.ReplaceAll(kind, "|", `\|`), usual, strings.Join(rest, "<br>"))
	}
	w.out.WriteString("\n")
	for _, name := range follow {
		w.write(name, "")
	}
}

// constants writes the values of a type that is no struct.
func (w *writer) constants(d *typeDoc) {
	w.out.WriteString("| value | |\n| --- | --- |\n")
	for _, group := range d.Consts {
		for _, spec := range group.Decl.Specs {
			value := spec.(*ast.ValueSpec)
			fmt.Fprintf(&w.out, "| `%s` | %s |\n", value.Names[0].Name, strings.Join(paragraphs(value.Doc.Text()+value.Comment.Text()), "<br>"))
		}
	}
	w.out.WriteString("\n")
}

// structOf returns the type that a field is made of if the document has a section for it: a struct with exported fields, or a
// type with named values.
func (w *writer) structOf(pkg string, of ast.Expr) *typeDoc {
	switch of := of.(type) {
	case *ast.StarExpr:
		return w.structOf(pkg, of.X)
	case *ast.ArrayType:
		return w.structOf(pkg, of.Elt)
	case *ast.MapType:
		return w.structOf(pkg, of.Value)
	case *ast.SelectorExpr:
		return w.section(w.source(of))
	case *ast.Ident:
		return w.section(pkg + "." + of.Name)
	}
	return nil
}

func (w *writer) section(name string) *typeDoc {
	d := w.types[name]
	if d == nil {
		return nil
	}
	of, isStruct := d.spec.Type.(*ast.StructType)
	if isStruct && slices.ContainsFunc(of.Fields.List, func(f *ast.Field) bool { return len(exported(f)) > 0 }) || len(d.Consts) > 0 {
		return d
	}
	return nil
}

func (w *writer) source(node ast.Node) string {
	var b bytes.Buffer
	require.NoError(w.t, printer.Fprint(&b, w.fset, node))
	return b.String()
}

func exported(field *ast.Field) (names []string) {
	for _, name := range field.Names {
		if name.IsExported() {
			names = append(names, name.Name)
		}
	}
	return names
}

// jsonName returns the name of a field in JSON in brackets, if it has a tag.
func jsonName(field *ast.Field) string {
	if field.Tag == nil {
		return ""
	}
	tag := regexp.MustCompile(`json:"(\w+)`).FindStringSubmatch(field.Tag.Value)
	if tag == nil {
		return ""
	}
	return " (`" + tag[1] + "`)"
}

// zero returns the default of a field whose documentation names none.
func zero(of ast.Expr, section bool) string {
	switch of := of.(type) {
	case *ast.Ident:
		switch {
		case of.Name == "bool":
			return "false"
		case of.Name == "string" || section:
			return ""
		}
		return "0"
	case *ast.StarExpr, *ast.ArrayType, *ast.MapType, *ast.FuncType:
		return "none"
	}
	return ""
}

// splitDefault returns what a comment says about the default, and its other sentences by paragraph.
func splitDefault(text string) (usual string, rest []string) {
	starts := regexp.MustCompile(`^(?:Defaults?:? |(Required|Nil|Empty|0)\b)`)
	for _, paragraph := range paragraphs(text) {
		var kept []string
		for _, sentence := range sentences(paragraph) {
			begin := starts.FindStringSubmatch(sentence)
			if begin == nil || usual != "" {
				kept = append(kept, sentence)
				continue
			}
			usual = strings.TrimSuffix(strings.TrimPrefix(sentence, begin[0]), ".")
			switch begin[1] {
			case "":
			case "Required":
				usual = "**required**" + usual
			default:
				usual = strings.ToLower(begin[1]) + usual
			}
		}
		if len(kept) > 0 {
			rest = append(rest, strings.Join(kept, " "))
		}
	}
	return usual, rest
}

// sentences divides a paragraph behind full stops that a capital letter follows.
func sentences(paragraph string) (all []string) {
	for from := 0; ; {
		at := strings.Index(paragraph[from:], ". ")
		if at < 0 {
			return append(all, paragraph)
		}
		from += at + 2
		if next := rune(paragraph[from]); unicode.IsUpper(next) || next == '`' || next == '0' {
			all = append(all, paragraph[:from-1])
			paragraph, from = paragraph[from:], 0
		}
	}
}

// paragraphs returns the paragraphs of a comment in Markdown, each on one line.
func paragraphs(text string) (all []string) {
	for part := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		if strings.HasPrefix(part, "\t") { // code
			for line := range strings.Lines(part) {
				all = append(all, "`"+strings.TrimSpace(line)+"`")
			}
			continue
		}
		part = strings.Join(strings.Fields(part), " ")
		part = strings.NewReplacer("|", `\|`, "*", `\*`, "<", "&lt;").Replace(part)
		part = regexp.MustCompile(`\[((?:\\\*)?[A-Za-z][\w./]*)\]`).ReplaceAllStringFunc(part, func(link string) string {
			return "`" + strings.ReplaceAll(link[1:len(link)-1], `\*`, "*") + "`"
		})
		if part != "" {
			all = append(all, part)
		}
	}
	return all
}

// anchor returns what GitHub names a heading.
func anchor(heading string) string {
	return strings.ReplaceAll(regexp.MustCompile(`[^\w -]`).ReplaceAllString(strings.ToLower(heading), ""), " ", "-")
}

// docs/configuration.md has each field of each struct that configures something.
func TestConfigurationDocument(t *testing.T) {
	var folders []string
	for _, c := range configured {
		if !slices.Contains(folders, c.folder) {
			folders = append(folders, c.folder)
		}
	}
	w := newWriter(t, folders...)
	var contents strings.Builder
	for _, c := range configured {
		name := c.folder[strings.LastIndex(c.folder, "/")+1:] + "." + c.name
		w.write(name, c.introduction)
	}
	require.Empty(t, w.missing, "fields without a comment")
	for _, heading := range regexp.MustCompile(`(?m)^## (.*)$`).FindAllStringSubmatch(w.out.String(), -1) {
		fmt.Fprintf(&contents, "[%s](#%s) · ", heading[1], anchor(heading[1]))
	}
	requireDocument(t, "docs/configuration.md", configurationHead+strings.TrimSuffix(contents.String(), " · ")+"\n\n"+strings.TrimSpace(w.out.String())+"\n")
}

// The control: a field without a comment is found, and what is the default of one is told from the rest.
func TestConfigurationControl(t *testing.T) {
	w := newWriter(t)
	file, err := parser.ParseFile(w.fset, "x.go", `package x

type Config struct {
	// A is a [*Thing]. It counts.
	// Default 5 s, with b|c 6 s. See d.
	//
	// Nil: never.
	A *time.Duration
	B bool
	c int
}
`, parser.ParseComments)
	require.NoError(t, err)
	w.add("x", []*ast.File{file})
	w.write("x.Config", "")
	require.Equal(t, []string{"x.Config.B"}, w.missing)
	require.Contains(t, w.out.String(), "| `A` | `*time.Duration` | 5 s, with b\\|c 6 s | A is a `*Thing`. It counts. See d.<br>Nil: never. |\n| `B` | `bool` | false |  |\n\n")
}

func TestFirstDifference(t *testing.T) {
	require.Empty(t, firstDifference("a\nb\n", "a\nb\n"))
	require.Equal(t, "2: c", firstDifference("a\nb\n", "a\nc\n"))
	require.Equal(t, "2: b", firstDifference("a", "a\nb"))
	require.Equal(t, "2: ", firstDifference("a\nb", "a"))
}
