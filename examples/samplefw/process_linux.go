package main

import "syscall"

// withParent has the kernel kill a child when this process ends, however that happens. In a process group of its own the
// child does not get the interrupts of the terminal.
func withParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
