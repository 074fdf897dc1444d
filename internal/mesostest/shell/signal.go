package shell

import (
	"strconv"
	"strings"
)

// signals returns those of Linux on x86 and arm, by number from 1, with the texts of
// strsignal(3).
func signals() [31][2]string {
	return [31][2]string{
		{"HUP", "Hangup"},
		{"INT", "Interrupt"},
		{"QUIT", "Quit"},
		{"ILL", "Illegal instruction"},
		{"TRAP", "Trace/breakpoint trap"},
		{"ABRT", "Aborted"},
		{"BUS", "Bus error"},
		{"FPE", "Floating point exception"},
		{"KILL", "Killed"},
		{"USR1", "User defined signal 1"},
		{"SEGV", "Segmentation fault"},
		{"USR2", "User defined signal 2"},
		{"PIPE", "Broken pipe"},
		{"ALRM", "Alarm clock"},
		{"TERM", "Terminated"},
		{"STKFLT", "Stack fault"},
		{"CHLD", "Child exited"},
		{"CONT", "Continued"},
		{"STOP", "Stopped (signal)"},
		{"TSTP", "Stopped"},
		{"TTIN", "Stopped (tty input)"},
		{"TTOU", "Stopped (tty output)"},
		{"URG", "Urgent I/O condition"},
		{"XCPU", "CPU time limit exceeded"},
		{"XFSZ", "File size limit exceeded"},
		{"VTALRM", "Virtual timer expired"},
		{"PROF", "Profiling timer expired"},
		{"WINCH", "Window changed"},
		{"IO", "I/O possible"},
		{"PWR", "Power failure"},
		{"SYS", "Bad system call"},
	}
}

// signalName brings "15", "TERM" and "SIGTERM" to "TERM".
func signalName(text string) string {
	all := signals()
	if n, err := strconv.Atoi(text); err == nil && n >= 1 && n <= len(all) {
		return all[n-1][0]
	}
	return strings.TrimPrefix(strings.ToUpper(text), "SIG")
}

func signalNumber(name string) int {
	for i, s := range signals() {
		if s[0] == name {
			return i + 1
		}
	}
	return 0
}

func signalText(name string) string {
	for _, s := range signals() {
		if s[0] == name {
			return s[1]
		}
	}
	return "Unknown signal " + name
}
