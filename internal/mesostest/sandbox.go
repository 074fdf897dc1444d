package mesostest

import (
	"time"

	"github.com/mesos/mesos-go/api/v1/lib"
)

// sandbox is what the processes of one task share: files, and the ports that they listen on.
type sandbox struct {
	files map[string]*file
	ports map[int]bool // nil: nobody knows, which counts as all of them
}

// file is one of them. Those that a command names outside of its sandbox count as in it.
type file struct {
	data    []byte
	changed time.Time
}

// The files that are there from the start.
const (
	stdoutFile = "stdout"
	stderrFile = "stderr"
)

// nullFile swallows what is written to it.
const nullFile = "/dev/null"

// newSandbox is that of a command.
func newSandbox(c *mesos.CommandInfo) *sandbox {
	s := &sandbox{}
	if bindsSockets(c) {
		s.ports = make(map[int]bool)
	}
	return s
}

func (s *sandbox) exists(name string) bool { return s.files[name] != nil }

// open creates the file if need be, and empties it unless it is to be kept.
func (s *sandbox) open(name string, keep bool) {
	if name == nullFile {
		return
	}
	if s.files == nil {
		s.files = make(map[string]*file)
	}
	if s.files[name] == nil || !keep {
		s.files[name] = &file{changed: time.Now()}
	}
}

func (s *sandbox) write(name, text string) {
	if name == nullFile || text == "" {
		return
	}
	s.open(name, true)
	f := s.files[name]
	f.data, f.changed = append(f.data, text...), time.Now()
}

// listens says whether a connection to the port would be accepted.
func (s *sandbox) listens(port int) bool { return s.ports == nil || s.ports[port] }
