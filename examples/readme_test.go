package examples

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/mesosfake"
)

// readmeProgram builds the program of the README in a module of its own. It takes the address of the master as its argument.
func readmeProgram(t *testing.T) (program string) {
	t.Helper()
	first := blocks(t, "../README.md")[0]
	require.True(t, first.isFile())
	const master = `"http://localhost:5050"`
	require.Equal(t, 1, strings.Count(first.code, master))
	dir := outside(t)
	code := strings.Replace(first.code, master, "os.Args[1]", 1)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "main.go"), []byte(code), 0o600))
	program, output, err := buildOutside(t, dir)
	require.NoError(t, err, output)
	return program
}

// The program of the README runs its task once, however its first start ends.
func TestReadmeProgram(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds a program, whose task takes some seconds")
	}
	const done = "hello-1 finished on agent1\n"
	program := readmeProgram(t)
	for name, first := range map[string]struct {
		signal os.Signal // while the task runs; nil: none
		says   string
	}{
		"ends":           {nil, done},
		"is interrupted": {os.Interrupt, ""},
		"is killed":      {syscall.SIGKILL, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cluster := mesosfake.Start(t, mesosfake.Config{Listen: "127.0.0.1:0", Agents: []mesosfake.Agent{{Hostname: "agent1"}}})
			dir := t.TempDir()
			start := func() (cmd *exec.Cmd, stdout, stderr *bytes.Buffer) {
				cmd, stdout, stderr = exec.Command(program, cluster.Master()), &bytes.Buffer{}, &bytes.Buffer{}
				cmd.Dir, cmd.Stdout, cmd.Stderr = dir, stdout, stderr
				require.NoError(t, cmd.Start())
				return cmd, stdout, stderr
			}
			cmd, stdout, stderr := start()
			if first.signal != nil {
				require.NoError(t, cluster.Await(t.Context(), func(s mesosfake.Snapshot) bool {
					hello, found := s.Task("hello-1")
					return found && hello.State == "TASK_RUNNING"
				}))
				require.NoError(t, cmd.Process.Signal(first.signal))
			}
			require.Equal(t, first.signal == nil, cmd.Wait() == nil, stderr)
			require.Equal(t, first.says, stdout.String(), stderr)

			for range 2 {
				cmd, stdout, stderr = start()
				require.NoError(t, cmd.Wait(), stderr)
				require.Equal(t, done, stdout.String())
			}
			s := cluster.Snapshot()
			require.Len(t, s.Tasks, 1, "the task was launched once")
			require.Len(t, s.Frameworks, 1)
			require.Equal(t, "TASK_FINISHED", s.Tasks[0].State)
		})
	}
}
