package mesostest

import (
	"path"
	"slices"
	"strings"
	"time"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest/shell"
)

// This file is the sandboxes of an agent as its API shows them: a tree for each executor, under
// the folder of its run and under two names that need no container ID.

// entry is a file or a folder in the tree of an executor.
type entry struct {
	path    string // below the executor's folder, "" for that itself
	folder  bool
	open    bool // a folder that everybody may read
	links   int
	size    int
	changed time.Time
	data    []byte
}

// mode returns the mode that stat(2) would.
func (n *entry) mode() uint32 {
	switch {
	case !n.folder:
		return 0o100644
	case n.open:
		return 0o040755
	}
	return 0o040750
}

func (n *entry) modeText() string {
	switch {
	case !n.folder:
		return "-rw-r--r--"
	case n.open:
		return "drwxr-xr-x"
	}
	return "drwxr-x---"
}

// directory returns where the executor runs.
func (e *executor) directory() string { return e.runs() + e.containerID }

func (e *executor) runs() string {
	return e.agent.config.WorkDir + "/slaves/" + e.agent.id + e.virtualRuns()
}

func (e *executor) virtualRuns() string {
	return "/frameworks/" + e.framework.id + "/executors/" + e.id + "/runs/"
}

// names returns all paths under which the executor's folder can be found.
func (e *executor) names() [3]string {
	return [3]string{e.directory(), e.runs() + "latest", e.virtualRuns() + "latest"}
}

// find looks a path up among all executors that the agent remembers, the youngest first. Paths may go
// up, but not out of the executor's folder.
func (a *agent) find(name string) (n *entry, tree []*entry) {
	name = strings.TrimSuffix(name, "/")
	executors := a.everyExecutor()
	slices.Reverse(executors)
	for _, e := range executors {
		if e.cleaned {
			continue
		}
		for _, root := range e.names() {
			rest, below := strings.CutPrefix(name, root)
			if !below || rest != "" && rest[0] != '/' {
				continue
			}
			rest = path.Clean(strings.TrimPrefix(rest, "/"))
			tree := e.tree()
			for _, n := range tree {
				if n.path == rest || n.path == "" && rest == "." {
					return n, tree
				}
			}
			return nil, nil
		}
	}
	return nil, nil
}

// everyExecutor lists those that ended before those that run.
func (a *agent) everyExecutor() []*executor { return slices.Concat(a.ended, a.running) }

// tree lists all files and folders of an executor, sorted. Tasks of a group have a folder each,
// that of their container, which also goes by the name of the task.
func (e *executor) tree() []*entry {
	var list []*entry
	folder := func(path string, open bool, size int) *entry {
		n := &entry{path: path, folder: true, open: open, links: 2, size: 40 + 20*size, changed: e.created}
		list = append(list, n)
		return n
	}
	files := func(path string, box *shell.Sandbox) int {
		found := e.boxEntries(path, box)
		list = append(list, found...)
		return len(found)
	}
	root := folder("", true, 0)
	if !e.grouped() {
		box := e.box
		if len(e.history) > 0 && e.info == nil {
			box = e.history[0].box
		}
		root.size += 20 * files("", box)
		return list
	}
	root.size += 20 * (files("", e.box) + 2)
	folder("containers", true, len(e.history)).links += len(e.history)
	folder("tasks", true, len(e.history))
	for _, t := range e.history {
		for _, path := range []string{"containers/" + t.containerID, "tasks/" + t.info.TaskID.Value} {
			n := folder(path, false, 0)
			n.size += 20 * files(path+"/", t.box)
		}
	}
	slices.SortFunc(list, func(x, y *entry) int { return strings.Compare(x.path, y.path) })
	return list
}

// boxEntries returns the files of a sandbox, of which the two for output are always there.
func (e *executor) boxEntries(prefix string, box *shell.Sandbox) []*entry {
	files := map[string]*shell.File{shell.StdoutFile: nil, shell.StderrFile: nil}
	if box != nil {
		for name, f := range box.Files {
			if !strings.Contains(name, "/") { // others are not in this folder
				files[name] = f
			}
		}
	}
	var list []*entry
	for name, f := range files {
		n := &entry{path: prefix + name, links: 1, changed: e.created}
		if f != nil {
			n.size, n.changed, n.data = len(f.Data), f.Changed, f.Data
		}
		list = append(list, n)
	}
	slices.SortFunc(list, func(x, y *entry) int { return strings.Compare(x.path, y.path) })
	return list
}

// children lists what is directly in a folder of a tree.
func (n *entry) children(tree []*entry) []*entry {
	prefix := n.path
	if prefix != "" {
		prefix += "/"
	}
	var list []*entry
	for _, other := range tree {
		rest, below := strings.CutPrefix(other.path, prefix)
		if n.folder && below && rest != "" && !strings.Contains(rest, "/") {
			list = append(list, other)
		}
	}
	return list
}

// mostRead is how much of a file one request gets: 16 pages.
const mostRead = 16 * 4096

// read returns a piece of the file; a negative length is as much as possible.
func (n *entry) read(offset, length int64) []byte {
	if offset >= int64(len(n.data)) {
		return []byte{}
	}
	if length < 0 || length > mostRead {
		length = mostRead
	}
	return slices.Clone(n.data[offset:min(offset+length, int64(len(n.data)))])
}

// maxCompletedExecutors is --max_completed_executors_per_framework.
const maxCompletedExecutors = 150

// remember keeps the sandbox of an executor that ended, if anybody could ask for it.
func (a *agent) remember(m *Master, e *executor) {
	if m.config.ListenAgents == nil {
		return
	}
	a.ended = append(a.ended, e)
	same := func(other *executor) bool { return other.framework == e.framework }
	n := 0
	for _, other := range a.ended {
		if same(other) {
			n++
		}
	}
	if n > maxCompletedExecutors {
		i := slices.IndexFunc(a.ended, same)
		a.ended = slices.Delete(a.ended, i, i+1)
	}
}
