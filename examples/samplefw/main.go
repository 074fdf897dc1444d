// Samplefw is a complete Mesos framework, and the tool to run and use one. Package main has two parts:
//
//   - the framework, in framework.go, which is meant to be copied: it launches a few tasks, watches them for a while,
//     kills them and tears itself down;
//   - the tool around it: commands, flags, and a client of the API that a running framework serves.
//
// Without a command the framework runs on a cluster inside the process. With --store it can be killed at any moment:
// started again, it continues with the same framework and tasks. All goroutines end with the command that started them.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second interrupt ends the program at once
	err := perform(ctx, os.Args[1:])
	if err != nil && err.Error() != "" {
		fmt.Fprintln(os.Stderr, "samplefw:", plain("%s", strings.ReplaceAll(err.Error(), "\n", "; ")))
	}
	os.Exit(exitCode(err))
}

// perform runs the command that the arguments begin with. What an interrupt has broken off is said in one word.
func perform(ctx context.Context, args []string) error {
	root := newRoot()
	if len(args) > 0 && strings.HasPrefix(args[0], cobra.ShellCompRequestCmd) {
		plainUsage(root)
	}
	root.SetArgs(withTwoDashes(root, args))
	err := root.ExecuteContext(ctx)
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return errInterrupted
	}
	return err
}

// The exit codes, beside those of tasks, see [exitError].
const (
	exitFailure = 1
	exitUsage   = 2
)

// usageError is a mistake in flags or arguments.
type usageError struct{ error }

// Unwrap returns what is wrong.
func (e usageError) Unwrap() error { return e.error }

// exitError ends the program with the exit status of a task.
type exitError struct {
	error
	code int
}

// Unwrap returns how the task ended.
func (e exitError) Unwrap() error { return e.error }

func exitCode(err error) int {
	var exit exitError
	var usage usageError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &usage):
		return exitUsage
	case errors.As(err, &exit):
		return exit.code
	}
	return exitFailure
}
