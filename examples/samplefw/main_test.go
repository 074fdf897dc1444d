//go:build integration

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
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
		"main job":         {args: []string{"--hold", "100ms"}, stdout: "done: 3 tasks ran; how they ended: map[killed:3]"},
		"a single dash":    {args: []string{"-tasks", "2", "-hold=0s"}, stdout: "done: 2 tasks ran"},
		"the run command":  {args: []string{"run", "--hold", "0s"}, stdout: "done: 3 tasks ran"},
		"by environment":   {env: []string{"SAMPLEFW_TASKS=2", "SAMPLEFW_HOLD=0s"}, stdout: "done: 2 tasks ran"},
		"an image":         {args: []string{"--image", "nginx", "--hold", "0s"}, stdout: "done: 3 tasks ran"},
		"help":             {args: []string{"-h"}, stdout: "--master"},
		"no master":        {args: []string{"--master", "127.0.0.1:1", "--timeout", "1s"}, code: 1, stderr: "connection refused"},
		"no capacity":      {args: []string{"--tasks", "1000", "--timeout", "1s"}, code: 1, stderr: "not all tasks run within 1s: no capacity: "},
		"every task fails": {args: []string{"--command", "exit 3"}, code: 1, stdout: "all 3 tasks run", stderr: "3 of 3 tasks failed: scheduler: task sample-"},
		"all tasks finish": {args: []string{"--command", "true", "--hold", "1h"}, stdout: "done: 3 tasks ran; how they ended: map[finished:3]"},
		"none can start":   {args: []string{"--command", "true", "--image", "not an image"}, code: 1, stderr: "Image"},
		"the cluster":      {args: []string{"--hold", "0s"}, stdout: "a fake cluster runs in this process, with its master at http://127.0.0.1:"},
		"several roles":    {args: []string{"--role", "a,b", "--hold", "0s"}, stdout: "done: 3 tasks ran"},
		"bad role":         {args: []string{"--role", "a b"}, code: 1, stderr: "subscription refused"},
		"repeated role":    {args: []string{"--role", "a,a"}, code: 1, stderr: "holds an empty or repeated role"},
		"bad master":       {args: []string{"--master", "ftp://x"}, code: 1, stderr: `Master: "ftp://x": must be a zk URL`},
		"commands":         {args: []string{"-h"}, stdout: "  cluster     Runs a fake cluster alone"},
		"bad flag":         {args: []string{"-x"}, code: 2, stderr: "unknown shorthand flag: 'x' in -x (samplefw --help has help)"},
		"bad member flag":  {args: []string{"ha", "-x"}, code: 2, stderr: "unknown shorthand flag: 'x' in -x (samplefw ha --help has help)"},
		"bad value":        {args: []string{"--hold", "x"}, code: 2, stderr: "(samplefw --help has help)"},
		"bad command":      {args: []string{"clutser"}, code: 2, stderr: `"clutser" is not a command; is it cluster? (samplefw --help has help)`},
		"bad number":       {args: []string{"--tasks", "0"}, code: 2, stderr: "--tasks 0 (at least 1) (samplefw --help has help)"},
		"no authorities":   {args: []string{"--ca", "/dev/null"}, code: 1, stderr: "--ca: /dev/null has no certificate in PEM"},
		"no credential":    {args: []string{"--credential", "/dev/null"}, code: 1, stderr: "--credential: /dev/null has 0 words"},
		"empty token":      {args: []string{"--master-token", "/dev/null"}, code: 1, stderr: "--master-token: /dev/null is empty"},
		"no token":         {args: []string{"--master-token", "/no/file"}, code: 1, stderr: "--master-token: the file cannot be read"},
		"bad host":         {args: []string{"--trusted-hosts", "m1, m2:5050"}, code: 1, stderr: `TrustedHosts[1]: "m2:5050": must be a host name`},
		"bad store":        {args: []string{"--store", "x"}, code: 2, stderr: "--store needs a --master that outlives the program"},
		"bad environment":  {env: []string{"SAMPLEFW_HOLD=long"}, code: 2, stderr: `SAMPLEFW_HOLD="long"`},
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
			cmd := exec.Command(program, "--hold", "1h")
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

// "samplefw cluster" serves any client until it is interrupted, and says where.
func TestClusterCommand(t *testing.T) {
	cmd := exec.Command(build(t), "cluster", "--listen", "127.0.0.1:0")
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	said := bufio.NewReader(stdout)
	first, err := said.ReadString('\n')
	require.NoError(t, err)
	url := strings.TrimSuffix(first[strings.Index(first, "http://"):], ".\n")
	response, err := http.Get(url + "/state")
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, http.StatusOK, response.StatusCode)
	require.NoError(t, cmd.Process.Signal(os.Interrupt))
	rest, err := io.ReadAll(said)
	require.NoError(t, err)
	require.Contains(t, string(rest), "Nothing is executed")
	require.Contains(t, string(rest), "Ctrl-C ends it.")
	require.NoError(t, cmd.Wait())
}

func TestJSONLog(t *testing.T) {
	out, err := exec.Command(build(t), "--log", "json", "--hold", "0s").Output()
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
