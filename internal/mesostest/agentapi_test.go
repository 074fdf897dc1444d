package mesostest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gogo/protobuf/proto"
	"github.com/mesos/mesos-go/api/v1/lib"
	pb "github.com/mesos/mesos-go/api/v1/lib/agent"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest/shell"
	"github.com/mesos-actor/mesos-actor-go/internal/mesostest/wirejson"
	"github.com/mesos-actor/mesos-actor-go/internal/virtualnet"
)

const agentAddress = "127.0.0.1:5051"

// inBubbleWithAgents is inBubble where agents can be connected to.
func inBubbleWithAgents(t *testing.T, config Config, f func(c *cluster)) {
	t.Helper()
	var network virtualnet.Network
	config.ListenAgents = AtIP(network.Listen)
	inBubble(t, config, func(c *cluster) {
		toMaster := c.client.Transport.(*http.Transport).DialContext
		transport := &http.Transport{DialContext: func(ctx context.Context, kind, address string) (net.Conn, error) {
			if address == masterAddress {
				return toMaster(ctx, kind, address)
			}
			return network.DialContext(ctx, kind, address)
		}}
		defer transport.CloseIdleConnections()
		c.client = &http.Client{Transport: transport}
		f(c)
	})
}

// agent reads a page of the agent; the status of what cannot be reached is 0.
func (c *cluster) agent(path string) (status int, body string) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), 100*time.Millisecond)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+agentAddress+path, nil)
	require.NoError(c.t, err)
	response, err := c.client.Do(request)
	if err != nil {
		return 0, err.Error()
	}
	data, err := io.ReadAll(response.Body)
	require.NoError(c.t, err)
	require.NoError(c.t, response.Body.Close())
	return response.StatusCode, string(data)
}

// read returns what is in a file from an offset on.
func (c *cluster) read(file string, offset int) string {
	c.t.Helper()
	status, body := c.agent(fmt.Sprintf("/files/read?offset=%d&path=%s", offset, url.QueryEscape(file)))
	require.Equal(c.t, http.StatusOK, status, body)
	var answer struct {
		Data   string
		Offset int
	}
	require.NoError(c.t, json.Unmarshal([]byte(body), &answer))
	return answer.Data
}

// latest returns the sandbox of an executor under the name that needs no container ID.
func (s *stream) latest(executor string) string {
	return "/frameworks/" + s.fid.Value + "/executors/" + executor + "/runs/latest"
}

// What a task writes can be read while it runs, and after its end.
func TestSandboxOfTask(t *testing.T) {
	inBubbleWithAgents(t, Config{Agents: oneAgent()}, func(c *cluster) {
		s := launched(c, frameworkInfo(), taskInfo(mesos.Offer{}, "t", "for i in 1 2 3; do echo line $i; sleep 1; done; echo done >&2"), 2)
		stdout := s.latest("t") + "/stdout"
		for at, want := range []string{"line 1\n", "line 1\nline 2\n", "line 1\nline 2\nline 3\n"} {
			c.at(time.Duration(at)*time.Second + 500*time.Millisecond)
			require.Equal(t, want, c.read(stdout, 0))
		}
		require.Equal(t, "line 3\n", c.read(stdout, 14))
		status, body := c.agent("/files/read?path=" + stdout)
		require.Equal(t, 200, status)
		require.JSONEq(t, `{"data":"","offset":21}`, body)

		c.at(5 * time.Second)
		s.ack(s.lastStatus())
		c.at(10 * time.Second)
		require.Equal(t, "line 1\nline 2\nline 3\n", c.read(stdout, 0))
		require.Equal(t, "done\n", c.read(s.latest("t")+"/./x/../stderr", 0))
		status, body = c.agent("/state")
		require.Equal(t, 200, status)
		require.Contains(t, body, `"name":"Command Executor (Task: t) (Command: sh -c 'for i in 1 2...')"`)
	})
}

func TestFileErrors(t *testing.T) {
	inBubbleWithAgents(t, Config{Agents: oneAgent()}, func(c *cluster) {
		s := launched(c, frameworkInfo(), taskInfo(mesos.Offer{}, "t", "echo x; sleep 600"), 2)
		box := s.latest("t")
		for _, test := range []struct {
			path   string
			status int
			body   string
		}{
			{"/files/read?path=" + box + "/stdout&offset=0&length=-2", 400, "Negative length provided: -2.\n"},
			{"/files/read?path=" + box + "/../../../etc/passwd&offset=0", 404, ""},
			{"/files/read?path=" + box + "stdout&offset=0", 404, ""},
			{"/files/read?path=/frameworks&offset=0", 404, ""},
			{"/files/browse?path=" + box + "/nope", 404, ""},
			{"/files/browse?path=" + box + "/stdout", 200, "[]"},
			{"/files/download?path=" + box, 400, "Cannot download a directory.\n"},
			{"/files/download?path=" + box + "/", 400, "Cannot download a directory.\n"},
			{"/files/download?path=" + box + "/stdout", 200, "x\n"},
			{"/files/download", 400, "Expecting 'path=value' in query.\n"},
			{"/files/read?path=" + box + "/stdout&offset=1&length=0", 200, `{"data":"","offset":1}`},
			{"/files/read?path=" + box + "/stdout&offset=0&jsonp=f", 200, `f({"data":"x\n","offset":0})`},
			{"/slave(1)/health", 200, ""},
			{"/version", 200, string(marshal(t, buildInfo()))},
			{"/files", 404, "404 Not Found."},
		} {
			status, body := c.agent(test.path)
			require.Equal(t, test.status, status, test.path)
			require.Equal(t, test.body, body, test.path)
		}
	})
}

func marshal(t *testing.T, v any) []byte {
	data, err := json.Marshal(v)
	require.NoError(t, err)
	return data
}

// One request gets 64 KiB at most, however much it asks for.
func TestMostThatIsRead(t *testing.T) {
	inBubbleWithAgents(t, Config{Agents: oneAgent()}, func(c *cluster) {
		line := strings.Repeat("x", 999)
		s := launched(c, frameworkInfo(), taskInfo(mesos.Offer{}, "t",
			"i=0; while [ $i -lt 100 ]; do echo "+line+"; i=$((i+1)); done; sleep 600"), 2)
		require.Len(t, c.read(s.latest("t")+"/stdout", 0), 65536)
		require.Len(t, c.read(s.latest("t")+"/stdout", 65536), 100_000-65536)
		require.Empty(t, c.read(s.latest("t")+"/stdout", 200_000))
	})
}

// Callers may speak protobuf.
func TestAgentCalls(t *testing.T) {
	inBubbleWithAgents(t, Config{Agents: oneAgent()}, func(c *cluster) {
		s := launchedGroup(c, frameworkInfo(), "echo a; touch f; sleep 600", "exit 0")
		call := func(status int, request *pb.Call) *pb.Response {
			body, err := proto.Marshal(request)
			require.NoError(t, err)
			response, err := c.client.Post("http://"+agentAddress+"/api/v1", string(codecProtobuf), bytes.NewReader(body))
			require.NoError(t, err)
			data, err := io.ReadAll(response.Body)
			require.NoError(t, err)
			require.NoError(t, response.Body.Close())
			require.Equal(t, status, response.StatusCode, string(data))
			if status != http.StatusOK {
				return nil
			}
			answer := &pb.Response{}
			v, err := wirejson.Parse(data) // no Accept means JSON
			require.NoError(t, err)
			require.NoError(t, wirejson.Decode(v, answer))
			return answer
		}
		c.at(500 * time.Millisecond)
		list := call(200, &pb.Call{Type: pb.Call_LIST_FILES, ListFiles: &pb.Call_ListFiles{Path: s.latest("e") + "/tasks/a"}})
		var names []string
		for _, f := range list.ListFiles.FileInfos {
			names = append(names, strings.TrimPrefix(f.Path, s.latest("e")))
		}
		require.Equal(t, []string{"/tasks/a/f", "/tasks/a/stderr", "/tasks/a/stdout"}, names)
		read := call(200, &pb.Call{Type: pb.Call_READ_FILE, ReadFile: &pb.Call_ReadFile{Path: s.latest("e") + "/tasks/a/stdout", Offset: 1}})
		require.Equal(t, "\n", string(read.ReadFile.Data))
		require.Equal(t, uint64(2), read.ReadFile.Size_)

		require.Len(t, call(200, &pb.Call{Type: pb.Call_GET_CONTAINERS}).GetContainers.Containers, 1)
		nested := &pb.Call_GetContainers{ShowNested: ptr(true)}
		require.Len(t, call(200, &pb.Call{Type: pb.Call_GET_CONTAINERS, GetContainers: nested}).GetContainers.Containers, 2, "b has ended")
		require.Len(t, call(200, &pb.Call{Type: pb.Call_GET_EXECUTORS}).GetExecutors.Executors, 1)
		tasks := call(200, &pb.Call{Type: pb.Call_GET_TASKS}).GetTasks
		require.Equal(t, "a", tasks.LaunchedTasks[0].TaskID.Value)
		require.Equal(t, "b", tasks.TerminatedTasks[0].TaskID.Value, "its end is not acknowledged")
		s.ackAll()
		require.Equal(t, "b", call(200, &pb.Call{Type: pb.Call_GET_TASKS}).GetTasks.CompletedTasks[0].TaskID.Value)
		require.Equal(t, mesosVersion, call(200, &pb.Call{Type: pb.Call_GET_VERSION}).GetVersion.VersionInfo.Version)
		call(400, &pb.Call{Type: pb.Call_READ_FILE})
		call(400, &pb.Call{Type: pb.Call_READ_FILE, ReadFile: &pb.Call_ReadFile{Path: s.latest("e")}})
		call(404, &pb.Call{Type: pb.Call_LIST_FILES, ListFiles: &pb.Call_ListFiles{Path: "/etc"}})
		require.Contains(t, call(200, &pb.Call{Type: pb.Call_GET_FLAGS}).GetFlags.Flags, mesos.Flag{Name: "work_dir", Value: ptr("/var/lib/mesos/agent1")})
		call(501, &pb.Call{Type: pb.Call_GET_LOGGING_LEVEL})
	})
}

// No path leads out of a sandbox, and no offset out of a file.
func FuzzFiles(f *testing.F) {
	for _, name := range []string{"", "/stdout", "/../latest/stdout", "/./f", "//stderr/", "/stdout/x", "/../../..", "/..", "\x00"} {
		f.Add(name, int64(1), int64(2))
	}
	f.Add("/stdout", int64(1<<62), int64(-5))
	a := &agent{id: "S0", config: Agent{WorkDir: "/work"}}
	e := &executor{id: "e", framework: &framework{id: "F"}, agent: a, containerID: "c"}
	box := &shell.Sandbox{Files: map[string]*shell.File{"stdout": {Data: []byte("0123456789")}, "f": {}, "d/f": {}, "/abs": {}}}
	e.history = []*task{{box: box}}
	a.running = []*executor{e}
	allowed := []string{"", "stdout", "stderr", "f"}
	f.Fuzz(func(t *testing.T, name string, offset, length int64) {
		for _, root := range e.names() {
			n, tree := a.find(root + name)
			if n == nil {
				continue
			}
			require.Contains(t, allowed, n.path)
			require.Equal(t, n.folder, n.path == "")
			require.Len(t, tree, len(allowed))
			if n.folder {
				require.Len(t, n.children(tree), len(allowed)-1)
				continue
			}
			require.Empty(t, n.children(tree))
			if offset >= 0 {
				piece := n.read(offset, length)
				require.LessOrEqual(t, len(piece), max(0, len(n.data)-int(min(offset, 10))))
				require.True(t, length < 0 || int64(len(piece)) <= length)
				require.Contains(t, string(n.data), string(piece))
			}
		}
	})
}
