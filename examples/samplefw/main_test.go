//go:build integration

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// build builds the program as a user would.
func build(t *testing.T) string {
	program := filepath.Join(t.TempDir(), "samplefw")
	out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput()
	require.NoError(t, err, "%s", out)
	return program
}

func TestSampleFramework(t *testing.T) {
	program := build(t)
	for name, row := range map[string]struct {
		args   []string
		env    []string
		code   int
		stdout string
		stderr string // one line, or nothing
	}{
		"main job":         {args: []string{"-hold", "100ms"}, stdout: "done: 3 tasks ran; how they ended: map[killed:3]"},
		"by environment":   {env: []string{"SAMPLEFW_TASKS=2", "SAMPLEFW_HOLD=0s"}, stdout: "done: 2 tasks ran"},
		"an image":         {args: []string{"-image", "nginx", "-hold", "0s"}, stdout: "done: 3 tasks ran"},
		"help":             {args: []string{"-h"}, stdout: "-master"},
		"no master":        {args: []string{"-master", "127.0.0.1:1", "-timeout", "1s"}, code: 1, stderr: "connection refused"},
		"no capacity":      {args: []string{"-tasks", "1000", "-timeout", "1s"}, code: 1, stderr: "not all tasks run within 1s: no capacity: "},
		"a task that ends": {args: []string{"-command", "exit 3", "-hold", "1s"}, code: 0, stdout: "done"},
		"bad role":         {args: []string{"-role", "a b"}, code: 1, stderr: "subscription refused"},
		"bad master":       {args: []string{"-master", "ftp://x"}, code: 1, stderr: `Master: "ftp://x": must be a zk URL`},
		"bad flag":         {args: []string{"-x"}, code: 1, stderr: "flag provided but not defined: -x"},
		"bad number":       {args: []string{"-tasks", "0"}, code: 1, stderr: "-tasks 0 (at least 1)"},
		"bad store":        {args: []string{"-store", "x"}, code: 1, stderr: "-store needs a -master that outlives the program"},
		"bad environment":  {env: []string{"SAMPLEFW_HOLD=long"}, code: 1, stderr: `SAMPLEFW_HOLD="long"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command(program, row.args...)
			cmd.Env = append(os.Environ(), row.env...)
			var stdout, stderr bytes.Buffer
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			_ = cmd.Run()
			require.Equal(t, row.code, cmd.ProcessState.ExitCode(), "%s%s", &stdout, &stderr)
			require.Contains(t, stdout.String(), row.stdout)
			if row.stderr == "" {
				require.Empty(t, stderr.String())
				return
			}
			require.Contains(t, stderr.String(), row.stderr)
			require.Equal(t, 1, strings.Count(stderr.String(), "\n"), "one line: %s", &stderr)
		})
	}
}

// An interrupt ends the holding: tasks are killed and the framework is torn down.
func TestInterrupt(t *testing.T) {
	program := build(t)
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(sig.String(), func(t *testing.T) {
			cmd := exec.Command(program, "-hold", "1h")
			stdout, err := cmd.StdoutPipe()
			require.NoError(t, err)
			require.NoError(t, cmd.Start())
			var last string
			for lines := bufio.NewScanner(stdout); lines.Scan(); {
				last = lines.Text()
				if strings.Contains(last, "holding") {
					require.NoError(t, cmd.Process.Signal(sig))
				}
			}
			require.NoError(t, cmd.Wait())
			require.Contains(t, last, "map[killed:3]")
		})
	}
}

func TestJSONLog(t *testing.T) {
	out, err := exec.Command(build(t), "-log", "json", "-hold", "0s").Output()
	require.NoError(t, err)
	states := map[string]int{}
	for line := range strings.Lines(string(out)) {
		var entry map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &entry), line)
		if state, ok := entry["state"].(string); ok {
			states[state]++
		}
	}
	require.Equal(t, 3, states["running"])
	require.Equal(t, 3, states["killed"])
}
