//go:build unix

package taskmatcher_test

import (
	"syscall"
	"time"
)

// processorTime returns how much of it the process has had.
func processorTime() time.Duration {
	var used syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &used) != nil {
		return 0
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
