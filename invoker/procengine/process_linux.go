package procengine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// identity tells a process from all others that have, had or will have its number.
type identity struct {
	PID   int
	Start uint64 // since the machine was booted, in the kernel's ticks
	Boot  string // the ID of that boot
}

// spawn starts a program as the leader of a session, and so of a process group, of its own. Suspended containers need the
// session: the kernel continues the stopped processes of a group, after a SIGHUP, when the last parent of it within the session
// ends, which would be the invoker.
func spawn(argv, env []string, dir string, stdout, stderr *os.File) (identity, error) {
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env, cmd.Dir, cmd.Stdout, cmd.Stderr = env, dir, stdout, stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return identity{}, err
	}
	pid := cmd.Process.Pid
	_ = cmd.Process.Release() // reap is for all containers, also those that are adopted
	id, err := identify(pid)
	if err != nil {
		_ = syscall.Kill(-pid, syscall.SIGKILL)
		reap(pid)
	}
	return id, err
}

// crowded reports whether an error says that the machine has no room for another process.
func crowded(err error) bool {
	for _, no := range []error{syscall.EAGAIN, syscall.ENOMEM, syscall.EMFILE, syscall.ENFILE, syscall.ENOSPC, syscall.EDQUOT} {
		if errors.Is(err, no) {
			return true
		}
	}
	return false
}

// identify returns the identity of the process that has a number now.
func identify(pid int) (identity, error) {
	boot, err := bootID()
	if err != nil {
		return identity{}, err
	}
	s, err := readStat(pid)
	return identity{PID: pid, Start: s.start, Boot: boot}, err
}

func bootID() (string, error) {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return strings.TrimSpace(string(id)), err
}

// runs reports whether the process runs. One that has ended and was not reaped does not.
func (id identity) runs() (bool, error) {
	boot, err := bootID()
	if err != nil || boot != id.Boot {
		return false, err
	}
	s, err := readStat(id.PID)
	if errors.Is(err, errNoProcess) {
		return false, nil
	}
	return s.runs && s.start == id.Start, err
}

var errNoProcess = errors.New("there is no such process")

// stat is what matters here of /proc/<pid>/stat.
type stat struct {
	runs    bool
	program bool // it has one: it is neither a thread of the kernel nor about to end
	session int
	start   uint64
}

func readStat(pid int) (stat, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
		return stat{}, errNoProcess
	}
	if err != nil {
		return stat{}, err
	}
	// The second field is the name of the program in parentheses, which may have blanks and parentheses itself.
	fields := bytes.Fields(data[bytes.LastIndexByte(data, ')')+1:])
	if len(fields) < 20 {
		return stat{}, fmt.Errorf("/proc/%d/stat: %d fields", pid, len(fields))
	}
	field := func(n int) string { return string(fields[n-3]) } // as proc(5) counts them
	flags, err0 := strconv.ParseUint(field(9), 10, 64)
	session, err1 := strconv.Atoi(field(6))
	threads, err2 := strconv.Atoi(field(20))
	start, err3 := strconv.ParseUint(field(22), 10, 64)
	// A process whose first thread has ended is shown as a zombie while others run.
	const kernelThread = 0x00200000
	ended := field(3) == "Z" || field(3) == "X"
	s := stat{runs: !ended || threads > 1, program: !ended && flags&kernelThread == 0, session: session, start: start}
	return s, errors.Join(err0, err1, err2, err3)
}

// awaitEnd returns true when the process has ended with all its threads, or false when stop is closed, with the handle.
func (id identity) awaitEnd(handle *os.File, stop <-chan struct{}) bool {
	for {
		var runs bool
		var err error
		conn, connErr := handle.SyscallConn()
		if connErr == nil { // the handle becomes readable when the process ends; it may have been so before
			connErr = conn.Read(func(uintptr) bool {
				runs, err = id.runs()
				return err != nil || !runs
			})
		}
		if connErr == nil && err == nil && !runs {
			return true
		}
		select {
		case <-stop:
			return false
		case <-time.After(100 * time.Millisecond): // for lack of file descriptors, most likely
		}
	}
}

// awaitStop returns when all threads of a process have stopped. The kernel stops them when the one that it has chosen for the
// signal runs the next time, which on a busy machine may take a while.
func (id identity) awaitStop(ctx context.Context) error {
	for {
		threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", id.PID))
		if err != nil {
			return err
		}
		stopped := len(threads) > 0
		for _, name := range threads {
			data, err := os.ReadFile(name)
			after := data[bytes.LastIndexByte(data, ')')+1:] // the thread's state: stopped, or ended
			stopped = stopped && err == nil && len(after) > 1 && strings.ContainsRune("TtZX", rune(after[1]))
		}
		if stopped {
			return nil
		}
		if runs, err := id.runs(); err != nil || !runs {
			return errors.Join(errNoProcess, err)
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(time.Millisecond):
		}
	}
}

// The number of this system call is the same on all processors; package syscall is older than it is.
const sysPidfdOpen = 434

// open returns a handle on the process, by which its end can be waited for. It fails with errNoProcess if the process has been
// reaped.
func (id identity) open() (*os.File, error) {
	fd, _, errno := syscall.Syscall(sysPidfdOpen, uintptr(id.PID), 0, 0)
	if errno == syscall.ESRCH {
		return nil, errNoProcess
	}
	if errno != 0 {
		return nil, os.NewSyscallError("pidfd_open", errno)
	}
	if err := syscall.SetNonblock(int(fd), true); err != nil { // so that waiting does not take a thread
		_ = syscall.Close(int(fd))
		return nil, os.NewSyscallError("fcntl", err)
	}
	handle := os.NewFile(fd, fmt.Sprintf("process %d", id.PID))
	if now, err := identify(id.PID); err != nil || now != id {
		_ = handle.Close()
		return nil, errors.Join(errNoProcess, err)
	}
	return handle, nil
}

// checkKernel returns an error if the kernel has no handles on processes.
func checkKernel() error {
	self, err := identify(os.Getpid())
	if err != nil {
		return err
	}
	handle, err := self.open()
	if err != nil {
		return fmt.Errorf("the end of a process cannot be waited for; Linux 5.3 and /proc are needed: %w", err)
	}
	return handle.Close()
}

// reap waits for a process that has ended, and returns its status; false if it is not a child of this process.
func reap(pid int) (syscall.WaitStatus, bool) {
	for {
		var status syscall.WaitStatus
		got, err := syscall.Wait4(pid, &status, 0, nil)
		if err == syscall.EINTR {
			continue
		}
		return status, err == nil && got == pid
	}
}

// members returns the processes that run and belong to the container in dir, whose first process is leader. With session, also
// those that are known by their session only: leader must not have been reaped long ago, or its number may be another's. A
// leader that is not known is zero. Unsure says that there may be others, of which it cannot be told at the moment.
func members(dir string, leader identity, session bool) (found []int, unsure bool, err error) {
	proc, err := os.Open("/proc")
	if err != nil {
		return nil, false, err
	}
	defer proc.Close()
	names, err := proc.Readdirnames(-1)
	if err != nil {
		return nil, false, err
	}
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil || pid == os.Getpid() {
			continue
		}
		s, err := readStat(pid)
		if errors.Is(err, errNoProcess) || errors.Is(err, os.ErrPermission) { // another user's
			continue
		}
		if err != nil {
			return nil, false, err
		}
		if !s.runs || s.start < leader.Start {
			continue // what is older than the leader was not started by it
		}
		switch {
		case session && s.session == leader.PID || belongs(pid, dir):
			found = append(found, pid)
		case s.program && begins(pid):
			unsure = true
		}
	}
	return found, unsure, nil
}

// begins reports whether a process may be just beginning to run another program: then it has no arguments and no environment.
func begins(pid int) bool {
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	return err == nil && len(line) == 0
}

// belongs reports whether a process prints to the files of the container in dir, or has its environment. The directory in which a
// process works says nothing: it may be an operator's shell.
func belongs(pid int, dir string) bool {
	for _, fd := range []string{"1", "2"} {
		target, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/%s", pid, fd))
		if err == nil && filepath.Dir(target) == dir {
			return true
		}
	}
	environ, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	mark := append([]byte(dirVariable+"="+dir), 0)
	return err == nil && (bytes.HasPrefix(environ, mark) || bytes.Contains(environ, append([]byte{0}, mark...)))
}

// killAll kills all that runs of a container, and returns when nothing does; false if stop was closed before.
func killAll(dir string, leader identity, session bool, stop <-chan struct{}) bool {
	doubts := 20 // a program can also remove its arguments
	for pause := time.Millisecond; ; pause = min(2*pause, 100*time.Millisecond) {
		if pids, unsure, err := members(dir, leader, session); err == nil {
			if unsure {
				doubts--
			}
			if len(pids) == 0 && (!unsure || doubts == 0) {
				return true
			}
			for _, pid := range pids {
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
		}
		select {
		case <-stop:
			return false
		case <-time.After(pause):
		}
	}
}

// oomKills returns how many processes the kernel has killed on this machine because memory ran out; 0 if it does not say.
func oomKills() int {
	data, _ := os.ReadFile("/proc/vmstat")
	_, after, _ := strings.Cut(string(data), "\noom_kill ")
	count, _, _ := strings.Cut(after, "\n")
	n, _ := strconv.Atoi(count)
	return n
}

// machineMemory returns how many MiB of memory this machine has.
func machineMemory() (int, error) {
	var info syscall.Sysinfo_t
	if err := syscall.Sysinfo(&info); err != nil {
		return 0, os.NewSyscallError("sysinfo", err)
	}
	return int(uint64(info.Totalram) * uint64(info.Unit) >> 20), nil
}

// lockFile locks a file for this process, until it is closed.
func lockFile(f *os.File) error {
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
}

// freeOutput gives the space of the first bytes of a file back, without changing its size or the offsets of what follows.
func freeOutput(f *os.File, until int64) error {
	const keepSize, punchHole = 1, 2
	return syscall.Fallocate(int(f.Fd()), keepSize|punchHole, 0, until)
}

// firstByte returns the offset of the first byte of a file that was not freed.
func firstByte(f *os.File) (int64, error) {
	const seekData = 3
	from, err := f.Seek(0, seekData)
	if errors.Is(err, syscall.ENXIO) {
		return f.Seek(0, 2) // everything was freed
	}
	return from, err
}
