package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/mesos-actor/mesos-actor-go/controlapi"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// killing is what "samplefw kill" was asked for.
type killing struct {
	remote
	output
	all, yes bool
}

func killCommand() *cobra.Command {
	var k killing
	cmd := &cobra.Command{
		Use:     "kill ID... | --all",
		GroupID: groupUse,
		Short:   "Kills tasks, and waits until they have ended",
		Example: `  samplefw kill web-1 web-2
  samplefw kill --all`,
		RunE: func(cmd *cobra.Command, ids []string) error { return k.run(cmd, ids) },
	}
	grouped(cmd, "Which tasks", func(f *pflag.FlagSet) {
		f.BoolVar(&k.all, "all", false, "all tasks that have not ended; it asks before it does so")
		f.BoolVar(&k.yes, "yes", false, "do not ask")
		byHand(f, "all", "yes")
	})
	k.output.flags(cmd, "table")
	k.remote.flags(cmd)
	cmd.ValidArgsFunction = k.taskIDs
	return cmd
}

func (k *killing) run(cmd *cobra.Command, ids []string) error {
	if err := check(cmd, k.output.rule(), rule{(len(ids) > 0) != k.all, "%s (IDs or --all)", cmd.Use}); err != nil {
		return err
	}
	c, err := k.client(cmd)
	if err != nil {
		return err
	}
	if k.all {
		if ids, err = k.everything(cmd, c); err != nil || len(ids) == 0 {
			return err
		}
	}
	to := cmd.OutOrStdout()
	infos := make([]task.Info, len(ids))
	var mu sync.Mutex // of what is printed
	err = each(len(ids), func(i int) (err error) {
		if infos[i], err = c.Kill(cmd.Context(), ids[i]); err != nil || k.json() {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintln(to, infos[i])
		return nil
	})
	if k.json() {
		err = errors.Join(printJSON(to, infos), err)
	}
	if cmd.Context().Err() != nil && errors.Is(err, context.Canceled) {
		return errors.New("interrupted; tasks that were asked to end still do so")
	}
	return advised(err)
}

// everything returns the IDs of all tasks that have not ended, if whoever types agrees.
func (k *killing) everything(cmd *cobra.Command, c *controlapi.Client) (ids []string, err error) {
	ctx := cmd.Context()
	all, err := c.Tasks(ctx)
	if err != nil {
		return nil, advised(err)
	}
	for _, t := range all {
		if !t.State.Terminal() {
			ids = append(ids, t.Spec.ID)
		}
	}
	if k.yes || len(ids) == 0 {
		return ids, nil
	}
	o, err := c.Overview(ctx)
	if err != nil {
		return nil, advised(err)
	}
	if !confirmed(cmd, fmt.Sprintf("Kill %s of %s at %s?", counted(len(ids), "task"), o.Framework, strings.Join(k.at, ","))) {
		return nil, errors.New("nothing was killed: answer yes, or add --yes")
	}
	return ids, nil
}

// confirmed asks a question on the terminal. Where nobody can answer, the answer is no.
func confirmed(cmd *cobra.Command, question string) bool {
	if terminal(cmd.ErrOrStderr()) == nil {
		return false
	}
	fmt.Fprint(cmd.ErrOrStderr(), plain("%s", question), " yes or no: ")
	answers := make(chan string, 1)
	go func() { // it ends with the program at the latest: a terminal cannot be read with a context
		line, _ := bufio.NewReader(cmd.InOrStdin()).ReadString('\n')
		answers <- strings.TrimSpace(line)
	}()
	select {
	case answer := <-answers:
		return answer == "yes"
	case <-cmd.Context().Done():
		return false
	}
}
