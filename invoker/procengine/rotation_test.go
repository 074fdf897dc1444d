//go:build linux

package procengine

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/invoker"
)

// An operator's logrotate copies and truncates the files of a container that goes on printing.
func TestOutputThatIsTruncatedGoesOn(t *testing.T) {
	cfg := config(t)
	cfg.Kinds["silent"] = []string{"sleep", "1000"}
	e := open(t, cfg)
	in, err := e.Create(t.Context(), "c", invoker.Spec{Shape: invoker.Shape{Kind: "silent"}})
	require.NoError(t, err)
	name := filepath.Join(cfg.Dir, "c", "stdout")
	f, err := os.OpenFile(name, os.O_APPEND|os.O_WRONLY, 0) // as the container has it
	require.NoError(t, err)
	defer f.Close()
	write := func(text string) {
		_, err := f.WriteString(text)
		require.NoError(t, err)
	}
	read := func(offset int64) (string, int64, error) {
		buf := make([]byte, 100)
		n, size, err := e.ReadOutput(t.Context(), in, invoker.Stdout, offset, buf)
		return string(buf[:n]), size, err
	}
	holds := func(offset int64, want string) {
		t.Helper()
		text, size, err := read(offset)
		require.NoError(t, err)
		require.Equal(t, want, text)
		require.Equal(t, offset+int64(len(want)), size)
	}
	write("one\n")
	holds(0, "one\n")
	write("two\n")
	data, err := os.ReadFile(name)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(name+".1", data, 0o600))
	require.NoError(t, os.Truncate(name, 0))
	write("three\n")
	text, _, err := read(4)
	require.NoError(t, err)
	require.Equal(t, "two\n", text)
	holds(8, "three\n")

	write("lost\n")
	require.NoError(t, os.Truncate(name, 0))
	write("four\n")
	_, _, err = read(14)
	var gone *invoker.OutputGoneError
	require.ErrorAs(t, err, &gone)
	require.EqualValues(t, 15, gone.From)
	holds(15, "four\n")
	_, size, err := e.ReadOutput(t.Context(), in, invoker.Stdout, 0, nil)
	require.NoError(t, err)
	require.EqualValues(t, 20, size, "no byte is asked for, so that none is gone")
}
