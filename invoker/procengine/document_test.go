//go:build linux

package procengine_test

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/invoker"
	"github.com/mesos-actor/mesos-actor-go/invoker/procengine"
)

// TestDocumentedRuntime runs actions with the runtime of docs/invoker.md.
func TestDocumentedRuntime(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("there is no python3")
	}
	text, err := os.ReadFile("../../docs/invoker.md")
	require.NoError(t, err)
	_, runtime, found := strings.Cut(string(text), "```python\n")
	require.True(t, found)
	runtime, _, _ = strings.Cut(runtime, "```")
	dir := t.TempDir()
	file := filepath.Join(dir, "runtime.py")
	require.NoError(t, os.WriteFile(file, []byte(runtime), 0o600))

	engine, err := procengine.New(procengine.Config{Dir: filepath.Join(dir, "containers"), Kinds: map[string][]string{"python:3": {python, file}}})
	require.NoError(t, err)
	inv, err := invoker.New(invoker.Config{Owner: "document", Engine: engine, Pool: invoker.PoolConfig{ReadyTimeout: time.Minute}})
	require.NoError(t, err)
	ended := make(chan error, 1)
	go func() { ended <- inv.Run(t.Context()) }()
	defer func() {
		require.NoError(t, inv.Close(context.Background()))
		<-ended
		require.NoError(t, engine.Close())
	}()

	action := &invoker.Action{Namespace: "guest", Name: "/guest/hello", Kind: "python:3", Code: `
import os
def main(params):
    print("greeting", params["name"])
    return {"text": "hello " + params["name"], "by": os.environ["__OW_ACTION_NAME"]}
`}
	for _, start := range []invoker.StartKind{invoker.Cold, invoker.Warm} {
		result, err := inv.Invoke(t.Context(), action, invoker.Activation{Params: json.RawMessage(`{"name": "Ann"}`)})
		require.NoError(t, err)
		require.Equal(t, invoker.Success, result.Status, string(result.Body))
		require.Equal(t, start, result.Start)
		require.JSONEq(t, `{"text": "hello Ann", "by": "/guest/hello"}`, string(result.Body))
		require.Equal(t, []string{"greeting Ann"}, lines(t, result))
	}
	result, err := inv.Invoke(t.Context(), action, invoker.Activation{})
	require.NoError(t, err)
	require.Equal(t, invoker.DeveloperError, result.Status)
	require.Contains(t, string(result.Body), "KeyError")
	require.Empty(t, lines(t, result))
}

// lines returns what an activation printed.
func lines(t *testing.T, result *invoker.Result) (all []string) {
	for line, err := range result.Logs.Lines(t.Context()) {
		require.NoError(t, err)
		all = append(all, line.Log)
	}
	return all
}
