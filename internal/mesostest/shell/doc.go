// Package shell interprets the commands of tasks: enough of sh to run what tests launch, in virtual time
// and without touching the machine.
//
// # What it promises
//
// [Start] runs a command as an executor would: a script for sh, or a program with its arguments. Variables,
// quotes, arithmetic, loops, conditions, children, traps, redirections and the usual small tools behave as
// they do in dash as far as the tests show it; exit statuses and signals are those of Linux. The files that
// a command writes, and the ports on which a "python -c" listens, are in its [Sandbox]. No script panics, and
// none keeps the caller busy: one that loops without sleeping counts as running until it is killed.
//
// # What it does not
//
// Nothing is executed. A program that is not known is not found (status 127); in a container image it runs
// until killed. What is written into a pipe is lost, and so is what cat, ls or date would print. Globs,
// functions, here documents, command substitution other than $(echo …) and input are missing.
//
// # Goroutines
//
// None. A [Process] is a state machine that runs inside of Start, Signal and the functions that it gives to
// Options.After; all of them must be called on one goroutine.
package shell
