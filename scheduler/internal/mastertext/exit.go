package mastertext

import (
	"strconv"
	"strings"
)

// ExitStatus returns the status with which the command or container of a task exited, as the message of its last
// status says it, and reports whether it does. For a signal it is 128 plus the signal's number, as in a shell. The messages
// are those of Mesos' own executors: the command executor, the default executor, which runs pods, and the docker executor.
func ExitStatus(message string) (int, bool) {
	how, ok := strings.CutPrefix(message, "Command ")
	if !ok {
		if how, ok = strings.CutPrefix(message, "Container "); !ok {
			return 0, false
		}
	}
	if text, exited := strings.CutPrefix(how, "exited with status "); exited {
		status, err := strconv.ParseUint(text, 10, 8)
		return int(status), err == nil
	}
	name, ended := strings.CutPrefix(how, "terminated with signal ")
	if !ended {
		return 0, false
	}
	signal, known := signalNumber(strings.TrimSuffix(name, " (core dumped)"))
	return 128 + signal, known
}

// signalNumber returns the number of a signal on Linux, by the text of strsignal(3).
func signalNumber(text string) (int, bool) {
	for number, name := range [...]string{
		1: "Hangup", 2: "Interrupt", 3: "Quit", 4: "Illegal instruction", 5: "Trace/breakpoint trap", 6: "Aborted",
		7: "Bus error", 8: "Floating point exception", 9: "Killed", 10: "User defined signal 1", 11: "Segmentation fault",
		12: "User defined signal 2", 13: "Broken pipe", 14: "Alarm clock", 15: "Terminated", 16: "Stack fault",
		24: "CPU time limit exceeded", 25: "File size limit exceeded", 26: "Virtual timer expired", 27: "Profiling timer expired",
		29: "I/O possible", 30: "Power failure", 31: "Bad system call",
	} {
		if name != "" && name == text {
			return number, true
		}
	}
	return 0, false
}
