package main

import (
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// options are the flags of "samplefw run".
type options struct {
	workload
	access
	service
	store, log    string
	hold, timeout time.Duration
}

func runCommand() *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:     "run",
		GroupID: groupRun,
		Short:   "Launches tasks, lets them run for a while, and ends them and the framework",
		Example: `  samplefw run                                     # on a fake cluster inside the process
  samplefw run --master http://host:5050 --hold 1h
  samplefw run --master zk://host:2181/mesos --store samplefw.db`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.check(cmd); err != nil {
				return err
			}
			return run(cmd.Context(), o)
		},
	}
	grouped(cmd, "Tasks", func(f *pflag.FlagSet) {
		o.workload.flags(f)
		f.DurationVar(&o.hold, "hold", 10*time.Second, "how long to let them run")
		f.DurationVar(&o.timeout, "timeout", 30*time.Second, "how long to wait until all tasks run")
		f.StringVar(&o.store, "store", "", "`FILE` that keeps framework and tasks, so that they outlive the program: interrupted, killed or "+
			"failed, it goes on with them when it is started again within an hour, and launches only what is missing. --hold begins "+
			"anew then; after it they end, and the file is removed (default: kept in memory; an interrupt ends the framework)")
	})
	o.access.flags(cmd, "embedded", `a master such as http://host:5050, a list of them, their ZooKeeper (zk://host:2181/mesos), or "embedded" for a fake cluster in this process`)
	o.service.flags(cmd)
	logFlag(cmd, &o.log)
	return cmd
}

func (o *options) check(cmd *cobra.Command) error {
	err := check(cmd,
		rule{o.tasks >= 1, "--tasks %d (at least 1)", o.tasks},
		rule{o.hold >= 0, "--hold %v (not negative)", o.hold},
		rule{o.timeout > 0, "--timeout %v (more than 0)", o.timeout},
		logRule(o.log))
	if err == nil && o.store != "" && o.master == "embedded" {
		err = misused(cmd, "--store needs a --master that outlives the program")
	}
	if err != nil {
		return err
	}
	return o.service.check(cmd)
}

// logFlag adds the flag for what a process that runs the framework prints.
func logFlag(cmd *cobra.Command, log *string) {
	grouped(cmd, outputGroup, func(f *pflag.FlagSet) {
		f.StringVarP(log, "log", "o", "text", "text (one line per change) or json (the log of the scheduler and the election)")
	})
}
