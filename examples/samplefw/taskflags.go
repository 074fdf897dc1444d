package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// taskFlags describe a task on a command line: what is wanted most often of a task.Spec. Files have all of it.
type taskFlags struct {
	described                           task.Spec
	image                               string
	constraints, ports, env, labelPairs []string
}

// taskGroup is the title of these flags in the help.
const taskGroup = "Task"

func (t *taskFlags) flags(f *pflag.FlagSet) {
	spec := &t.described
	f.StringVar(&spec.ID, "id", "", "`ID` of the task (default: a made-up one)")
	f.StringVar(&spec.Command.Shell, "command", "", "shell `COMMAND` to run, --cmd for short; or a program and its arguments after --")
	f.StringVar(&t.image, "image", "", "Docker `IMAGE` to run (default: a plain command)")
	f.Float64Var(&spec.CPUs, "cpus", 0.1, "cores")
	f.Float64Var(&spec.Mem, "mem", 32, "memory in MiB")
	f.Float64Var(&spec.Disk, "disk", 0, "disk space in MiB")
	f.StringArrayVar(&t.ports, "port", nil, "`PORT` that the task listens on: with --image the one in the container, else one of the agent, where 0 is any. May be repeated, like --env, --constraint and --label")
	f.StringArrayVar(&t.env, "env", nil, "`NAME=VALUE` in the environment of the task")
	f.StringArrayVar(&t.constraints, "constraint", nil, "`CONSTRAINT` that must hold for the agent: 'rack LIKE r[12]', 'hostname UNIQUE', or with colons rack:LIKE:r[12]")
	f.StringArrayVar(&t.labelPairs, "label", nil, "`NAME=VALUE` of a label of the task")
	f.StringVar(&spec.Group, "group", "", "`GROUP` that constraints such as UNIQUE count together")
	f.StringVar(&spec.Role, "role", "", "`ROLE` whose offers may be used (default: any of the framework)")
	f.StringVar(&spec.Command.User, "user", "", "`USER` that runs the command (default: the framework's)")
}

// given returns the flags of a task that were given, or its arguments.
func (t *taskFlags) given(cmd *cobra.Command, args []string) string {
	var all []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if f.Changed && f.Annotations[inGroup] != nil && f.Annotations[inGroup][0] == taskGroup {
			all = append(all, "--"+f.Name)
		}
	})
	return strings.Join(append(all, args...), " ")
}

// spec returns the task that flags and arguments describe.
func (t *taskFlags) spec(args []string) (task.Spec, error) {
	spec := t.described
	if len(args) > 0 {
		spec.Command.Argv = args
	}
	if t.image != "" {
		spec.Container = &task.Container{Image: t.image}
	}
	var err error
	if spec.Command.Env, err = pairs("--env", t.env); err != nil {
		return spec, err
	}
	if spec.Labels, err = pairs("--label", t.labelPairs); err != nil {
		return spec, err
	}
	for _, text := range t.constraints {
		delimiter := " "
		if !strings.Contains(text, " ") {
			delimiter = ":"
		}
		constraint, err := task.ParseConstraint(text, delimiter)
		if err != nil {
			return spec, fmt.Errorf("--constraint %q: %w", text, err)
		}
		spec.Constraints = append(spec.Constraints, constraint)
	}
	for _, text := range t.ports {
		port, err := strconv.ParseUint(text, 10, 16)
		if err != nil {
			return spec, fmt.Errorf("--port %q (a number up to 65535)", text)
		}
		if t.image != "" {
			spec.Ports = append(spec.Ports, task.Port{Container: uint16(port)})
		} else {
			spec.Ports = append(spec.Ports, task.Port{Host: uint16(port)})
		}
	}
	if spec.Command.Shell == "" && len(args) == 0 && t.image == "" {
		return spec, fmt.Errorf("there is nothing to run: --command, --image, --file or a program after --")
	}
	return spec, nil
}

// pairs returns the names and values of NAME=VALUE.
func pairs(flag string, texts []string) (map[string]string, error) {
	var all map[string]string
	for _, text := range texts {
		name, value, ok := strings.Cut(text, "=")
		if !ok || name == "" {
			return nil, fmt.Errorf("%s %q (NAME=VALUE)", flag, text)
		}
		if all == nil {
			all = map[string]string{}
		}
		all[name] = value
	}
	return all, nil
}
