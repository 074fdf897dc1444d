package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/controlapi"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// The output of a task is printed whole, from its last lines on, or followed until the task has ended.
func TestLogs(t *testing.T) {
	s := serve(t)
	run := func(id, command string) {
		require.NoError(t, s.Submit(t.Context(), task.Spec{ID: id, CPUs: 0.1, Mem: 32, Command: task.Command{Shell: command}}))
	}
	run("done", "for i in 1 2 3; do echo $i; done; echo bad >&2; exit 3")
	_, err := s.Wait(t.Context(), "done", scheduler.UntilEnded)
	require.NoError(t, err)
	for args, want := range map[string]string{
		"":                  "1\n2\n3\n",
		"--tail 2":          "2\n3\n",
		"--tail 0":          "",
		"--tail 9":          "1\n2\n3\n",
		"-f":                "1\n2\n3\n",
		"-f --tail 1":       "3\n",
		"--stderr --tail 1": "bad\n",
	} {
		out, err := s.run(t, append([]string{"logs", "done"}, strings.Fields(args)...)...)
		require.NoError(t, err)
		require.Equal(t, want, out, args)
	}
	out, err := s.run(t, "logs", "done", "-o", "json")
	require.NoError(t, err)
	var chunk scheduler.LogChunk
	require.NoError(t, json.Unmarshal([]byte(out), &chunk))
	require.Equal(t, "1\n2\n3\n", string(chunk.Data))
	require.Contains(t, out, base64.StdEncoding.EncodeToString(chunk.Data))

	run("short", "echo begin; sleep 1; echo end")
	_, err = s.Wait(t.Context(), "short", scheduler.UntilRunning)
	require.NoError(t, err)
	out, err = s.run(t, "logs", "-f", "short")
	require.NoError(t, err)
	require.Equal(t, "begin\nend\n", out)
}

// Where there is no output the tool says why, and what to do.
func TestLogsThatCannotBeRead(t *testing.T) {
	s := serve(t)
	require.NoError(t, s.Submit(t.Context(), task.Spec{ID: "pending", Mem: 1e6, Command: task.Command{Shell: "true"}}))
	for args, want := range map[string]string{
		"none":                   `"samplefw ls" lists the tasks`,
		"pending":                `"samplefw explain ID" and "samplefw history ID" say why`,
		"pending --tail -2":      "--tail -2 (lines, or -1 for all)",
		"pending more":           `the ID of one task is needed, not ["pending" "more"]`,
		"pending --output table": `--output "table" (text or json)`,
	} {
		_, err := s.run(t, append([]string{"logs"}, strings.Fields(args)...)...)
		require.ErrorContains(t, err, want)
	}
}

// The beginning of the last lines is found, whether or not the text ends with a line feed.
func TestLastLines(t *testing.T) {
	for _, row := range []struct {
		text  string
		lines int
		rest  string
	}{
		{"a\nb\nc\n", 2, "b\nc\n"}, {"a\nb\nc", 2, "b\nc"}, {"a\nb\n", 2, "a\nb\n"}, {"a\nb\n", 1, "b\n"}, {"a\n\n\n", 2, "\n\n"},
		{"a", 1, "a"}, {"", 1, ""}, {"\n", 1, "\n"}, {"\n\n", 1, "\n"}, {"a\nb", 0, ""}, {"a\nb\n", 3, "a\nb\n"},
	} {
		require.Equal(t, row.rest, row.text[lastLines([]byte(row.text), row.lines):], fmt.Sprintf("%q, %d", row.text, row.lines))
	}
}

// An agent that says that a file is huge, and has no lines in it, does not fill the memory of who wants the last ones.
func TestTailOfAnOutputWithoutLines(t *testing.T) {
	const size = 1 << 40
	agent := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		offset, _ := strconv.ParseInt(r.FormValue("offset"), 10, 64)
		limit, _ := strconv.ParseInt(r.FormValue("limit"), 10, 64)
		chunk := scheduler.LogChunk{Offset: size + offset, Data: make([]byte, firstTail)}
		for sent := int64(0); sent < 4*mostTail && (limit == 0 || sent < limit); sent += firstTail {
			if json.NewEncoder(w).Encode(chunk) != nil {
				return
			}
			chunk.Offset += firstTail
		}
	}))
	defer agent.Close()
	c, err := controlapi.NewClient(controlapi.ClientConfig{Addresses: []string{agent.URL}})
	require.NoError(t, err)
	defer c.Close()
	offset, err := offsetOfLines(t.Context(), c, "web", "stdout", 1)
	require.NoError(t, err)
	require.EqualValues(t, size-mostTail, offset)
}
