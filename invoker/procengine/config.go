package procengine

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/mesos-actor/mesos-actor-go/invoker"
)

// Config configures an [Engine]. Dir and Kinds are required; every other zero value stands for the documented default.
type Config struct {
	// Dir has the directories of the containers. One engine at a time uses it. It is made if it does not exist. Required.
	Dir string
	// Kinds are the programs, with their arguments, that containers of each kind run, such as
	// "nodejs:20": {"node", "/opt/runtime/app.js"}. A program is found in PATH, or from the present directory; it runs in the
	// directory of its container, so that arguments that are files need their whole path. Required.
	Kinds map[string][]string
	// Host is the IP address of this machine at which containers listen. Default 127.0.0.1.
	Host string
	// MinPort and MaxPort are the ports at which containers listen. They should be outside of those that the system gives to
	// clients. Defaults 20000, and 9999 more than MinPort.
	MinPort, MaxPort int
	// Memory is how many MiB all containers may ask for together. Default: what the machine has.
	Memory int
	// OutputLimit is how many bytes of each stream can be read at least; older ones are freed. Default 64 MiB.
	OutputLimit int64
	// KeepOutput is how long the output of a container that has ended can be read. Default 1 h.
	KeepOutput time.Duration
}

// withDefaults returns a copy of cfg that is complete.
func (cfg Config) withDefaults() (Config, error) {
	cfg.Host = orDefault(cfg.Host, "127.0.0.1")
	cfg.MinPort = orDefault(cfg.MinPort, 20000)
	cfg.MaxPort = orDefault(cfg.MaxPort, min(cfg.MinPort+9999, 65535))
	cfg.OutputLimit = orDefault(cfg.OutputLimit, 64<<20)
	cfg.KeepOutput = orDefault(cfg.KeepOutput, time.Hour)
	cfg.Kinds = maps.Clone(cfg.Kinds)
	if err := cfg.validate(); err != nil {
		return cfg, err
	}
	for kind, argv := range cfg.Kinds {
		argv = slices.Clone(argv)
		if filepath.Base(argv[0]) != argv[0] { // not one to be found in PATH; containers have directories of their own
			program, err := filepath.Abs(argv[0])
			if err != nil {
				return cfg, err
			}
			argv[0] = program
		}
		cfg.Kinds[kind] = argv
	}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return cfg, err
	}
	// Processes are recognised by the true path of the directory, as the kernel tells it.
	dir, err := filepath.Abs(cfg.Dir)
	if err == nil {
		cfg.Dir, err = filepath.EvalSymlinks(dir)
	}
	return cfg, err
}

func orDefault[T comparable](value, def T) T {
	var zero T
	if value == zero {
		return def
	}
	return value
}

// validate returns an *invoker.ConfigError for each fault, joined.
func (cfg Config) validate() error {
	var faults []error
	fault := func(field string, value any, reason string) {
		faults = append(faults, &invoker.ConfigError{Field: field, Value: value, Reason: reason})
	}
	if cfg.Dir == "" {
		fault("Dir", cfg.Dir, "is required")
	}
	if len(cfg.Kinds) == 0 {
		fault("Kinds", cfg.Kinds, "is required")
	}
	for _, kind := range slices.Sorted(maps.Keys(cfg.Kinds)) {
		if len(cfg.Kinds[kind]) == 0 || cfg.Kinds[kind][0] == "" {
			fault("Kinds", kind, "has no program")
		}
	}
	if ip, err := netip.ParseAddr(cfg.Host); err != nil || ip.IsUnspecified() {
		fault("Host", cfg.Host, "is not the IP address of a machine")
	}
	if cfg.MinPort < 1 || cfg.MaxPort > 65535 || cfg.MinPort > cfg.MaxPort {
		fault("MinPort", fmt.Sprintf("%d to %d", cfg.MinPort, cfg.MaxPort), "is not a range of ports")
	}
	for _, f := range []struct {
		field    string
		value    any
		negative bool
	}{
		{"Memory", cfg.Memory, cfg.Memory < 0}, {"OutputLimit", cfg.OutputLimit, cfg.OutputLimit < 0},
		{"KeepOutput", cfg.KeepOutput, cfg.KeepOutput < 0},
	} {
		if f.negative {
			fault(f.field, f.value, "must not be negative")
		}
	}
	return errors.Join(faults...)
}
