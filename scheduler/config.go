package scheduler

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net"
	"os/user"
	"slices"
	"strings"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/internal/detector"
	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/demand"
	"github.com/mesos-actor/mesos-actor-go/task"
	"github.com/mesos-actor/mesos-actor-go/taskbuilder"
	"github.com/mesos-actor/mesos-actor-go/taskmatcher"
)

// Defaults of [Config].
const (
	DefaultFailoverTimeout  = 7 * 24 * time.Hour
	DefaultMissedHeartbeats = 5
	DefaultHistory          = 1000
	DefaultLaunchTimeout    = time.Minute
	DefaultMaxLaunches      = 5
)

// The bounds of the pause between two attempts to subscribe. Mesos asks schedulers to spread
// their return after a failover of the master over up to 15 s.
const (
	backoffMin = 100 * time.Millisecond
	backoffMax = 15 * time.Second
)

// Config says how a [Scheduler] works. [New] copies it. Only Master and Framework.Name are required;
// every other zero value is the documented default.
type Config struct {
	// Master says where the leading master is found: a URL such as "http://host:5050", of any master,
	// which redirects to the leader; a list of them, "host1:5050,host2:5050", to be tried in turn; or
	// the ZooKeeper of the masters, "zk://user:password@host1:2181,host2:2181/mesos". The scheme is
	// http or https, http if it is missing. A path is that of a proxy in front of the master.
	Master string
	// Framework is what the master is told about the framework.
	Framework Framework
	// Matcher decides where tasks run. Default: taskmatcher.FirstFit{}.
	Matcher TaskMatcher
	// Builder makes what Mesos is told to run. Default: taskbuilder.Standard{}.
	Builder TaskBuilder
	// Store keeps the framework ID and a record of each task, so that another process can go on with
	// them. Specs are kept as JSON, which alters text that is not UTF-8. Default: memory, which outlives
	// Run but not the process: without Teardown, a process leaves its tasks behind for the
	// FailoverTimeout.
	Store Store
	// Offers says how offers are treated.
	Offers OfferPolicy
	// MissedHeartbeats in a row after which the connection counts as lost, from the first attempt
	// to connect on. The master sends one each 15 s unless it says otherwise. Default 5.
	MissedHeartbeats int
	// History is how many ended tasks stay on record. Default 1000, negative: none.
	History int
	// LaunchTimeout is how long a launch may stay without an update before the master is asked. A
	// launch that turns out to be lost is made again. Default 1 min.
	LaunchTimeout time.Duration
	// MaxLaunches of one task that may be lost before it fails. Launches on offers that the master
	// took back meanwhile do not count. Default 5.
	MaxLaunches int
	// UnknownTasks says what is done about tasks of this framework that Mesos runs and that are not
	// on record. Default: they are reported.
	UnknownTasks UnknownTasks
	// RenewFramework lets a framework that was removed be followed by a new one, under a new ID, if
	// all tasks on record have ended. By default Run ends with a [*FrameworkRemovedError].
	RenewFramework bool
	// JSON speaks JSON with the master instead of protobuf, to be read on the wire when debugging.
	// It is several times slower, and alters text that is not UTF-8.
	JSON bool
	// TLS has the certificate authorities and client certificates for https. With it, the masters
	// that ZooKeeper names are taken to speak https. Default: the system's.
	TLS *tls.Config
	// Credential is sent to the master as HTTP basic authentication, also over http. Default: none.
	// See Mesos' docs/authentication.md.
	Credential *Credential
	// Token gives the bearer token that is sent to the master, and is asked again when the master
	// refuses it with 401. It must return when ctx ends, and is called from several goroutines, one
	// at a time. It excludes Credential. Default: none.
	Token func(ctx context.Context) (string, error)
	// DialContext makes the connections to masters and ZooKeeper. Default: that of a net.Dialer.
	DialContext func(ctx context.Context, network, address string) (net.Conn, error)
	// Logger gets connection changes and failed calls as warnings, changes of tasks as information,
	// and offer cycles for debugging, on the scheduler's own goroutine: its handler must not call
	// the scheduler. Default: slog.Default().
	Logger *slog.Logger
}

// Credential is a principal and its secret. The framework's Principal, if set, must be the same.
type Credential struct {
	Principal string // not empty, without colon
	Secret    string `json:"-"`
}

// String keeps the secret out of logs.
func (c Credential) String() string { return "Credential of " + c.Principal }

// GoString keeps the secret out of logs.
func (c Credential) GoString() string { return c.String() }

// Framework is the part of Mesos' FrameworkInfo that users decide. The master assigns the ID.
type Framework struct {
	// Name is shown by Mesos' web UI. Required.
	Name string
	// User runs the tasks that name none. Default: the user of this process.
	User string
	// Roles whose resources are wanted. Default: "*".
	Roles []string
	// FailoverTimeout is how long tasks outlive the scheduler: without a new subscription in
	// that time Mesos kills them all. Default one week; negative: they end with the connection.
	FailoverTimeout time.Duration
	// GPUs asks for offers of agents with GPUs as well, which the master otherwise keeps back.
	// Tasks that need none may then take up their cpus and memory.
	GPUs bool
	// Revocable asks for revocable resources as well, for tasks that may use them, see [task.Spec].
	Revocable bool
	// NoCheckpoint ends tasks with the process of their agent. By default they survive its restart.
	NoCheckpoint bool
	// Principal that the framework acts for. Default: none.
	Principal string
	// Hostname and WebUIURL are shown by Mesos' web UI. Default: none.
	Hostname, WebUIURL string
	// Labels are shown by Mesos' API.
	Labels map[string]string
}

// UnknownTasks is a policy for tasks that Mesos runs and that are not on record.
type UnknownTasks int

// The policies.
const (
	ReportUnknown UnknownTasks = iota // an [UnknownTaskEvent], nothing else
	AdoptUnknown                      // they are put on record, with no more of a spec than their ID
	KillUnknown                       // they are reported and killed
)

// Store keeps records by key. Its methods are called by one goroutine of Run at a time, and must
// return when ctx ends. Package ha has stores.
type Store interface {
	// Load returns all records. It is called once when Run begins.
	Load(ctx context.Context) (map[string][]byte, error)
	// Apply writes records and deletes those whose value is nil: all of them or none, and durable
	// when it returns nil. Its context ends after 10 s, or with the run. After an error nobody knows; the same keys
	// will be written again, unless the error has a method Fenced() bool that returns true: another process leads
	// then, and the run ends with a [*FencedError].
	Apply(ctx context.Context, changes map[string][]byte) error
}

// BatchLimiter is a Store that takes only so much at once. Changes beyond that are written with several calls of
// Apply, oldest first. The records of a task, and those of the members of a pod, stay together: Submit and SubmitPod
// refuse what alone is more than the limit.
type BatchLimiter interface {
	// BatchLimit returns how many records one Apply may have, and how many bytes of keys and values together. 0: any
	// number. It is asked once, when a run begins. A task has two records: with a limit of one, each task is written
	// alone, with both.
	BatchLimit() (records, bytes int)
}

// TaskMatcher decides where tasks run. Match is called on the scheduler's own goroutine with tasks and
// offers, both not empty. It must be quick and must neither change nor keep its argument. Placements on
// the same offers must not exceed them together, and two placements that share an offer name the same
// offers; each task has a placement or belongs to a rejection. What it returns is kept and must not be
// changed any more. A panic costs the tasks of the shape that it is over, or the cycle, not the scheduler. It must not call the scheduler, which waits for it.
type TaskMatcher interface {
	Match(task.Cycle) ([]task.Placement, []task.Rejection)
}

// TaskBuilder makes what Mesos is told to run. Build is called on the scheduler's own goroutine,
// must be quick and must not call the scheduler. The result must have the spec's ID and the placement's agent and resources. An
// error, or a panic, fails the task.
type TaskBuilder interface {
	Build(task.Spec, task.Placement) (mesos.TaskInfo, error)
}

// PodBuilder is a TaskBuilder that can make pods, see [Scheduler.SubmitPod]. BuildPod gets the members, their
// parts of the placement and that of the executor, see [task.PodExecutor], and gives the
// executor, whose FrameworkID the scheduler fills in, and the tasks in the order of the members.
type PodBuilder interface {
	BuildPod(members []task.Spec, placements []task.Placement, executor task.Placement) (mesos.ExecutorInfo, []mesos.TaskInfo, error)
}

// normalize fills in defaults and refuses what cannot work.
func (c Config) normalize() (Config, error) {
	if err := c.checkConnection(); err != nil {
		return c, err
	}
	var err error
	c.Framework, err = c.Framework.normalize()
	if err != nil {
		return c, err
	}
	if c.Offers, err = c.Offers.normalize(); err != nil {
		return c, err
	}
	if err := errors.Join(
		notNegative("MissedHeartbeats", c.MissedHeartbeats),
		notNegative("LaunchTimeout", c.LaunchTimeout),
		notNegative("MaxLaunches", c.MaxLaunches),
	); err != nil {
		return c, err
	}
	if c.UnknownTasks < ReportUnknown || c.UnknownTasks > KillUnknown {
		return c, &ConfigError{Field: "UnknownTasks", Value: int(c.UnknownTasks), Reason: "is no policy"}
	}
	c.MissedHeartbeats = cmp.Or(c.MissedHeartbeats, DefaultMissedHeartbeats)
	c.History = max(0, cmp.Or(c.History, DefaultHistory))
	c.LaunchTimeout = cmp.Or(c.LaunchTimeout, DefaultLaunchTimeout)
	c.MaxLaunches = cmp.Or(c.MaxLaunches, DefaultMaxLaunches)
	if c.Matcher == nil {
		c.Matcher = taskmatcher.FirstFit{}
	}
	if c.Builder == nil {
		c.Builder = taskbuilder.Standard{}
	}
	c.Logger = cmp.Or(c.Logger, slog.Default())
	return c, nil
}

func notNegative[T int | time.Duration](field string, value T) error {
	if value < 0 {
		return &ConfigError{Field: field, Value: value, Reason: "must not be negative"}
	}
	return nil
}

// checkConnection refuses what cannot lead to a master.
func (c *Config) checkConnection() error {
	if _, err := c.detector(); err != nil {
		var bad *detector.ParseError
		if errors.As(err, &bad) {
			return &ConfigError{Field: "Master", Value: bad.Value, Reason: bad.Reason}
		}
		return err
	}
	if c.TLS != nil {
		c.TLS = c.TLS.Clone()
	}
	if c.Credential != nil {
		if c.Token != nil {
			return &ConfigError{Field: "Token", Value: "a function", Reason: "excludes Credential"}
		}
		credential := *c.Credential
		c.Credential = &credential
		name := credential.Principal
		switch {
		case name == "" || strings.Contains(name, ":"):
			return &ConfigError{Field: "Credential.Principal", Value: name, Reason: "must not be empty or contain a colon"}
		case c.Framework.Principal != "" && c.Framework.Principal != name:
			return &ConfigError{Field: "Framework.Principal", Value: c.Framework.Principal, Reason: "is not that of the Credential"}
		}
	}
	return nil
}

func (c *Config) detector() (*detector.Detector, error) {
	return detector.New(detector.Config{Master: c.Master, TLS: c.TLS != nil, DialContext: c.DialContext, Logger: c.Logger})
}

func (f Framework) normalize() (Framework, error) {
	if f.Name == "" {
		return f, &ConfigError{Field: "Framework.Name", Value: f.Name, Reason: "is required"}
	}
	f.Roles = slices.Clone(f.Roles)
	f.Labels = maps.Clone(f.Labels)
	if len(f.Roles) == 0 {
		f.Roles = []string{"*"}
	}
	for i, role := range f.Roles {
		if role == "" || slices.Contains(f.Roles[:i], role) {
			return f, &ConfigError{Field: "Framework.Roles", Value: f.Roles, Reason: "holds an empty or repeated role"}
		}
	}
	if f.User == "" {
		u, err := user.Current()
		if err != nil {
			return f, &ConfigError{Field: "Framework.User", Value: f.User, Reason: "is required, as this process' user is not known: " + err.Error()}
		}
		f.User = u.Username
	}
	f.FailoverTimeout = max(0, cmp.Or(f.FailoverTimeout, DefaultFailoverTimeout))
	return f, nil
}

// info is the FrameworkInfo without an ID.
func (f Framework) info() mesos.FrameworkInfo {
	timeout, checkpoint := f.FailoverTimeout.Seconds(), !f.NoCheckpoint
	info := mesos.FrameworkInfo{
		Name: f.Name, User: f.User, Roles: f.Roles,
		FailoverTimeout: &timeout, Checkpoint: &checkpoint,
		Principal: optional(f.Principal), Hostname: optional(f.Hostname), WebUiURL: optional(f.WebUIURL),
		Capabilities: []mesos.FrameworkInfo_Capability{
			{Type: mesos.FrameworkInfo_Capability_MULTI_ROLE},
			{Type: mesos.FrameworkInfo_Capability_RESERVATION_REFINEMENT},
			{Type: mesos.FrameworkInfo_Capability_PARTITION_AWARE},
			{Type: mesos.FrameworkInfo_Capability_TASK_KILLING_STATE},
		},
	}
	if f.GPUs {
		info.Capabilities = append(info.Capabilities, mesos.FrameworkInfo_Capability{Type: mesos.FrameworkInfo_Capability_GPU_RESOURCES})
	}
	if f.Revocable {
		info.Capabilities = append(info.Capabilities, mesos.FrameworkInfo_Capability{Type: mesos.FrameworkInfo_Capability_REVOCABLE_RESOURCES})
	}
	if len(f.Labels) > 0 {
		info.Labels = &mesos.Labels{}
		for _, key := range slices.Sorted(maps.Keys(f.Labels)) {
			value := f.Labels[key]
			info.Labels.Labels = append(info.Labels.Labels, mesos.Label{Key: key, Value: &value})
		}
	}
	return info
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// settings is what the machine needs to know.
func (c Config) settings() settings {
	return settings{
		framework:      c.Framework.info(),
		matcher:        c.Matcher,
		builder:        c.Builder,
		refuse:         min(c.Offers.Refuse, demand.RefuseLimit),
		reviveInterval: c.Offers.ReviveInterval,
		hold:           c.Offers.Hold,
		holdPerAgent:   c.Offers.HoldPerAgent,
		holdMax:        c.Offers.HoldMax,
		waitPreferred:  c.Offers.WaitPreferred,
		missed:         c.MissedHeartbeats,
		backoffMin:     backoffMin,
		backoffMax:     backoffMax,
		history:        c.History,
		launchTimeout:  c.LaunchTimeout,
		maxLaunches:    c.MaxLaunches,
		quarantine:     c.Offers.PortQuarantine,
		maxCycles:      c.Offers.MaxCycles,
		maxWait:        c.Offers.MaxWait,
		statsTTL:       c.Offers.StatsTTL,
		unknown:        c.UnknownTasks,
		inverse:        c.Offers.AcceptInverse,
		filterOffers:   !c.Offers.NoOfferConstraints && c.Offers.MaxCycles == 0,
		renew:          c.RenewFramework,
		random:         rand.Float64,
	}
}
