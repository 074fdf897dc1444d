package docgen

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	troubleshooting = "docs/troubleshooting.md"
	indexHead       = `## Index

<!-- Written by: go test ./internal/docgen -run Troubleshooting -update. It keeps the sections; those of new texts are added by hand. -->

`
	noSection = "(none)"
)

// entry is a line of the index: a text and the package that says it.
type entry struct{ folder, text string }

// sections returns the headings of the part before the index, by their anchors, and what each section says.
func sections(document string) (headings, content map[string]string) {
	headings, content = map[string]string{}, map[string]string{}
	for _, part := range strings.Split("\n"+document, "\n### ")[1:] {
		heading, text, _ := strings.Cut(part, "\n")
		headings[anchor(heading)], content[anchor(heading)] = heading, text
	}
	return headings, content
}

// indexed returns the anchors of the sections that an index has, by text.
func indexed(index string) map[entry]string {
	found := map[entry]string{}
	folder := ""
	row := regexp.MustCompile("^\\| `(.*)` \\| (?:\\[.*\\]\\(#(.*)\\)|(.*)) \\|$")
	for line := range strings.Lines(index) {
		line = strings.TrimSpace(line)
		if name, isHeading := strings.CutPrefix(line, "**"); isHeading {
			folder = strings.TrimSuffix(name, "**")
		} else if cells := row.FindStringSubmatch(line); cells != nil {
			at := entry{folder, strings.ReplaceAll(cells[1], `\|`, "|")}
			if section := cells[2] + cells[3]; found[at] == "" || section != noSection { // both sides of a conflict may be there
				found[at] = section
			}
		}
	}
	return found
}

// writeIndex writes the index of texts, with the sections that they had, and those without one in unexplained.
func writeIndex(said map[string][]string, had map[entry]string, headings map[string]string) (index string, unexplained []string) {
	var b strings.Builder
	for _, folder := range slices.Sorted(maps.Keys(said)) {
		if len(said[folder]) == 0 {
			continue
		}
		fmt.Fprintf(&b, "**%s**\n\n| text | section |\n| --- | --- |\n", folder)
		for _, text := range said[folder] {
			to, section := had[entry{folder, text}], noSection
			if heading := headings[to]; heading != "" {
				section = fmt.Sprintf("[%s](#%s)", heading, to)
			} else {
				unexplained = append(unexplained, folder+": "+text)
			}
			fmt.Fprintf(&b, "| `%s` | %s |\n", strings.ReplaceAll(text, "|", `\|`), section)
		}
		b.WriteString("\n")
	}
	return strings.TrimSuffix(b.String(), "\n"), unexplained
}

// docs/troubleshooting.md has each text of an error and each warning, and a section that says what to do about it.
func TestTroubleshootingDocument(t *testing.T) {
	is, err := os.ReadFile(filepath.Join(root, troubleshooting))
	require.NoError(t, err)
	byHand, index, found := strings.Cut(string(is), indexHead)
	require.True(t, found)
	headings, content := sections(byHand)
	for heading, text := range content {
		for _, part := range []string{"**Symptom.**", "**Cause.**", "**What to do.**"} {
			require.Contains(t, text, part, heading)
		}
	}
	said, fset := map[string][]string{}, token.NewFileSet()
	for _, folder := range promisedFolders(t) {
		if folder != "scheduler/internal/mastertext" { // what Mesos says
			said[folder] = texts(parseFolder(t, fset, folder))
		}
	}
	want, unexplained := writeIndex(said, indexed(index), headings)
	requireDocument(t, troubleshooting, byHand+indexHead+want)
	require.Empty(t, strings.Join(unexplained, "\n"), "texts that no section of %s explains: write one, and its anchor as [](#anchor) into the index, in place of %s", troubleshooting, noSection)
}

// The control: a new text of an error is missing in the index, and so is one whose section does not exist.
func TestTroubleshootingControl(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "x.go", `package x

import "errors"

var errOld, errNew, errOther = errors.New("x: old"), fmt.Errorf("x: %w is a | new one"+" of %d", io.EOF, 1), errors.New("x: other")

func f(log *slog.Logger, s string) (string, error) {
	if strings.Contains(s, "a text to look for") { log.Info("nothing to know", "key", "v") }
	log.Warn("election", "key", 1)
	return "mem: " + s + " is short", &E{Reason: "must be so", Name: "name"}
}

func (E) String() string { return "not an error" }
`, 0)
	require.NoError(t, err)
	said := map[string][]string{"x": texts([]*ast.File{file})}
	require.Equal(t, []string{"election", "mem: … is short", "must be so", "x: old", "x: other", "x: … is a | new one of …"}, said["x"])

	headings, content := sections("# T\n\n### A thing\n\ntext\n\n### Another\n")
	require.Equal(t, map[string]string{"a-thing": "A thing", "another": "Another"}, headings)
	require.Contains(t, content["a-thing"], "text")
	had := indexed("**x**\n\n| text | section |\n| --- | --- |\n| `x: old` | [A thing](#a-thing) |\n| `x: old` | (none) |\n| `election` | [](#another) |\n| `x: other` | [Gone](#gone) |\n| `x: … is a \\| new one of …` | (none) |\n")
	index, unexplained := writeIndex(said, had, headings)
	require.Equal(t, []string{"x: mem: … is short", "x: must be so", "x: x: other", "x: x: … is a | new one of …"}, unexplained)
	require.Contains(t, index, "| `election` | [Another](#another) |\n| `mem: … is short` | (none) |\n")
	require.Equal(t, index, first(writeIndex(said, indexed(index), headings)), "what was written is read again")
}

func first(index string, _ []string) string { return index }
