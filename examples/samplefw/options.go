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
	master, store, role, log string
	hold, timeout            time.Duration
}

func parse(args []string) (o options, err error) {
	f := flag.NewFlagSet("samplefw", flag.ContinueOnError)
	f.StringVar(&o.master, "master", "embedded", `leading master such as http://host:5050, or "embedded" for one in this process`)
	f.StringVar(&o.store, "store", "", `file that keeps framework and tasks, so that they outlive the program: interrupted, killed or failed,
it goes on with them when it is started again within an hour, and launches only what is missing.
-hold begins anew then; after it they end, and the file is removed (default: kept in memory; an
interrupt ends the framework)`)
	o.workload.flags(f)
	f.DurationVar(&o.hold, "hold", 10*time.Second, "how long to let them run")
	f.DurationVar(&o.timeout, "timeout", 30*time.Second, "how long to wait until all tasks run")
	f.StringVar(&o.role, "role", "*", "role of the framework")
	f.StringVar(&o.log, "log", "text", "text (one line per change) or json (the scheduler's log)")
	if err := parseFlags(f, args); err != nil {
		return o, err
	}
	if o.tasks < 1 || o.hold < 0 || o.timeout <= 0 || o.log != "text" && o.log != "json" || f.NArg() > 0 {
		return o, fmt.Errorf("bad options: -tasks %d (at least 1), -hold %v, -timeout %v (more than 0), -log %q (text or json), arguments %q (none)",
			o.tasks, o.hold, o.timeout, o.log, f.Args())
	}
	if o.store != "" && o.master == "embedded" {
		return o, errors.New("bad options: -store needs a -master that outlives the program")
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
	if err = cmp.Or(err, f.Parse(args)); errors.Is(err, flag.ErrHelp) {
		f.SetOutput(os.Stdout)
		f.Usage()
	}
	return err
}
