package main

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"
)

// process is a child process, whose output goes to a file. It ends with this one, where the system can see to that.
type process struct {
	*exec.Cmd
	log   string
	ended chan struct{}
}

// start starts a program. The file is continued if it exists: a member that comes back goes on with its log.
func start(log, program string, args ...string) (*process, error) {
	file, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	p := &process{Cmd: exec.Command(program, args...), log: log, ended: make(chan struct{})}
	p.Stdout, p.Stderr, p.SysProcAttr = file, file, withParent()
	p.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "SAMPLEFW_") }) // those are meant for this process
	if err := p.Start(); err != nil {
		return nil, err
	}
	go func() { _ = p.Wait(); close(p.ended) }()
	return p, nil
}

// kill ends the process at once, with SIGKILL.
func (p *process) kill() {
	_ = p.Process.Kill() // it may have ended
	<-p.ended
}

// stop asks the process to end, with SIGTERM, and waits until it has.
func (p *process) stop(within time.Duration) error {
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-p.ended:
		return nil
	case <-time.After(within):
		return fmt.Errorf("process %d has not ended %v after SIGTERM", p.Process.Pid, within)
	}
}

// freeAddresses returns loopback addresses at which nobody listens. Their ports are below those that systems give to
// outgoing connections, so that a member finds its address free when it comes back.
func freeAddresses(n int) (addresses []string) {
	taken := map[int]bool{}
	for len(addresses) < n {
		port := 15000 + rand.IntN(15000)
		address := fmt.Sprint("127.0.0.1:", port)
		if l, err := net.Listen("tcp", address); err == nil && !taken[port] {
			_ = l.Close()
			taken[port] = true
			addresses = append(addresses, address)
		}
	}
	return addresses
}
