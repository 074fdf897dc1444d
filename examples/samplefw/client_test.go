package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/controlapi"
)

// note is a writer of one text, which others wait for.
type note struct {
	text    string
	written chan struct{}
}

func (n *note) Write(p []byte) (int, error) {
	n.text = string(p)
	close(n.written)
	return len(p), nil
}

// A command that takes long since nobody leads says so.
func TestWaitingForALeader(t *testing.T) {
	t.Parallel()
	said := &note{written: make(chan struct{})}
	member := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Path == "/v1/status" {
			_, _ = io.WriteString(w, `{"framework":"f","election":{"self":"m1","leader":"","term":0,"since":"2026-01-01T00:00:00Z","reason":"of 3 voters 2 have to run"}}`)
			return
		}
		<-said.written
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, `{"error":{"code":"unknown_task","message":"unknown"}}`)
	}))
	defer member.Close()
	root := newRoot()
	root.SetArgs([]string{"explain", "web-1", "--at", member.URL})
	root.SetOut(io.Discard)
	root.SetErr(said)
	require.ErrorContains(t, root.ExecuteContext(t.Context()), `"samplefw ls" lists the tasks`)
	require.Equal(t, "waiting for a leader: of 3 voters 2 have to run\n", said.text)
}

// What was to be done may be done although nobody has answered, and the tool says so.
func TestAdviceWhenNobodyHasAnswered(t *testing.T) {
	err := advised(&controlapi.Error{Code: controlapi.CodeLeaderUnreachable, Message: "no member has answered"})
	require.EqualError(t, err, `no member has answered; it may have been done, or be done yet: "samplefw ls" lists the tasks when a member leads`)
}
