package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// TestMain runs the test's program as a container, too.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == "runtime" {
		main()
	}
	os.Exit(m.Run())
}

func TestDemonstration(t *testing.T) { checkDemonstration(t, runLocally) }

func TestDemonstrationOnCluster(t *testing.T) { checkDemonstration(t, runOnCluster) }

func checkDemonstration(t *testing.T, run func(context.Context, io.Writer) error) {
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), &out))
	lines := strings.Split(out.String(), "\n")
	require.Len(t, lines, 5, out.String())
	for i, start := range []string{"START", "cold", "warm", "prewarmed", ""} {
		require.True(t, strings.HasPrefix(lines[i], start), lines[i])
		if start == "" || i == 0 {
			continue
		}
		require.Contains(t, lines[i], `{"greeting": "Hello, world!"}  greeting world`)
		initialised := strings.Fields(lines[i])[2] != "0s"
		require.Equal(t, start != "warm", initialised, lines[i])
	}
}

// TestListen has a container started over HTTP.
func TestListen(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	read, write := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- serve("127.0.0.1:0")(ctx, write) }()
	line, err := bufio.NewReader(read).ReadString('\n')
	require.NoError(t, err)
	server := strings.TrimSuffix(regexp.MustCompile(`http://\S+/v1/invoker/`).FindString(line), "v1/invoker/")
	ask := func(method, path, body string) (status int, answer string) {
		r, err := http.NewRequestWithContext(t.Context(), method, server+path, strings.NewReader(body))
		require.NoError(t, err)
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Idempotency-Key", "1")
		response, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		return response.StatusCode, string(text)
	}
	status, answer := ask("PUT", "v1/invoker/sessions/0123456789abcdef", `{}`)
	require.Equal(t, 200, status, answer)
	status, answer = ask("POST", "v1/invoker/containers", `{"session":"0123456789abcdef","kind":"template","memoryMB":128}`)
	require.Equal(t, 201, status, answer)
	status, answer = ask("GET", "", "")
	require.Equal(t, 200, status, answer)
	require.Contains(t, answer, "<!doctype html>")
	interrupt()
	require.NoError(t, <-ended)
}

// TestMembers ends the invoker that leads. What the others hold goes on, and what needs a container waits for another one to lead.
func TestMembers(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, runMembers(t.Context(), &out))
	require.Regexp(t, `^member \d of 3 leads\nmember \d runs an action, \w+\nmember \d is ended\nmeanwhile it ran \d+ times, all warm\nanother action, .* leads\n$`, out.String())
}

// TestInterruptedOnCluster interrupts the demonstration at different instants. The containers are removed all the same.
func TestInterruptedOnCluster(t *testing.T) {
	for _, after := range []time.Duration{0, time.Millisecond, 10 * time.Millisecond, 50 * time.Millisecond} {
		synctest.Test(t, func(t *testing.T) {
			ctx, interrupt := context.WithTimeout(t.Context(), after)
			defer interrupt()
			err := runOnCluster(ctx, io.Discard)
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.NotContains(t, err.Error(), "not all containers are removed")
		})
	}
}
