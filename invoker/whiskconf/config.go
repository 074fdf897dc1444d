package whiskconf

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/mesos-actor/mesos-actor-go/invoker"
	"github.com/mesos-actor/mesos-actor-go/invoker/mesosengine"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

const (
	frameworkName = "whisk-containerfactory-framework"
	defaultMaster = "http://localhost:5050"
	mesosProvider = "org.apache.openwhisk.core.mesos.MesosContainerFactoryProvider"
)

// Config is what the settings of an OpenWhisk invoker mean for this library.
type Config struct {
	Scheduler scheduler.Config // with what mesosengine.SchedulerConfig adds
	Engine    mesosengine.Config
	// Invoker needs an Owner and an Engine yet.
	Invoker invoker.Config
	// Runtimes are those of RUNTIMES_MANIFEST. Empty if that is not set.
	Runtimes Runtimes
	// NoLink says that whisk.mesos.mesos-link-log-message is false.
	NoLink bool
	// Warnings are settings that have no effect, with the reason.
	Warnings []string
}

// FromEnv returns the config that an environment describes, in the form of os.Environ. The store, which may be nil, is that of
// the scheduler and of the invoker. The error has all settings that cannot be used, each an [*Error] or a [*ManifestError].
func FromEnv(environ []string, store scheduler.Store) (Config, error) {
	r := &reader{settings: readEnviron(environ)}
	c := Config{Scheduler: r.scheduler(store), Engine: r.engine(), Invoker: r.invoker(store)}
	link, set := read(r, truth, "whisk.mesos.mesos-link-log-message")
	if c.NoLink = set && !link; c.NoLink {
		c.Engine.MasterURL = ""
	}
	if provider, set := r.text("whisk.spi.ContainerFactoryProvider"); set && provider != mesosProvider {
		r.warn("whisk.spi.ContainerFactoryProvider", "it names another container factory than that of Mesos: "+provider)
	}
	for _, variable := range environ {
		if manifest, is := strings.CutPrefix(variable, "RUNTIMES_MANIFEST="); is && manifest != "" {
			var err error
			c.Runtimes, err = ParseRuntimes([]byte(manifest))
			r.fail(err)
		}
	}
	c.Invoker.Pool.Stems = c.Runtimes.Stems()
	for name, value := range apiHost(environ) {
		c.Invoker.Env[name] = value
	}
	r.warnOfTheRest()
	c.Warnings = r.warnings
	if err := errors.Join(r.wrong...); err != nil {
		return Config{}, err
	}
	return c, nil
}

// apiHost returns the variable by which actions find OpenWhisk's API, if its parts are set.
func apiHost(environ []string) map[string]string {
	part := map[string]string{}
	for _, variable := range environ {
		if name, value, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "WHISK_API_HOST_") {
			part[name] = value
		}
	}
	name := part["WHISK_API_HOST_NAME"]
	if name == "" {
		return nil
	}
	return map[string]string{"__OW_API_HOST": fmt.Sprintf("%s://%s:%s", cmp.Or(part["WHISK_API_HOST_PROTO"], "https"), name, cmp.Or(part["WHISK_API_HOST_PORT"], "443"))}
}

func (r *reader) scheduler(store scheduler.Store) scheduler.Config {
	c := scheduler.Config{Master: defaultMaster, Store: store, Framework: scheduler.Framework{Name: frameworkName}}
	if master, set := r.text("whisk.mesos.master-url"); set {
		c.Master = master
	}
	if role, set := r.text("whisk.mesos.role"); set && role != "*" {
		c.Framework.Roles = []string{role}
	}
	timeout, set := read(r, seconds, "whisk.mesos.timeouts.failover", "whisk.mesos.failover-timeout-seconds")
	switch {
	case set && timeout == 0:
		c.Framework.FailoverTimeout = -1 // none at all, as Mesos understands 0
	case set:
		c.Framework.FailoverTimeout = timeout
	}
	c.MissedHeartbeats, _ = read(r, natural, "whisk.mesos.heartbeat-max-failures")
	c.Offers.Refuse, _ = read(r, duration, "whisk.mesos.offer-refuse-duration")
	for _, path := range []string{"whisk.mesos.timeouts.subscribe", "whisk.mesos.timeouts.teardown"} {
		if _, set := read(r, duration, path); set {
			r.warn(path, "the scheduler subscribes until it is stopped, with pauses of its own, and a teardown ends with its context")
		}
	}
	return mesosengine.SchedulerConfig(c)
}

func (r *reader) engine() mesosengine.Config {
	const args = "whisk.container-factory.container-args."
	var c mesosengine.Config
	if role, _ := r.text("whisk.mesos.role"); role != "*" {
		c.Role = role
	}
	c.Network, _ = r.text(args + "network")
	c.DNSServers, c.DNSSearch, c.DNSOptions = r.list(args+"dns-servers"), r.list(args+"dns-search"), r.list(args+"dns-options")
	c.Parameters = append(mesosengine.DefaultParameters(), r.parameters(args+"extra-args")...)
	c.Registry, _ = r.text("whisk.container-factory.runtimes-registry.url")
	c.UserRegistry, _ = r.text("whisk.container-factory.user-images-registry.url")
	delimiter, _ := r.text("whisk.mesos.constraint-delimiter")
	c.Constraints = r.constraints("whisk.mesos.constraints", delimiter)
	c.UserConstraints = r.constraints("whisk.mesos.blackbox-constraints", delimiter)
	c.HealthCheck = r.healthCheck("whisk.mesos.health-check")
	c.MasterURL, _ = r.text("whisk.mesos.master-public-url", "whisk.mesos.master-url-public", "whisk.mesos.master-url")
	return c
}

// parameters returns options of docker run: lists by name.
func (r *reader) parameters(path string) []task.Parameter {
	var all []task.Parameter
	var names []string
	for _, p := range r.settings.below(path) {
		name, _, _ := strings.Cut(strings.TrimPrefix(p, path+"."), ".")
		names = append(names, name)
	}
	for _, name := range slices.Compact(names) {
		for _, value := range r.list(path + "." + name) {
			all = append(all, task.Parameter{Key: name, Value: value})
		}
	}
	return all
}

func (r *reader) constraints(path, delimiter string) []task.Constraint {
	var all []task.Constraint
	for i, text := range r.list(path) {
		constraint, err := task.ParseConstraint(text, delimiter)
		if err != nil {
			r.fail(&Error{Setting: fmt.Sprintf("%s.%d", path, i), Value: text, Reason: err.Error()})
		}
		all = append(all, constraint)
	}
	return all
}

// healthCheck returns nil if nothing is set.
func (r *reader) healthCheck(path string) *task.HealthCheck {
	if len(r.settings.below(path)) == 0 {
		return nil
	}
	var h task.HealthCheck
	if index, set := read(r, natural, path+".port-index"); set && index != 0 {
		r.fail(&Error{Setting: path + ".port-index", Value: fmt.Sprint(index), Reason: "a container has one port, with index 0"})
	}
	h.Delay, _ = read(r, seconds, path+".delay")
	h.Interval, _ = read(r, seconds, path+".interval")
	h.Timeout, _ = read(r, seconds, path+".timeout")
	h.GracePeriod, _ = read(r, seconds, path+".grace-period")
	h.ConsecutiveFailures, _ = read(r, natural, path+".max-consecutive-failures")
	return &h
}

func (r *reader) invoker(store scheduler.Store) invoker.Config {
	c := invoker.Config{Store: store, Env: map[string]string{}}
	const env = "whisk.container-factory.container-args.extra-env-vars"
	for i, variable := range r.list(env) {
		name, value, ok := strings.Cut(variable, "=")
		if !ok || name == "" {
			r.fail(&Error{Setting: fmt.Sprintf("%s.%d", env, i), Value: variable, Reason: "it is not of the form NAME=value"})
		}
		c.Env[name] = value
	}
	if teardown, set := read(r, truth, "whisk.mesos.teardown-on-exit"); set {
		c.TeardownOnClose = &teardown
	}
	c.Pool = r.pool()
	return c
}

func (r *reader) pool() (p invoker.PoolConfig) {
	const pool = "whisk.container-pool."
	managed, _ := read(r, truth, pool+"cluster-managed-resources")
	if memory, set := read(r, size, pool+"user-memory"); set && managed {
		r.warn(pool+"user-memory", "the cluster's resources are the limit, by cluster-managed-resources")
	} else if set {
		p.Memory, p.MemoryPerCPU = memory, memory
	}
	p.MaxStarts, _ = read(r, natural, pool+"cluster-managed-resource-max-starts")
	p.CreateTimeout, _ = read(r, duration, "whisk.mesos.timeouts.task-launch")
	p.DestroyTimeout, _ = read(r, duration, "whisk.mesos.timeouts.task-delete")
	if idle, set := read(r, duration, "whisk.container-proxy.timeouts.idle-container"); set {
		p.IdleTimeout, p.KeepAlive = idle, invoker.KeepFixed(idle) // who sets it expects it to hold, whatever the action does
	}
	p.PauseGrace, _ = read(r, duration, "whisk.container-proxy.timeouts.pause-grace")
	return p
}
