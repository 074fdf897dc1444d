package main

import (
	"cmp"
	"fmt"

	"github.com/spf13/pflag"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// workload is what the framework runs: tasks that are all alike.
type workload struct {
	tasks          int
	image, command string
}

func (w *workload) flags(f *pflag.FlagSet) {
	f.IntVar(&w.tasks, "tasks", 3, "how many tasks to launch")
	f.StringVar(&w.image, "image", "", "Docker `IMAGE` to run (default: a plain command)")
	f.StringVar(&w.command, "command", "", "shell `COMMAND` to run (default \"sleep 3600\", or what the image says)")
}

func (w workload) specs() []task.Spec {
	specs := make([]task.Spec, w.tasks)
	for i := range specs {
		specs[i] = task.Spec{ID: fmt.Sprintf("sample-%d", i+1), CPUs: 0.1, Mem: 32, Command: task.Command{Shell: w.command}}
		if w.image != "" {
			specs[i].Container = &task.Container{Image: w.image}
		} else {
			specs[i].Command.Shell = cmp.Or(w.command, "sleep 3600")
		}
	}
	return specs
}
