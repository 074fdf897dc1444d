//go:build linux

package procengine

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/invoker"
)

// Of a long stream the beginning is freed: sizes and offsets stay, and who reads there is told where the rest begins.
func TestLongOutputIsFreed(t *testing.T) {
	const mib = 1 << 20
	cfg := config(t)
	cfg.OutputLimit = mib
	cfg.Kinds["long"] = []string{"sh", "-c", "head -c 5000000 /dev/zero | tr '\\0' x; echo end; exec sleep 1000"}
	e := open(t, cfg)
	in, err := e.Create(t.Context(), "c", invoker.Spec{Shape: invoker.Shape{Kind: "long"}})
	require.NoError(t, err)
	const size = 5_000_004
	buf := make([]byte, 8)
	require.Eventually(t, func() bool {
		_, got, err := e.ReadOutput(t.Context(), in, invoker.Stdout, 0, buf)
		require.NoError(t, err)
		return got == size
	}, time.Minute, time.Millisecond)
	name := filepath.Join(cfg.Dir, "c", "stdout")
	before := blocks(t, name)

	require.NoError(t, e.free(time.Now()))
	const from = 3 * mib // so that at least OutputLimit is left, in whole MiB
	_, got, err := e.ReadOutput(t.Context(), in, invoker.Stdout, from-1, buf)
	var gone *invoker.OutputGoneError
	require.ErrorAs(t, err, &gone)
	require.Equal(t, int64(from), gone.From)
	require.Equal(t, int64(size), got)
	n, got, err := e.ReadOutput(t.Context(), in, invoker.Stdout, from, buf)
	require.NoError(t, err)
	require.Equal(t, int64(size), got)
	require.Equal(t, "xxxxxxxx", string(buf[:n]))
	n, _, err = e.ReadOutput(t.Context(), in, invoker.Stdout, size-5, buf)
	require.NoError(t, err)
	require.Equal(t, "xend\n", string(buf[:n]))
	require.Equal(t, int64(from/512), before-blocks(t, name), "the space is given back")

	n, got, err = e.ReadOutput(t.Context(), in, invoker.Stdout, 0, nil)
	require.NoError(t, err, "no byte is asked for, so that none is gone")
	require.Zero(t, n)
	require.Equal(t, int64(size), got)

	require.NoError(t, e.free(time.Now()), "there is nothing more to free")
	_, _, err = e.ReadOutput(t.Context(), in, invoker.Stdout, from, buf)
	require.NoError(t, err)
}

// blocks returns how many units of 512 bytes a file takes.
func blocks(t *testing.T, name string) int64 {
	var s syscall.Stat_t
	require.NoError(t, syscall.Stat(name, &s))
	return s.Blocks
}

// The output of a container that has ended is removed after its time, that of one that runs is not.
func TestOldOutputIsRemoved(t *testing.T) {
	cfg := config(t)
	cfg.KeepOutput = time.Minute
	e := open(t, cfg)
	for _, id := range []string{"ended", "runs"} {
		_, err := e.Create(t.Context(), id, testSpec())
		require.NoError(t, err)
	}
	require.NoError(t, e.Destroy(t.Context(), "ended"))
	require.NoError(t, os.WriteFile(filepath.Join(cfg.Dir, "notes"), nil, 0o600)) // somebody's own
	require.NoError(t, e.free(time.Now().Add(50*time.Second)))
	require.DirExists(t, filepath.Join(cfg.Dir, "ended"))
	require.NoError(t, e.free(time.Now().Add(61*time.Second)))
	require.NoDirExists(t, filepath.Join(cfg.Dir, "ended"))
	require.DirExists(t, filepath.Join(cfg.Dir, "runs"))
	require.FileExists(t, filepath.Join(cfg.Dir, "notes"))
}

// A container gets nothing of the invoker's environment but PATH.
func TestEnvironmentIsNotInherited(t *testing.T) {
	t.Setenv("SECRET", "of the invoker")
	cfg := config(t)
	cfg.Kinds["env"] = []string{"env"}
	e := open(t, cfg)
	changes := e.Watch(t.Context())
	in, err := e.Create(t.Context(), "c", invoker.Spec{
		Shape: invoker.Shape{Kind: "env"}, Env: map[string]string{"A.b-c": "1", "PORT0": "1", "HOME": "/somewhere"},
	})
	require.NoError(t, err)
	for change := range changes {
		require.Equal(t, invoker.Change{ID: "c", Agent: in.Agent, State: invoker.Gone, Reason: "exited with status 0"}, change)
		break
	}
	buf := make([]byte, 4096)
	n, _, err := e.ReadOutput(t.Context(), in, invoker.Stdout, 0, buf)
	require.NoError(t, err)
	_, port, _ := strings.Cut(in.Address, ":")
	require.ElementsMatch(t, []string{
		"A.b-c=1", "HOME=/somewhere", "HOST=127.0.0.1", "INVOKER_CONTAINER=" + filepath.Join(cfg.Dir, "c"), "PATH=" + os.Getenv("PATH"),
		"PORT0=" + port, "",
	}, strings.Split(string(buf[:n]), "\n"))
}
