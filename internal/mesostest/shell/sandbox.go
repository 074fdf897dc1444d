package shell

import (
	"time"

	"github.com/mesos/mesos-go/api/v1/lib"
)

// Sandbox is what the processes of one task share: files by name, and the ports that they listen on. Those
// that a command names outside of its sandbox count as in it.
type Sandbox struct {
	Files map[string]*File
	ports map[int]bool // nil: not known, which counts as all of them
}

// File is what has been written to one file, and when last.
type File struct {
	Data    []byte
	Changed time.Time
}

// The files that are there from the start.
const (
	StdoutFile = "stdout"
	StderrFile = "stderr"
)

// nullFile swallows what is written to it.
const nullFile = "/dev/null"

// NewSandbox returns the empty sandbox of a command. Only of a command that binds sockets (see [Sandbox.Listens])
// it is known on which ports something listens.
func NewSandbox(c *mesos.CommandInfo) *Sandbox {
	s := &Sandbox{}
	if bindsSockets(c) {
		s.ports = make(map[int]bool)
	}
	return s
}

func (s *Sandbox) exists(name string) bool { return s.Files[name] != nil }

// create makes an empty file unless there is one.
func (s *Sandbox) create(name string) {
	if !s.exists(name) {
		s.truncate(name)
	}
}

// truncate makes an empty file, in the place of the one that there may be.
func (s *Sandbox) truncate(name string) {
	if name == nullFile {
		return
	}
	if s.Files == nil {
		s.Files = make(map[string]*File)
	}
	s.Files[name] = &File{Changed: time.Now()}
}

func (s *Sandbox) write(name, text string) { s.Append(name, []byte(text)) }

// Append adds data to the end of a file, which is made if there is none.
func (s *Sandbox) Append(name string, data []byte) {
	if name == nullFile || len(data) == 0 {
		return
	}
	s.create(name)
	f := s.Files[name]
	f.Data, f.Changed = append(f.Data, data...), time.Now()
}

// Rotate renames a file to the same name with ".1" behind it, and makes an empty one in its place. What goes on to write to
// it writes to the new one.
func (s *Sandbox) Rotate(name string) {
	s.create(name)
	s.Files[name+".1"] = s.Files[name]
	s.truncate(name)
}

// Listens reports whether a connection to the port would be accepted. It would to any, unless the command is
// one that says itself what it listens on: a "python -c" that does nothing but bind, listen, close and sleep.
func (s *Sandbox) Listens(port int) bool { return s.ports == nil || s.ports[port] }
