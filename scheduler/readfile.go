package scheduler

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"strings"
	"sync"

	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/internal/agenthttp"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// ReadFile reads from a file in the sandbox of a task from an offset on, up to len(buf) bytes and 64 KiB at most: "stdout",
// "stderr", what was rotated last, such as "stdout.1", or any other. It returns how many bytes it has read, which is 0 at the end
// of the file and beyond, and the size of the file, both from one answer of the agent. buf may be empty.
//
// The file is that of the container in the last status of the task, also when the task has been launched several times, unless the
// agent does not tell its flag work_dir to this framework: then it is that of the task's newest launch on the agent. It can be
// read as long as the agent keeps the sandbox, and the task is on record, see [Config.History].
//
// It is for programs that read small parts of many files, and returns the errors of [Scheduler.Logs], which reads
// whole files. Agents are asked in the same way, but connections to them are kept until they are idle for a minute.
func (s *Scheduler) ReadFile(ctx context.Context, id, file string, offset int64, buf []byte) (n int, size int64, err error) {
	if err := checkRead(file, offset); err != nil {
		return 0, 0, err
	}
	box, err := s.sandbox(ctx, id)
	if err != nil {
		return 0, 0, err
	}
	return s.readFile(ctx, box, file, offset, buf)
}

// checkRead returns an error for what cannot be read.
func checkRead(file string, offset int64) error {
	switch {
	case !fs.ValidPath(file) || file == ".":
		return &task.FieldError{Field: "file", Value: file, Reason: "must be the name of a file in the sandbox"}
	case offset < 0:
		return &task.FieldError{Field: "offset", Value: offset, Reason: "must not be negative"}
	}
	return nil
}

// known reports whether it is known where the files are.
func (b *sandbox) known() bool { return !b.remembered && b.info.AgentID != "" && b.address != "" }

func (s *Scheduler) readFile(ctx context.Context, box sandbox, file string, offset int64, buf []byte) (n int, size int64, err error) {
	r := logReader{s: s, id: box.info.Spec.ID, box: box, ended: box.info.State.Terminal()}
	if !box.known() {
		return 0, 0, r.missing()
	}
	name, err := s.fileOf(ctx, &box, file)
	if err == nil {
		var p agenthttp.Piece
		p, err = s.agents.Read(ctx, agenthttp.Read{Agent: box.address, Path: name, Offset: offset, Length: min(len(buf), agenthttp.MaxRead)})
		n, size = copy(buf, p.Data), p.Size
	}
	if err != nil && ctx.Err() != nil {
		return 0, 0, contextError(ctx)
	}
	return n, size, r.explained(ctx, err)
}

// fileOf returns the path of a file in the sandbox of the container of the task's last status. Agents have no virtual path for that.
func (s *Scheduler) fileOf(ctx context.Context, b *sandbox, name string) (string, error) {
	run := containerOf(b.info.Status)
	if run == "" {
		return b.file(name), nil
	}
	dir, err := s.workDirs.of(ctx, s.agents, b)
	if refused := (*agenthttp.RefusedError)(nil); errors.As(err, &refused) || errors.Is(err, agenthttp.ErrNoFile) {
		return b.file(name), nil
	}
	if err != nil {
		return "", err
	}
	virtual := strings.Replace(b.file(name), "/runs/latest/", "/runs/"+run+"/", 1)
	return path.Clean(dir) + "/slaves/" + b.info.AgentID + virtual, nil
}

// containerOf returns the ID of the container of the task's executor, "" if it is not known.
func containerOf(status *mesos.TaskStatus) string {
	id := status.GetContainerStatus().GetContainerID()
	for id.GetParent() != nil {
		id = id.Parent
	}
	return id.GetValue()
}

// workDirs remembers the work directories of agents, which never change.
type workDirs struct {
	mu  sync.Mutex
	all map[string]string // by the ID of the agent
}

// maxWorkDirs is how many are remembered.
const maxWorkDirs = 100_000

func (w *workDirs) of(ctx context.Context, agents *agenthttp.Client, b *sandbox) (string, error) {
	w.mu.Lock()
	dir := w.all[b.info.AgentID]
	w.mu.Unlock()
	if dir != "" {
		return dir, nil
	}
	dir, err := agents.WorkDir(ctx, b.address)
	if err != nil {
		return "", err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.all == nil || len(w.all) >= maxWorkDirs {
		w.all = map[string]string{}
	}
	w.all[b.info.AgentID] = dir
	return dir, nil
}
