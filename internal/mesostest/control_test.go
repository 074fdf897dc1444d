package mesostest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestControls replays recordings that were tampered with. A comparison that does not notice is
// worth nothing. Whatever the luck, no attempt may pass; with -short the first complaint that is the right one is
// enough.
func TestControls(t *testing.T) {
	tests := []struct {
		name      string
		recording string
		tamper    func(*tampered)
		complaint string // part of it
	}{
		{"status of a response", "decline_filters", func(r *tampered) { r.replace(`"status":202`, `"status":200`) }, "recorded 200"},
		{"body of an error", "bad_stream_id", func(r *tampered) { r.replace("Framework cannot be found", "Framework cannot be seen") }, "recorded"},
		{"header of a response", "bad_method", func(r *tampered) { r.replace(`"Allow":"POST"`, `"Allow":"GET"`) }, "header Allow"},
		{"header that is not sent", "decline_filters", func(r *tampered) { r.replace(`"Content-Length":"0"`, `"Content-Type":"text/plain"`) }, "header Content-Type"},
		{"state of a task", "task_finished", func(r *tampered) { r.replace("TASK_RUNNING", "TASK_FAILED") }, "TASK_RUNNING"},
		{"message of an update", "task_finished", func(r *tampered) { r.replace("exited with status 0", "exited with status 1") }, "exited with status 0"},
		{"a field more", "task_finished", func(r *tampered) { r.replace(`"state":"TASK_FINISHED"`, `"state":"TASK_FINISHED","healthy":true`) }, ".healthy is missing"},
		{"a field less", "task_failed", func(r *tampered) { r.replace(`"source":"SOURCE_EXECUTOR",`, ``) }, ".source"},
		{"amount in an offer", "accept_leftover", func(r *tampered) {
			r.replaceAfter(3, `"name":"mem","type":"SCALAR","scalar":{"value":4`, `"name":"mem","type":"SCALAR","scalar":{"value":5`)
		}, "OFFERS has not come"},
		{"an agent for another", "capability_gpu", func(r *tampered) { r.replace(`"hostname":"agent1.example","url"`, `"hostname":"agent2.example","url"`) }, "OFFERS has not come"},
		{"a second ID for one thing", "unacked_retry", func(r *tampered) { r.renameUUID(2) }, "uuid"},
		{"missing event", "offer_timeout", func(r *tampered) { r.drop(`"RESCIND"`); r.prolong(1) }, "recorded was no such thing"},
		{"missing offers", "two_roles", func(r *tampered) { r.drop(`"OFFERS"`); r.prolong(1) }, ""},
		{"extra event", "offer_timeout", func(r *tampered) { r.double(`"RESCIND"`) }, "RESCIND has not come"},
		{"offers a second too early", "decline_filters", func(r *tampered) { r.shiftOffers(2, 1) }, "too early"},
		{"offers a second too late", "decline_filters", func(r *tampered) { r.shiftOffers(2, -1) }, "OFFERS has not come"},
		{"retry a second too late", "unacked_retry", func(r *tampered) { r.shift(r.nth(`"TASK_STARTING"`, 2), -1) }, "UPDATE has not come"},
		{"grace period a second too short", "kill_policy", func(r *tampered) { r.shift(r.nth("terminated with signal Killed", 1), 1) }, "too early"},
		{"end of a stream", "pb_refused", func(r *tampered) { r.drop(`"closed"`); r.prolong(2) }, "recorded was no end"},
		{"how a stream ends", "pb_failed_over", func(r *tampered) {
			r.replace("last (zero-length) chunk received", "connection closed/reset without end of chunked body")
		}, "recorded: connection closed"},
		{"stream that does not end", "two_frameworks", func(r *tampered) { r.closeStream(1) }, "still open"},
		{"heartbeats", "subscribe_basic", func(r *tampered) { r.drop(`"HEARTBEAT"`); r.drop(`"HEARTBEAT"`) }, "heartbeats"},
		{"error text of the stream", "bad_framework_info", func(r *tampered) { r.replace("cannot start with a slash", "cannot begin with a slash") }, "ERROR has not come"},
		{"challenge of a refusal", "auth_basic", func(r *tampered) { r.replace("mesos-master-readonly", "mesos-master-readwrite") }, "header WWW-Authenticate"},
		{"body that is compressed", "http_details", func(r *tampered) {
			r.replace(`"Content-Encoding":"gzip",`, ``)
		}, "header Content-Encoding"},
		{"what only a note says", "http_details", func(r *tampered) { r.replace(`[\"http\", true, true]`, `[\"http\", true, false]`) }, "recorded"},
		{"content of a file", "sandbox", func(r *tampered) { r.replace(`"data":"line 0\nline 1\nline 2"`, `"data":"line 0\nline 1\nline 3"`) }, "line 3"},
		{"size of a file", "sandbox", func(r *tampered) { r.replace(`"size":310`, `"size":311`) }, "310, recorded 311"},
		{"a file more", "sandbox_group", func(r *tampered) {
			r.replace(`,{"gid":"root","mode":"drwxr-x---"`, `,{},{"gid":"root","mode":"drwxr-x---"`)
		}, "recorded"},
		{"name of a folder", "sandbox", func(r *tampered) { r.replace(`/executors/t1/runs/latest":`, `/executors/t2/runs/latest":`) }, "missing"},
		{"flag of an agent", "sandbox", func(r *tampered) { r.replace(`"work_dir":"/var`, `"work_dir":"/usr`) }, ".work_dir"},
		{"count of agents", "state_endpoint", func(r *tampered) { r.replace(`"activated_slaves":1.0`, `"activated_slaves":2.0`) }, "activated_slaves"},
		{"answer of an executor", "custom_executor", func(r *tampered) { r.replace(`ZWNobzpoZWxsbw==`, `ZWNobzpoZWxsbx==`) }, "MESSAGE has not come"},
		{"health of a task", "health_checks", func(r *tampered) { r.replace(`"healthy":true`, `"healthy":false`) }, "UPDATE has not come"},
		{"answer about an agent that is not back", "master_failover", func(r *tampered) { r.drop("TASK_GONE"); r.prolong(1) }, "recorded was no such thing"},
		{"403 before the failover is over", "master_failover", func(r *tampered) { r.replace("Framework cannot be found", "Framework is not subscribed") }, "Framework cannot be found"},
		{"prefix of the dead master", "master_failover", func(r *tampered) {
			r.replace("76a668e5-b991-45ea-993f-3097835fb46b-O0", "53a18629-713d-48e3-95a7-0551ba83d808-O9")
		}, "OFFERS has not come"},
		{"stream that a dead master ends in order", "master_failover_not_pa", func(r *tampered) {
			r.replace("connection closed/reset without end of chunked body", "last (zero-length) chunk received")
		}, "recorded: last"},
		{"task that a registry in memory knows", "master_restart_in_memory", func(r *tampered) { r.replace("TASK_UNKNOWN", "TASK_RUNNING") }, "TASK_UNKNOWN"},
		{"answer to an operator", "operator_refused", func(r *tampered) { r.replace("Agent is not deactivated", "Agent is deactivated") }, "recorded"},
		{"what an operator is told of an agent", "drain_agent", func(r *tampered) { r.replace(`"state":"DRAINED"`, `"state":"DRAINING"`) }, "recorded"},
		{"offer without its unavailability", "maintenance", func(r *tampered) {
			r.replace(`"unavailability":{"start":{"nanoseconds":1795232282333092864},"duration":{"nanoseconds":3600000000000}},"allocation_info"`, `"allocation_info"`)
		}, "OFFERS has not come"},
		{"question that never came", "maintenance", func(r *tampered) { r.drop(`"type":"INVERSE_OFFERS"`) }, ""},
		{"why a task is gone", "mark_agent_gone", func(r *tampered) { r.replace("REASON_AGENT_REMOVED_BY_OPERATOR", "REASON_AGENT_REMOVED") }, "UPDATE has not come"},
		{"offer beyond the limit", "quota_limits", func(r *tampered) { r.replace(`{"value":1.5},"alloc`, `{"value":1.6},"alloc`) }, "OFFERS has not come"},
		{"unknown action", "task_finished", func(r *tampered) {
			r.replace(`{"t":2.313,`, `{"t":2.3,"note":"agent1: sent SIGHUP"}`+"\n"+`{"t":2.313,`)
		}, "not supported"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			data, err := os.ReadFile(filepath.Join("testdata", "recordings", test.recording+".jsonl"))
			require.NoError(t, err)
			r := &tampered{t: t, lines: strings.SplitAfter(strings.TrimSpace(string(data)), "\n")}
			test.tamper(r)
			rec, err := parseRecording(test.recording, filepath.Join("testdata", "recordings"), []byte(strings.Join(r.lines, "")))
			require.NoError(t, err)
			enough := func(c *complaint) bool { return testing.Short() && strings.Contains(c.text, test.complaint) }
			err = replay(t, rec, enough)
			require.Error(t, err)
			require.ErrorContains(t, err, test.complaint)
		})
	}
}

// tampered is the text of a recording; its methods fail the test when there is nothing to tamper with.
type tampered struct {
	t     *testing.T
	lines []string
}

// nth returns the place of the nth event, from 1, that contains the text.
func (r *tampered) nth(text string, n int) int {
	for i, l := range r.lines {
		if i > 0 && strings.Contains(l, text) && strings.Contains(l, `"event"`) {
			if n--; n == 0 {
				return i
			}
		}
	}
	require.Fail(r.t, "no such event", text)
	return 0
}

func (r *tampered) replace(old, new string) { r.replaceAfter(0, old, new) }

// replaceAfter replaces the first occurrence in a line beyond the given one that is not a request.
func (r *tampered) replaceAfter(line int, old, new string) {
	for i := line + 1; i < len(r.lines); i++ {
		if strings.Contains(r.lines[i], old) && !strings.Contains(r.lines[i], `"send"`) {
			r.lines[i] = strings.Replace(r.lines[i], old, new, 1)
			return
		}
	}
	require.Fail(r.t, "not in the recording", old)
}

// drop removes the last event or end of a stream that contains the text.
func (r *tampered) drop(text string) {
	for i := len(r.lines) - 1; i > 0; i-- {
		if strings.Contains(r.lines[i], text) && !strings.Contains(r.lines[i], `"send"`) {
			r.lines = slices.Delete(r.lines, i, i+1)
			return
		}
	}
	require.Fail(r.t, "not in the recording", text)
}

func (r *tampered) double(text string) {
	i := r.nth(text, 1)
	r.lines = slices.Insert(r.lines, i, r.lines[i])
}

// shift moves all from a line on by so many seconds.
func (r *tampered) shift(from int, by float64) {
	for i := from; i < len(r.lines); i++ {
		var l map[string]json.RawMessage
		require.NoError(r.t, json.Unmarshal([]byte(r.lines[i]), &l))
		var at float64
		require.NoError(r.t, json.Unmarshal(l["t"], &at))
		l["t"] = fmt.Appendf(nil, "%.3f", at+by)
		text, err := json.Marshal(l)
		require.NoError(r.t, err)
		r.lines[i] = string(bytes.TrimSpace(text)) + "\n"
	}
}

// shiftOffers claims that the nth offers, and all that came then, did so earlier or later.
func (r *tampered) shiftOffers(n int, by float64) { r.shift(r.nth(`"OFFERS"`, n), by) }

// prolong adds silence at the end.
func (r *tampered) prolong(seconds float64) {
	r.lines = append(r.lines, "\n"+`{"t":0,"note":"silence"}`+"\n")
	r.lines[len(r.lines)-2] += "\n"
	r.shift(len(r.lines)-1, r.end()+seconds)
}

func (r *tampered) end() float64 {
	var l struct{ T float64 }
	require.NoError(r.t, json.Unmarshal([]byte(r.lines[len(r.lines)-2]), &l))
	return l.T
}

// closeStream claims that a stream ended at the end.
func (r *tampered) closeStream(n int) {
	r.prolong(1)
	r.lines = append(r.lines, fmt.Sprintf(`{"t":%.3f,"stream":"closed","n":%d,"how":"last (zero-length) chunk received"}`, r.end()+1, n))
}

// renameUUID puts another uuid into the nth TASK_STARTING, which repeats the first.
func (r *tampered) renameUUID(n int) {
	i := r.nth(`"TASK_STARTING"`, n)
	from := strings.Index(r.lines[i], `"uuid":"`) + len(`"uuid":"`)
	r.lines[i] = r.lines[i][:from] + "AAAAAAAAAAAAAAAAAAAAAA==" + r.lines[i][from+24:]
}
