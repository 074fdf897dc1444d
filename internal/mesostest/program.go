package mesostest

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest/shell"
)

// Program is a Go function behind a task: the process in its container. It is called on a goroutine of its own, just before
// the task is told to be starting, and what it returns is its exit status. When it is killed its context ends, and everybody
// else takes it for dead at once: what it listened on is closed, its connections are reset, and what it still writes is lost.
// It must return then, with all goroutines that it has started: Run waits for it.
type Program func(ctx context.Context, p *Process) (status int)

// Process is what a [Program] knows of the task that it is the process of.
type Process struct {
	TaskID string
	Env    map[string]string // of the task's command
	Host   string            // of the agent, as its offers name it
	Ports  []int             // the host ports of the task, ascending
	// Stdout and Stderr append to the files in the sandbox, at once.
	Stdout, Stderr io.Writer

	program *program
}

// errKilled is what a program is told that is dead already.
var errKilled = errors.New("mesostest: the program was killed")

// headStart is how long a program runs before its task is told to be starting. In a bubble it then has opened its listeners
// when anybody learns of the task, since time goes on only when all goroutines wait.
const headStart = time.Nanosecond

// Listen listens on a port. On the network of the agent and on a bridge others reach it at Host: at that port, and at the host
// port that the port is mapped to. On a network with a name they reach it at the address of the container, unless it is mapped.
func (p *Process) Listen(port int) (net.Listener, error) {
	var l net.Listener
	err := errKilled
	if done := p.program.onLoop(func(t *task) { l, err = t.listen(p.program, port) }); done != nil {
		return nil, done
	}
	return l, err
}

// Serve answers HTTP requests on a port until ctx ends, and then waits until all of them have returned. The contexts of requests
// end with ctx. It returns what the program may return: 0, or 1 if it cannot listen.
func (p *Process) Serve(ctx context.Context, port int, handler http.Handler) (status int) {
	l, err := p.Listen(port)
	if err != nil {
		_, _ = io.WriteString(p.Stderr, err.Error()+"\n")
		return 1
	}
	var conns sync.WaitGroup
	server := &http.Server{
		Handler:     handler,
		BaseContext: func(net.Listener) context.Context { return ctx },
		ConnState: func(c net.Conn, state http.ConnState) {
			switch state {
			case http.StateNew:
				conns.Add(1)
				if ctx.Err() != nil {
					_ = c.Close() // accepted too late for Close to see it
				}
			case http.StateClosed, http.StateHijacked:
				conns.Done()
			}
		},
	}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	_ = server.Serve(l) // until it is closed
	_ = server.Close()
	conns.Wait()
	return 0
}

// program is a Program that runs. What is not said to be guarded belongs to the loop.
type program struct {
	master *Master
	task   *task
	cancel context.CancelFunc
	ended  func(shell.Exit)
	over   bool

	mu      sync.Mutex // what follows is used by the goroutines of the program, too
	closed  bool
	sockets []io.Closer // listeners and connections
}

// programOf returns the program behind a task, nil without one: that of its image or, without an image, that of its command.
func (m *Master) programOf(t *task) Program {
	c := t.info.Container
	image := c.GetDocker().GetImage()
	if image == "" {
		image = c.GetMesos().GetImage().GetDocker().GetName()
	}
	if image != "" {
		return m.config.Programs[image]
	}
	return m.config.Programs[t.info.Command.GetValue()]
}

// spawnProgram starts the program behind a task, if it has one. In a pod or with a custom executor it is the task's as well.
func (t *task) spawnProgram(m *Master) {
	run := m.programOf(t)
	if run == nil {
		return
	}
	t.box = shell.NewSandbox(t.info.Command)
	ctx, cancel := context.WithCancel(context.Background())
	p := &program{master: m, task: t, cancel: cancel, ended: func(x shell.Exit) { t.exited(m, x) }}
	t.process.program = p
	m.running[p] = struct{}{}
	process := &Process{
		TaskID: t.info.TaskID.Value, Env: make(map[string]string), Host: t.agent.config.URLHost, Ports: t.ports(),
		Stdout: output{p, shell.StdoutFile}, Stderr: output{p, shell.StderrFile}, program: p,
	}
	for _, v := range t.info.Command.GetEnvironment().GetVariables() {
		process.Env[v.Name] = v.GetValue()
	}
	m.programs.Go(func() {
		status := 1 // of one that ends its goroutine
		defer func() {
			p.close(false)
			_ = p.onLoop(func(*task) { p.end(shell.Exit{Code: status & 0xff}) })
		}()
		status = run(ctx, process)
	})
}

// onLoop runs f on the loop, with the task, unless the program is dead.
func (p *program) onLoop(f func(*task)) error {
	err := errKilled
	if ended := p.master.do(context.Background(), func() {
		if !p.over {
			f(p.task)
			err = nil
		}
	}); ended != nil {
		return ended
	}
	return err
}

// stop ends the program without a word. A nil one, and one that has ended, are fine.
func (p *program) stop() {
	if p == nil || p.over {
		return
	}
	p.over = true
	p.close(true)
	delete(p.master.running, p)
}

// end ends it, once, and tells the task.
func (p *program) end(x shell.Exit) {
	if p != nil && !p.over {
		p.stop()
		p.ended(x)
	}
}

// close closes what the program has open, and then ends its context. The connections of one that is killed are reset.
func (p *program) close(killed bool) {
	defer p.cancel()
	p.mu.Lock()
	open := p.sockets
	p.closed, p.sockets = true, nil
	p.mu.Unlock()
	for _, s := range open {
		if c, ok := s.(*programConn); ok && killed {
			sever(c.Conn)
		}
		_ = s.Close()
	}
}

// own keeps a socket until it is closed. It is closed at once if the program has ended.
func (p *program) own(s io.Closer) {
	p.mu.Lock()
	closed := p.closed
	if !closed {
		p.sockets = append(p.sockets, s)
	}
	p.mu.Unlock()
	if closed {
		_ = s.Close()
	}
}

func (p *program) disown(s io.Closer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sockets = slices.DeleteFunc(p.sockets, func(other io.Closer) bool { return other == s })
}

// programListener and programConn are sockets of a program.
type programListener struct {
	net.Listener
	of *program
}

type programConn struct {
	net.Conn
	of *program
}

func (l *programListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := &programConn{conn, l.of}
	l.of.own(c)
	return c, nil
}

func (l *programListener) Close() error {
	l.of.disown(l)
	return l.Listener.Close()
}

func (c *programConn) Close() error {
	c.of.disown(c)
	return c.Conn.Close()
}

// output is a file in the sandbox that a program writes to.
type output struct {
	program *program
	file    string
}

func (o output) Write(data []byte) (int, error) {
	if err := o.program.onLoop(func(t *task) { t.box.Append(o.file, data) }); err != nil {
		return 0, err
	}
	return len(data), nil
}

// listen opens a listener of the program behind the task.
func (t *task) listen(p *program, port int) (net.Listener, error) {
	if p.master.config.ListenTasks == nil {
		return nil, errors.New("mesostest: tasks cannot listen without Config.ListenTasks")
	}
	host := t.agent.config.URLHost
	if mapped, ok := t.mapped()[port]; ok {
		port = mapped
	} else if t.network() != hostNetwork {
		host = t.ip()
	}
	l, err := p.master.config.ListenTasks(net.JoinHostPort(host, strconv.Itoa(port)))
	if err != nil {
		return nil, err
	}
	listener := &programListener{l, p}
	p.own(listener)
	return listener, nil
}

// ports returns the host ports of the task, ascending.
func (t *task) ports() (all []int) {
	for _, r := range t.info.Resources {
		if r.Name != "ports" {
			continue
		}
		for _, each := range r.GetRanges().GetRange() {
			for port := each.Begin; port <= each.End; port++ {
				all = append(all, int(port))
			}
		}
	}
	slices.Sort(all)
	return all
}

// mapped returns the host ports that ports of the container are mapped to.
func (t *task) mapped() map[int]int {
	all := map[int]int{}
	for _, m := range t.info.Container.GetDocker().GetPortMappings() {
		all[int(m.ContainerPort)] = int(m.HostPort)
	}
	for _, n := range t.info.Container.GetNetworkInfos() {
		for _, m := range n.PortMappings {
			all[int(m.ContainerPort)] = int(m.HostPort)
		}
	}
	return all
}

// process is that of a task: a command in the interpreter, or a program. The zero value is none.
type process struct {
	shell   *shell.Process
	program *program
}

// Stop ends it without a word.
func (p process) Stop() {
	p.shell.Stop()
	p.program.stop()
}

// Signal sends a signal. Programs handle none.
func (p process) Signal(name string) {
	p.shell.Signal(name)
	p.program.end(shell.Exit{Signal: name})
}

// networkKind is what a container is attached to.
type networkKind int

const (
	hostNetwork   networkKind = iota // that of the agent
	bridgeNetwork                    // Docker's
	namedNetwork
)

func (t *task) network() networkKind {
	if d := t.info.Container.GetDocker(); d != nil {
		switch d.GetNetwork() {
		case mesos.ContainerInfo_DockerInfo_HOST:
			return hostNetwork
		case mesos.ContainerInfo_DockerInfo_USER:
			return namedNetwork
		}
		return bridgeNetwork
	}
	if slices.ContainsFunc(t.info.Container.GetNetworkInfos(), func(n mesos.NetworkInfo) bool { return n.GetName() != "" }) {
		return namedNetwork
	}
	return hostNetwork
}

// ip returns the address of the task's container: that of the agent on its network, and otherwise one that no other has.
func (t *task) ip() string {
	n := t.order + 1 // the first address is that of the gateway
	rest := strconv.FormatUint(n>>8&0xff, 10) + "." + strconv.FormatUint(n&0xff, 10)
	switch t.network() {
	case bridgeNetwork:
		return "172.17." + rest
	case namedNetwork:
		return "10.88." + rest
	}
	return t.agent.config.IP
}
