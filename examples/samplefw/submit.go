package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/mesos-actor/mesos-actor-go/controlapi"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// submission is what "samplefw submit" was asked for.
type submission struct {
	remote
	output
	taskFlags
	file, wait string
	count      int
	pod        bool
}

func submitCommand() *cobra.Command {
	var s submission
	cmd := &cobra.Command{
		Use:     "submit [flags] [-- PROGRAM ARGUMENT...]",
		GroupID: groupUse,
		Short:   "Submits tasks, and prints their IDs",
		Long: `Submits tasks, and prints their IDs. A task is described by flags, or by a file with the fields of task.Spec as YAML or
JSON: one task, a list of them, or several documents. docs/configuration.md has the fields; a short file is

  {id: web-1, cpus: 0.5, mem: 128, command: {shell: sleep 60}}

With --wait it waits until all tasks run, or have ended. With "--wait ended" it exits with the status of the first task that
has failed. An interrupt ends the waiting, not the tasks.`,
		Example: `  samplefw submit --command 'echo hello; sleep 60'
  samplefw submit --id web-1 --image nginx --port 80 --cpus 0.5 --mem 128 --wait running
  samplefw submit --group web --count 3 --constraint 'hostname UNIQUE' -- sleep 3600
  samplefw submit --file tasks.yaml --wait ended`,
		RunE: func(cmd *cobra.Command, args []string) error { return s.run(cmd, args) },
	}
	grouped(cmd, "Task", s.taskFlags.flags)
	grouped(cmd, "Submission", func(f *pflag.FlagSet) {
		f.StringVarP(&s.file, "file", "f", "", "`FILE` with tasks in place of flags; -: the standard input")
		f.BoolVar(&s.pod, "pod", false, "submit the tasks of the file as the members of one pod")
		f.IntVar(&s.count, "count", 1, "how many tasks of this kind to submit, with -1, -2 and so on after their ID")
		f.StringVar(&s.wait, "wait", "", "wait until all tasks are in this `STATE`: running or ended")
	})
	s.output.flags(cmd, "id")
	s.remote.flags(cmd)
	completeFixed(cmd, "wait", "running", "ended")
	return cmd
}

func (s *submission) run(cmd *cobra.Command, args []string) error {
	err := check(cmd, s.output.rule(),
		rule{s.wait == "" || s.wait == "running" || s.wait == "ended", "--wait %q (running or ended)", s.wait},
		rule{s.count >= 1, "--count %d (at least 1)", s.count},
		rule{!s.pod || s.file != "", "--pod without --file%.0v", s.pod})
	if err != nil {
		return err
	}
	specs, err := s.specs(cmd, args)
	if err != nil {
		return err
	}
	c, err := s.client(cmd)
	if err != nil {
		return err
	}
	if err := s.submit(cmd.Context(), c, specs); err != nil {
		return advised(err)
	}
	if !s.json() && s.wait != "" { // before the waiting, which may take long
		printIDs(cmd, specs)
	}
	infos, err := s.await(cmd, c, specs)
	switch {
	case s.json():
		err = errors.Join(printJSON(cmd.OutOrStdout(), infos), err)
	case s.wait == "":
		printIDs(cmd, specs)
	}
	return err
}

func printIDs(cmd *cobra.Command, specs []task.Spec) {
	for _, spec := range specs {
		fmt.Fprintln(cmd.OutOrStdout(), plain("%s", spec.ID))
	}
}

// specs returns the tasks to submit, from the file or from flags.
func (s *submission) specs(cmd *cobra.Command, args []string) ([]task.Spec, error) {
	if s.file != "" {
		if given := s.given(cmd, args); given != "" || s.count > 1 {
			return nil, misused(cmd, "--file has whole tasks, to which %s cannot be added", cmp.Or(given, "--count"))
		}
		return readSpecs(s.file, cmd.InOrStdin())
	}
	one, err := s.spec(args)
	if err != nil {
		return nil, misused(cmd, "%w", err)
	}
	specs := several(one, s.count)
	if err := specs[0].Validate(); err != nil {
		return nil, misused(cmd, "%w", err)
	}
	return specs, nil
}

// several returns so many tasks of a kind, each with an ID of its own. An ID is made up if there is none.
func several(one task.Spec, count int) []task.Spec {
	one.ID = cmp.Or(one.ID, "task-"+strings.ToLower(rand.Text()[:8]))
	if count == 1 {
		return []task.Spec{one}
	}
	specs := make([]task.Spec, count)
	for i := range specs {
		specs[i] = one.Clone()
		specs[i].ID = fmt.Sprintf("%s-%d", one.ID, i+1)
	}
	return specs
}

// submit submits the tasks, or the members of a pod.
func (s *submission) submit(ctx context.Context, c controlapi.Framework, specs []task.Spec) error {
	if s.pod {
		return c.SubmitPod(ctx, specs...)
	}
	return each(len(specs), func(i int) error { return c.Submit(ctx, specs[i]) })
}

// await waits for what --wait says, and returns the tasks as they are then. It returns the error of the first that has failed.
func (s *submission) await(cmd *cobra.Command, c controlapi.Framework, specs []task.Spec) ([]task.Info, error) {
	ctx := cmd.Context()
	infos := make([]task.Info, len(specs))
	line := newStatusLine(cmd.ErrOrStderr(), len(specs), "of %d tasks "+map[string]string{"running": "run", "ended": "have ended"}[s.wait])
	defer line.end()
	err := each(len(specs), func(i int) (err error) {
		id := specs[i].ID
		switch s.wait {
		case "running":
			infos[i], err = c.Wait(ctx, id, scheduler.UntilRunning)
		case "ended":
			infos[i], err = c.Wait(ctx, id, scheduler.UntilEnded)
			if err == nil && infos[i].State != task.StateFinished {
				err = exitError{&scheduler.TaskError{Task: infos[i]}, statusOf(infos[i])}
			}
		default:
			infos[i], err = c.Task(ctx, id)
		}
		line.done()
		return err
	})
	if ctx.Err() != nil && s.wait != "" {
		return infos, errors.New("interrupted; the tasks go on, and \"samplefw kill\" ends them")
	}
	return infos, advised(err)
}

// statusOf returns the exit status of a task that has not finished. It is never 0.
func statusOf(t task.Info) int {
	if t.ExitStatus != nil && *t.ExitStatus != 0 {
		return *t.ExitStatus
	}
	return exitFailure
}
