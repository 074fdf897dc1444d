package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
)

// opened returns where a process with these flags listens and what address it tells others, or why it does not.
func opened(t *testing.T, args ...string) (listens, told string, err error) {
	t.Helper()
	var o haOptions
	cmd := memberCommand(&o)
	require.NoError(t, cmd.ParseFlags(args))
	if err := o.service.check(cmd); err != nil {
		return "", "", err
	}
	l, told, err := o.open()
	if err != nil {
		return "", "", err
	}
	return l.Addr().String(), told, l.Close()
}

// A process listens at --api, or at --api-listen, and tells others the former. Beyond loopback a token is needed.
func TestAddressOfTheAPI(t *testing.T) {
	listens, told, err := opened(t, "--api", "127.0.0.1:0")
	require.NoError(t, err)
	require.Equal(t, listens, told, "the port that was free")
	listens, told, err = opened(t, "--api", "m1.example:80", "--api-listen", "127.0.0.1:0")
	require.NoError(t, err)
	require.NotEqual(t, "127.0.0.1:80", listens)
	require.Equal(t, "m1.example:80", told)

	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	_, _, err = opened(t, "--api", taken.Addr().String())
	require.ErrorContains(t, err, "address already in use")

	for _, args := range [][]string{{"--insecure"}, {"--token", "t"}, {"--token-file", file(t, "t")}} {
		_, told, err = opened(t, append(args, "--api", "m1:80", "--api-listen", "0.0.0.0:0")...)
		require.NoError(t, err)
		require.Equal(t, "m1:80", told)
	}
	_, _, err = opened(t, "--api", "m1:80", "--api-listen", "0.0.0.0:0")
	require.ErrorContains(t, err, "set SAMPLEFW_TOKEN, --token or --token-file, or --insecure")
	_, _, err = opened(t, "--api-listen", "127.0.0.1:0")
	require.ErrorContains(t, err, "without the --api at which others reach this process")
	_, _, err = opened(t, "--api", "m1:80", "--api-listen", "0.0.0.0:0", "--token-file", "/dev/null")
	require.ErrorContains(t, err, "--token-file: /dev/null is empty")
}

// The default port is not an error where another process has it: the next process takes a free one.
func TestDefaultPortInUse(t *testing.T) {
	if l, err := net.Listen("tcp", defaultAPI); err == nil { // else another process has it, which is as good
		defer l.Close()
	}
	listens, told, err := opened(t)
	require.NoError(t, err)
	require.Equal(t, listens, told)
	require.NotEqual(t, defaultAPI, told)
}

// A framework serves its API, its page and its metrics, all behind its token but for the page.
func TestServedByRun(t *testing.T) {
	address := freeAddresses(1)[0]
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- perform(ctx, []string{"run", "--api", address, "--token", "s3cret", "--hold", "1h", "--log", "json"})
	}()
	defer func() { stop(); require.NoError(t, <-ended) }()
	get := func(path, token string) (int, string) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+path, nil)
		require.NoError(t, err)
		if token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		response, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		return response.StatusCode, string(body)
	}
	require.NoError(t, until(t.Context(), demoPatience, func(ctx context.Context) error {
		_, err := tool(ctx, "", "ls", "--at", address, "--token", "s3cret")
		return err
	}))
	for _, path := range []string{"/v1/tasks", "/v1/status", "/metrics"} {
		status, _ := get(path, "")
		require.Equal(t, http.StatusUnauthorized, status, path)
		status, _ = get(path, "s3cret")
		require.Equal(t, http.StatusOK, status, path)
	}
	_, body := get("/metrics", "s3cret")
	require.Contains(t, body, `framework="samplefw"`)
	require.Contains(t, body, "go_goroutines")
	status, _ := get("/healthz", "")
	require.Equal(t, http.StatusOK, status)
}

// The scripts for completion are valid for the shells that are installed.
func TestCompletionScripts(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish"} {
		t.Run(shell, func(t *testing.T) {
			script, err := tool(t.Context(), "", "completion", shell)
			require.NoError(t, err)
			require.Contains(t, script, "samplefw")
			if _, err := exec.LookPath(shell); err != nil && shell != "bash" {
				return
			}
			out, err := exec.Command(shell, "-n", file(t, script)).CombinedOutput()
			require.NoError(t, err, "%s", out)
		})
	}
}
