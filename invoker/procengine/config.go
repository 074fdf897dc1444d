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
)

// Config configures an [Engine]. Dir and Kinds are required; every other zero value stands for the documented default.
type Config struct {
	// Dir has the directories of the containers. One engine at a time uses it. It is made if it does not exist. Required.
	Dir string
	// Kinds are the programs, with their arguments, that containers of each kind run, such as
	// "nodejs:20": {"node", "/opt/runtime/app.js"}. Required.
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

func (cfg Config) validate() error {
	var faults []error
	if cfg.Dir == "" {
		faults = append(faults, errors.New("Dir is required"))
	}
	if len(cfg.Kinds) == 0 {
		faults = append(faults, errors.New("Kinds is required"))
	}
	for _, kind := range slices.Sorted(maps.Keys(cfg.Kinds)) {
		if len(cfg.Kinds[kind]) == 0 {
			faults = append(faults, fmt.Errorf("Kinds: %q has no program", kind))
		}
	}
	if ip, err := netip.ParseAddr(cfg.Host); err != nil || ip.IsUnspecified() {
		faults = append(faults, fmt.Errorf("Host: %q is not the IP address of a machine", cfg.Host))
	}
	if cfg.MinPort < 1 || cfg.MaxPort > 65535 || cfg.MinPort > cfg.MaxPort {
		faults = append(faults, fmt.Errorf("MinPort and MaxPort: %d to %d is not a range of ports", cfg.MinPort, cfg.MaxPort))
	}
	if cfg.Memory < 0 || cfg.OutputLimit < 0 || cfg.KeepOutput < 0 {
		faults = append(faults, errors.New("Memory, OutputLimit and KeepOutput must not be negative"))
	}
	return errors.Join(faults...)
}
