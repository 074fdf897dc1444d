package examples

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// brokenLinks returns the links of a document to files that are not there, and to headings that do not exist.
func brokenLinks(t *testing.T, document, text string) (broken []string) {
	t.Helper()
	headings := map[string][]string{}                                         // by file: large documents are linked to many times
	text = regexp.MustCompile("(?ms)^```.*?^```$").ReplaceAllString(text, "") // code has no links
	for _, link := range regexp.MustCompile(`\]\(([^)\s]+)\)`).FindAllStringSubmatch(text, -1) {
		file, heading, _ := strings.Cut(link[1], "#")
		if strings.Contains(file, "://") {
			continue
		}
		name := filepath.Join(filepath.Dir(document), file)
		if file != "" {
			if _, err := os.Stat(name); err != nil {
				broken = append(broken, link[1])
				continue
			}
		}
		if heading == "" {
			continue
		}
		if _, known := headings[file]; !known {
			content := text
			if file != "" {
				other, err := os.ReadFile(name)
				require.NoError(t, err)
				content = string(other)
			}
			headings[file] = anchors(content)
		}
		if !slices.Contains(headings[file], heading) {
			broken = append(broken, link[1])
		}
	}
	return broken
}

// anchors returns what GitHub names the headings of a document.
func anchors(text string) (names []string) {
	dropped := regexp.MustCompile(`[^\pL\pN _-]`)
	for _, heading := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(text, -1) {
		name := dropped.ReplaceAllString(strings.ToLower(heading[1]), "")
		names = append(names, strings.ReplaceAll(name, " ", "-"))
	}
	return names
}

func TestDocumentsLinks(t *testing.T) {
	documents, err := filepath.Glob("../docs/*.md")
	require.NoError(t, err)
	others, err := filepath.Glob("../*.md")
	require.NoError(t, err)
	for _, document := range append(documents, others...) {
		text, err := os.ReadFile(document)
		require.NoError(t, err)
		require.Empty(t, brokenLinks(t, document, string(text)), document)
	}
}

// The control: links to files and headings that do not exist.
func TestDocumentsLinksControl(t *testing.T) {
	text := "# A heading, here\n[a](#a-heading-here) [b](#another) [c](README.md) [d](missing.md) [e](https://example.com/x) [f](docs/README.md#documents) [g](docs/README.md#no)"
	require.Equal(t, []string{"#another", "missing.md", "docs/README.md#no"}, brokenLinks(t, "../x.md", text))
}
