package archtest

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the rules for imports into .golangci.yml")

const (
	lintConfig = "../../.golangci.yml"
	rulesBegin = "      rules: # written by: go test ./internal/archtest -run Depguard -update\n"
	rulesEnd   = "\nissues:\n"
)

// TestDepguardRules holds the rules for imports in .golangci.yml to the table of this package.
func TestDepguardRules(t *testing.T) {
	text, err := os.ReadFile(lintConfig)
	require.NoError(t, err)
	before, rest, found := strings.Cut(string(text), rulesBegin)
	require.True(t, found)
	_, after, found := strings.Cut(rest, rulesEnd)
	require.True(t, found)
	want := before + rulesBegin + depguardRules() + rulesEnd + after
	if *update {
		require.NoError(t, os.WriteFile(lintConfig, []byte(want), 0o644))
		return
	}
	require.Equal(t, want, string(text), "run this test with -update")
}

// depguardRules writes the table in the form that the linter depguard reads.
func depguardRules() string {
	var b strings.Builder
	b.WriteString(`        tests:
          list-mode: lax
          files: [$test]
          allow: [github.com/stretchr/testify/require]
          deny: [{pkg: github.com/stretchr/testify, desc: of testify only require is used}]
`)
	for _, folder := range slices.Sorted(maps.Keys(imports)) {
		allowed := []string{"$gostd"}
		for _, name := range imports[folder] {
			if first, _, _ := strings.Cut(name, "/"); !strings.Contains(first, ".") {
				name = path.Join(module, name) + "$" // this package, not what is below it
			}
			allowed = append(allowed, name)
		}
		fmt.Fprintf(&b, `        %s:
          list-mode: strict
          files: ["${config-path}/%s/*.go", "!$test"]
          allow:
            - %s
`, folder, folder, strings.Join(allowed, "\n            - "))
	}
	return b.String()
}
