package mesostest

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/gogo/protobuf/proto"
	mesos "github.com/mesos/mesos-go/api/v1/lib"
	pb "github.com/mesos/mesos-go/api/v1/lib/agent"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest/resources"
	"github.com/mesos-actor/mesos-actor-go/internal/mesostest/validate"
	"github.com/mesos-actor/mesos-actor-go/internal/mesostest/wirejson"
)

// serveAgentCall answers those calls of the agent's v1 API that ask for something.
func (m *Master) serveAgentCall(a *agent, w http.ResponseWriter, r *http.Request) {
	if !postOnly(w, r) {
		return
	}
	language, body, ok := readBody(w, r)
	if !ok {
		return
	}
	call, err := language.decodeAgentCall(body)
	if err != nil {
		answer(w, http.StatusBadRequest, err.Error())
		return
	}
	if language = accepted(r.Header["Accept"]); language == "" {
		answer(w, http.StatusNotAcceptable, "Expecting 'Accept' to allow 'application/x-protobuf' or 'application/json'")
		return
	}
	switch call.Type {
	case pb.Call_LIST_FILES:
		if n, children := m.lookUp(a, w, r, call.ListFiles.Path); n != nil {
			m.answerMessage(w, r, language, listFiles(call.ListFiles.Path, children))
		}
		return
	case pb.Call_READ_FILE:
		m.readFile(a, w, r, call.ReadFile, language)
		return
	}
	var response *pb.Response
	var lists []string
	if m.do(r.Context(), func() { response, lists = a.tell(call) }) != nil {
		cutter(r)()
		return
	}
	if response == nil {
		answer(w, http.StatusNotImplemented, "501 Not Implemented.")
		return
	}
	m.answerMessage(w, r, language, response, lists...)
}

// decodeAgentCall reads a call. The error is what the agent answers with status 400.
func (c codec) decodeAgentCall(body []byte) (*pb.Call, error) {
	call := &pb.Call{}
	known := true
	if c == codecProtobuf {
		if !unmarshal(body, call) {
			return nil, errors.New("Failed to parse body into Call protobuf")
		}
	} else {
		v, err := wirejson.Parse(body)
		if err != nil {
			return nil, errors.New("Failed to parse body into JSON: " + err.Error())
		}
		if err := wirejson.Decode(v, call); err != nil {
			return nil, errors.New("Failed to convert JSON into Call protobuf: " + err.Error())
		}
		object, _ := v.(map[string]any)
		name, _ := object["type"].(string)
		_, known = pb.Call_Type_value[name]
	}
	name := ""
	switch {
	case !known || call.Type == pb.Call_UNKNOWN:
		name = "type"
	case call.Type == pb.Call_LIST_FILES && call.ListFiles == nil:
		name = "list_files"
	case call.Type == pb.Call_READ_FILE && call.ReadFile == nil:
		name = "read_file"
	}
	if name != "" {
		return nil, errors.New("Failed to validate agent::Call: " + validate.Absent(name))
	}
	return call, nil
}

// answerMessage writes a message. In JSON, but not in the messages of streams, Mesos also names
// certain lists of its main part that are empty.
func (m *Master) answerMessage(w http.ResponseWriter, r *http.Request, language codec, message proto.Message, lists ...string) {
	body := wirejson.Encode(message)
	var err error
	if language == codecProtobuf {
		body, err = proto.Marshal(message)
	} else if len(lists) > 0 {
		body, err = withLists(body, lists)
	}
	if err != nil {
		m.config.Logger.Error("response not encodable", "err", err)
		answer(w, http.StatusInternalServerError, "")
		return
	}
	answerBody(w, r, string(language), body)
}

// withLists adds empty lists to the object in an answer; a name may be that of an object and of a list in it.
func withLists(body []byte, names []string) ([]byte, error) {
	var answer map[string]json.RawMessage
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, err
	}
	for part, text := range answer {
		var object map[string]json.RawMessage
		if part == "type" {
			continue
		}
		if err := json.Unmarshal(text, &object); err != nil {
			return nil, err
		}
		for _, name := range names {
			if err := withList(object, name); err != nil {
				return nil, err
			}
		}
		text, err := json.Marshal(object)
		if err != nil {
			return nil, err
		}
		answer[part] = text
	}
	return json.Marshal(answer)
}

func withList(object map[string]json.RawMessage, name string) error {
	name, rest, nested := strings.Cut(name, ".")
	if !nested {
		if object[name] == nil {
			object[name] = json.RawMessage("[]")
		}
		return nil
	}
	inner := map[string]json.RawMessage{}
	if object[name] != nil {
		if err := json.Unmarshal(object[name], &inner); err != nil {
			return err
		}
	}
	if err := withList(inner, rest); err != nil {
		return err
	}
	text, err := json.Marshal(inner)
	object[name] = text
	return err
}

func listFiles(folder string, children []*entry) *pb.Response {
	list := &pb.Response_ListFiles{}
	for _, n := range children {
		list.FileInfos = append(list.FileInfos, mesos.FileInfo{
			Path: n.below(folder), Nlink: ptr(int32(n.links)), Size_: ptr(uint64(n.size)), Mode: ptr(n.mode()),
			Mtime: &mesos.TimeInfo{Nanoseconds: n.changed.Unix() * 1e9}, UID: ptr("root"), GID: ptr("root"),
		})
	}
	return &pb.Response{Type: pb.Response_LIST_FILES, ListFiles: list}
}

func (m *Master) readFile(a *agent, w http.ResponseWriter, r *http.Request, c *pb.Call_ReadFile, language codec) {
	n, _ := m.lookUp(a, w, r, c.Path)
	switch {
	case n == nil:
	case n.folder:
		answer(w, http.StatusBadRequest, "Cannot read a directory.\n")
	default:
		length := int64(-1)
		if c.Length != nil {
			length = int64(min(*c.Length, mostRead))
		}
		m.answerMessage(w, r, language, &pb.Response{Type: pb.Response_READ_FILE, ReadFile: &pb.Response_ReadFile{
			Size_: uint64(n.size), Data: n.read(int64(min(c.Offset, uint64(n.size))), length),
		}})
	}
}

// tell answers calls about the state of the agent, nil others, and names the lists that are
// never left out. On the loop.
func (a *agent) tell(c *pb.Call) (response *pb.Response, lists []string) {
	switch c.Type {
	case pb.Call_GET_HEALTH:
		return &pb.Response{Type: pb.Response_GET_HEALTH, GetHealth: &pb.Response_GetHealth{Healthy: true}}, nil
	case pb.Call_GET_VERSION:
		return &pb.Response{Type: pb.Response_GET_VERSION, GetVersion: &pb.Response_GetVersion{VersionInfo: versionInfo()}}, nil
	case pb.Call_GET_FLAGS:
		return &pb.Response{Type: pb.Response_GET_FLAGS, GetFlags: &pb.Response_GetFlags{Flags: flagMessages(a.flags())}}, nil
	case pb.Call_GET_CONTAINERS:
		response = &pb.Response{Type: pb.Response_GET_CONTAINERS}
		if list := a.containers(c.GetContainers.GetShowNested()); len(list) > 0 {
			response.GetContainers = &pb.Response_GetContainers{Containers: list}
		}
		return response, nil
	case pb.Call_GET_EXECUTORS:
		list := &pb.Response_GetExecutors{}
		for _, e := range a.running {
			list.Executors = append(list.Executors, pb.Response_GetExecutors_Executor{ExecutorInfo: *e.describe()})
		}
		for _, e := range a.ended {
			list.CompletedExecutors = append(list.CompletedExecutors, pb.Response_GetExecutors_Executor{ExecutorInfo: *e.describe()})
		}
		return &pb.Response{Type: pb.Response_GET_EXECUTORS, GetExecutors: list}, []string{"executors", "completed_executors"}
	case pb.Call_GET_TASKS:
		list := &pb.Response_GetTasks{}
		for _, e := range a.everyExecutor() {
			over := slices.Contains(a.ended, e)
			for _, t := range e.history {
				switch {
				case over || terminal(t.latest) && t.framework.tasks[t.info.TaskID.Value] != t:
					list.CompletedTasks = append(list.CompletedTasks, t.proto(t.latest))
				case terminal(t.latest):
					list.TerminatedTasks = append(list.TerminatedTasks, t.proto(t.latest))
				case t.started:
					list.LaunchedTasks = append(list.LaunchedTasks, t.proto(t.latest))
				default:
					list.QueuedTasks = append(list.QueuedTasks, t.proto(t.latest))
				}
			}
		}
		return &pb.Response{Type: pb.Response_GET_TASKS, GetTasks: list},
			[]string{"pending_tasks", "queued_tasks", "launched_tasks", "terminated_tasks", "completed_tasks"}
	}
	return nil, nil
}

// versionInfo returns buildInfo in the form of the v1 APIs.
func versionInfo() mesos.VersionInfo {
	info := buildInfo()
	text := func(name string) *string { s, _ := info[name].(string); return &s }
	built, _ := info["build_time"].(float64)
	return mesos.VersionInfo{
		Version: mesosVersion, BuildDate: text("build_date"), BuildTime: &built, BuildUser: text("build_user"),
		GitBranch: text("git_branch"), GitSHA: text("git_sha"),
	}
}

// proto returns the task in the form of the v1 APIs.
func (t *task) proto(state mesos.TaskState) mesos.Task {
	p := mesos.Task{
		Name: t.info.Name, TaskID: t.info.TaskID, FrameworkID: mesos.FrameworkID{Value: t.framework.id},
		AgentID: mesos.AgentID{Value: t.agent.id}, State: &state, Resources: resources.New(t.info.Resources).Proto(),
		Statuses: t.statuses, Labels: t.info.Labels, Discovery: t.info.Discovery, Container: t.info.Container,
		HealthCheck: t.info.HealthCheck, KillPolicy: t.info.KillPolicy,
	}
	if t.executor.info != nil {
		p.ExecutorID = &mesos.ExecutorID{Value: t.executor.id}
	}
	if n := len(t.statuses); n > 0 {
		p.StatusUpdateState, p.StatusUpdateUUID = t.statuses[n-1].State, t.statuses[n-1].UUID
	}
	return p
}
