package docgen

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// docs/concepts.md has all states, in its table and its diagram, and says of each whether it counts as ended.
func TestConceptsStates(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "docs/concepts.md"))
	require.NoError(t, err)
	diagram, err := os.ReadFile(filepath.Join(root, "docs/states.svg"))
	require.NoError(t, err)
	rows := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if cells := strings.Split(line, " | "); len(cells) == 4 {
			rows[cells[0]] = strings.TrimSuffix(strings.TrimSpace(cells[3]), " |")
		}
	}
	for state := task.StatePending; state <= task.StateUnknown; state++ {
		require.Equal(t, map[bool]string{true: "yes", false: "no"}[state.Terminal()], rows[fmt.Sprintf("| `%s`", state)], state.String())
		require.Contains(t, string(diagram), ">"+state.String()+"</text>")
	}
}
