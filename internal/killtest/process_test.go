//go:build integration && linux

package killtest

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// peer is a member, as the test sees it: one process after the other.
type peer struct {
	config memberConfig
	log    string
	calls  atomic.Int64

	mu      sync.Mutex
	process *process // nil while none runs
}

// process is a process of a member.
type process struct {
	*exec.Cmd
	stdin io.WriteCloser
	ended chan struct{}

	mu      sync.Mutex
	waiting map[string]chan answer
}

// start starts the member. It ends with this process, however that ends.
func (p *peer) start(t *testing.T) {
	config, err := json.Marshal(p.config)
	require.NoError(t, err)
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	require.NoError(t, err)
	defer log.Close()
	run := &process{Cmd: exec.Command(os.Args[0], "member", string(config)), ended: make(chan struct{}), waiting: map[string]chan answer{}}
	run.Stderr, run.SysProcAttr = log, &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	run.stdin, err = run.StdinPipe()
	require.NoError(t, err)
	stdout, err := run.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, run.Start())
	go run.read(stdout)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.process = run
}

// read hands out the answers, until the process has ended.
func (run *process) read(stdout io.Reader) {
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		var a answer
		if json.Unmarshal(lines.Bytes(), &a) != nil {
			break // it was killed while it wrote
		}
		run.mu.Lock()
		if to := run.waiting[a.ID]; to != nil {
			to <- a
			delete(run.waiting, a.ID)
		}
		run.mu.Unlock()
	}
	_ = run.Wait()
	close(run.ended)
}

// kill ends the process at once, with SIGKILL.
func (p *peer) kill() {
	p.mu.Lock()
	run := p.process
	p.process = nil
	p.mu.Unlock()
	if run != nil {
		_ = run.Process.Kill()
		<-run.ended
	}
}

// current returns the process that runs, or nil.
func (p *peer) current() *process {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.process
}

// newID returns an ID that no other call has.
func (p *peer) newID() string { return fmt.Sprint(p.config.Name, "-", p.calls.Add(1)) }

// call asks the process. Alive is false if it ended first.
func (run *process) call(r request) (a answer, alive bool) {
	to := make(chan answer, 1)
	run.mu.Lock()
	run.waiting[r.ID] = to
	line, _ := json.Marshal(r) // never fails
	_, err := run.stdin.Write(append(line, '\n'))
	run.mu.Unlock()
	if err != nil {
		<-run.ended
		return answer{}, false
	}
	select {
	case a = <-to:
		return a, true
	case <-run.ended:
	}
	select {
	case a = <-to:
		return a, true
	default:
		return answer{}, false
	}
}

// ask asks the member something about itself.
func (p *peer) ask(what string) (a answer, alive bool) {
	run := p.current()
	if run == nil {
		return answer{}, false
	}
	return run.call(request{ID: p.newID(), What: what})
}
