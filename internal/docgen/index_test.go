package docgen

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// docs/README.md has each document.
func TestIndexHasEachDocument(t *testing.T) {
	index, err := os.ReadFile(filepath.Join(root, "docs/README.md"))
	require.NoError(t, err)
	documents, err := filepath.Glob(filepath.Join(root, "docs/*.md"))
	require.NoError(t, err)
	require.NotEmpty(t, documents)
	for _, document := range documents {
		if name := filepath.Base(document); name != "README.md" {
			require.Contains(t, string(index), "]("+name+")")
		}
	}
}
