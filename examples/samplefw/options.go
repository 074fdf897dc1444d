package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// options are the flags.
type options struct {
	workload
	access
	store, log    string
	hold, timeout time.Duration
}

func parse(args []string) (o options, err error) {
	f := flag.NewFlagSet("samplefw", flag.ContinueOnError)
	f.Usage = func() { usage(f) }
	o.access.flags(f, "embedded", `a master such as http://host:5050, a list of them, their ZooKeeper (zk://host:2181/mesos), or "embedded"
for a fake cluster in this process`)
	f.StringVar(&o.store, "store", "", `file that keeps framework and tasks, so that they outlive the program: interrupted, killed or failed,
it goes on with them when it is started again within an hour, and launches only what is missing.
-hold begins anew then; after it they end, and the file is removed (default: kept in memory; an
interrupt ends the framework)`)
	o.workload.flags(f)
	f.DurationVar(&o.hold, "hold", 10*time.Second, "how long to let them run")
	f.DurationVar(&o.timeout, "timeout", 30*time.Second, "how long to wait until all tasks run")
	f.StringVar(&o.log, "log", "text", "text (one line per change) or json (the scheduler's log)")
	if err := parseFlags(f, args); err != nil {
		return o, err
	}
	if f.NArg() > 0 {
		return o, badOptions(f, "%q is not a command", f.Arg(0))
	}
	err = check(f,
		rule{o.tasks >= 1, "-tasks %d (at least 1)", o.tasks},
		rule{o.hold >= 0, "-hold %v (not negative)", o.hold},
		rule{o.timeout > 0, "-timeout %v (more than 0)", o.timeout},
		logRule(o.log))
	if err != nil {
		return o, err
	}
	if o.store != "" && o.master == "embedded" {
		return o, badOptions(f, "-store needs a -master that outlives the program")
	}
	return o, nil
}

// parseFlags parses what follows a command. Each flag can also be set by the environment, such as SAMPLEFW_TASKS.
func parseFlags(f *flag.FlagSet, args []string) (err error) {
	f.VisitAll(func(fl *flag.Flag) {
		name := "SAMPLEFW_" + strings.ToUpper(strings.ReplaceAll(fl.Name, "-", "_"))
		if v, ok := os.LookupEnv(name); ok && err == nil {
			if err = f.Set(fl.Name, v); err != nil {
				err = fmt.Errorf("%s=%q: %w", name, v, err)
			}
		}
	})
	f.SetOutput(io.Discard) // main prints the error
	err = cmp.Or(err, f.Parse(args))
	switch {
	case errors.Is(err, flag.ErrHelp):
		f.SetOutput(os.Stdout)
		f.Usage()
	case err != nil:
		err = badOptions(f, "%w", err)
	}
	return err
}

// rule is what must hold for an option, and the words for one for which it does not.
type rule struct {
	holds  bool
	format string // of the value
	value  any
}

func logRule(log string) rule {
	return rule{log == "text" || log == "json", "-log %q (text or json)", log}
}

func noArguments(f *flag.FlagSet) rule {
	return rule{f.NArg() == 0, "arguments %q (none)", f.Args()}
}

// check returns an error with the options for which the rules do not hold.
func check(f *flag.FlagSet, rules ...rule) error {
	var bad []string
	for _, r := range rules {
		if !r.holds {
			bad = append(bad, fmt.Sprintf(r.format, r.value))
		}
	}
	if bad == nil {
		return nil
	}
	return badOptions(f, "%s", strings.Join(bad, ", "))
}

// badOptions returns an error that says where help is.
func badOptions(f *flag.FlagSet, format string, args ...any) error {
	return fmt.Errorf("bad options: "+format+" (%s -h has help)", append(args, f.Name())...)
}
