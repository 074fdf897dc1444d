package scheduler

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/internal/detector"
	"github.com/mesos-actor/mesos-actor-go/internal/logguard"
	"github.com/mesos-actor/mesos-actor-go/internal/mesoshttp"
	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/demand"
	"github.com/mesos-actor/mesos-actor-go/task"
	"github.com/mesos-actor/mesos-actor-go/taskbuilder"
	"github.com/mesos-actor/mesos-actor-go/taskmatcher"
)

// Defaults of [Config].
const (
	durableFailoverTimeout  = 7 * 24 * time.Hour // with a store
	memoryFailoverTimeout   = time.Minute        // without one: no process can go on with the tasks of another
	defaultMissedHeartbeats = 5
	maxMissedHeartbeats     = 1_000_000 // of an hour each they are 114 years, which is less than a duration can be
	defaultHistory          = 1000
	defaultLaunchTimeout    = time.Minute
	defaultMaxLaunches      = 5
)

// The bounds of the pause between two attempts to subscribe. Mesos recommends that after a failover of the master
// schedulers come back at random times within up to 15 s.
const (
	backoffMin = 100 * time.Millisecond
	backoffMax = 15 * time.Second
)

// Config configures a [Scheduler]. [New] copies it. Only Master and Framework.Name are required;
// every other zero value stands for the documented default.
type Config struct {
	// Master is how to find the leading master. Required. It is the URL of any master, such as "http://host:5050",
	// which redirects to the leader; a list of masters, "host1:5050,host2:5050", to be tried in turn; or
	// the ZooKeeper of the masters, "zk://user:password@host1:2181,host2:2181/mesos", with one path for all servers. An
	// entry without scheme is http, and has port 5050 if it has none; a URL has the port of its scheme. A path is that of
	// a proxy in front of the master.
	Master string
	// Framework describes the framework to the master.
	Framework Framework
	// Matcher decides where tasks run. Default: taskmatcher.FirstFit{}.
	Matcher TaskMatcher
	// Builder turns a placed task into the TaskInfo that Mesos launches. Default: taskbuilder.Standard{}.
	Builder TaskBuilder
	// Store keeps the framework ID and records of each task, so that another process can go on with
	// them. Specs are stored as JSON, which alters text that is not UTF-8. Default: memory, which outlives
	// Run but not the process. A process that then ends without Teardown leaves its tasks running until the
	// FailoverTimeout has passed, which is a minute by default.
	Store Store
	// Offers is how offers are treated.
	Offers OfferPolicy
	// MissedHeartbeats is the number of heartbeats in a row that may be missed before the connection counts as lost.
	// The master's default is a heartbeat every 15 s. Default 5, at most 1,000,000. Intervals of less than 1 s and of more
	// than 1 h, and of no time at all, are not believed: they count as 1 s, 1 h and 15 s.
	MissedHeartbeats int
	// History is how many ended tasks stay on record with all that is known of them. Of older ones only the IDs are
	// remembered, see RememberIDs. Default 1000; negative: none.
	History int
	// RememberIDs limits how long the IDs of ended tasks, and the names of their pods, are remembered after they have
	// left the History. A remembered ID is refused with [ErrDuplicateTask], so that a program that submits its tasks
	// again after a restart does not run those again that ended long ago. [Scheduler.Task] and [Scheduler.Wait] return
	// its state and when it ended. [Scheduler.Forget] frees a single ID.
	//
	// Default: for ever. Each ID takes about 90 bytes in the store and 75 bytes in memory (105 with a limit), and its
	// own length in both: a million IDs take about 120 MB. Programs with a new ID for each task, such as a UUID, need
	// them for a few days at most.
	RememberIDs Retention
	// LaunchTimeout is how long to wait for the first update after a launch before the master is asked. A
	// task whose launch was lost is launched again. Default 1 min.
	LaunchTimeout time.Duration
	// MaxLaunches is how many launches of a task may be lost before it fails. Launches on offers that were
	// rescinded do not count. Default 5.
	MaxLaunches int
	// UnknownTasks is what to do with tasks of this framework that Mesos runs and that are not
	// on record. Default: they are reported.
	UnknownTasks UnknownTasks
	// RenewFramework registers a new framework, with a new ID, when the framework was removed. Mesos has then killed
	// its tasks: those that had been launched end as [task.StateLost], with a [*FrameworkRemovedError] as the reason;
	// pending tasks are launched by the new framework. A task on an agent that is cut off from the masters is killed
	// when the agent comes back. If frameworks are removed soon, one after the other, the pauses before the next one grow
	// up to an hour. By default Run ends with a [*FrameworkRemovedError]. A framework that was torn down in
	// an election is not renewed.
	RenewFramework bool
	// AdoptRecords takes over a Store with the records of another framework, see [FingerprintError]: after the
	// framework was renamed, or the cluster was moved to other addresses. The tasks on record then belong to this
	// framework. Later starts do not need AdoptRecords.
	AdoptRecords bool
	// JSON uses JSON instead of protobuf on the wire, which is readable when debugging.
	// It is several times slower, and alters text that is not UTF-8.
	JSON bool
	// TLS has the certificate authorities and client certificates for https. If it is set, the masters
	// found by ZooKeeper are contacted over https. Agents are, see [Scheduler.Logs], if their offers say so. Default: the
	// system's certificate authorities.
	//
	// Its callbacks run on goroutines of their own. If one panics, that is the error of the connection, a [*PanicError]; if one
	// blocks, the connection is given up with its call or attempt, and the callback is left behind. If 16 of them block, no
	// further connections are made until one returns. What is called while a connection is read or written must
	// not block: ClientSessionCache, and Rand.
	TLS *tls.Config
	// Credential is sent to the master as HTTP basic authentication, also over http. It goes to each master that Master
	// names and to those that they redirect to, or that ZooKeeper names, within TrustedHosts, and to agents whose output is read,
	// within TrustedHosts as well. Default: none.
	// See Mesos' docs/authentication.md.
	Credential *Credential
	// Token returns the bearer token that is sent to the master, to the same ones as Credential. It is called again
	// when the master answers with 401. It is called on a goroutine of its own, one call at a time, and should return when ctx
	// ends. After 10 s it is given up, and what needed the token fails; it is not called again until that call has returned,
	// whose token is used then. A call that never returns is left behind when Run ends. It excludes Credential. Default: none.
	Token func(ctx context.Context) (string, error)
	// TrustedHosts are the hosts of masters that SUBSCRIBE and calls may be sent to, with the Credential or Token: host
	// names and IP addresses, "*.example.com" for all names below example.com, ranges such as "10.0.0.0/8", and "*" for
	// all hosts. A redirect to another host is not followed, and the next master of a list is tried. Ports do not count.
	// Names are not resolved: an address that a master redirects to, or that ZooKeeper names, needs an address or a
	// range here. (Without TLS the masters found by ZooKeeper are contacted by their IP addresses.) Agents, see [Scheduler.Logs],
	// are asked in any case, but without Credential and Token unless they are trusted in the same way.
	//
	// Default: without a Credential and Token all hosts; with one of them over https all hosts as well, since certificates say
	// who they are, unless TLS skips their verification; and over http the hosts in Master, or, if that is ZooKeeper,
	// TrustedHosts is required.
	TrustedHosts []string
	// DialContext makes the connections to masters, agents and ZooKeeper. Panics and calls that block are handled as with the
	// callbacks of TLS. Default: that of a net.Dialer.
	DialContext func(ctx context.Context, network, address string) (net.Conn, error)
	// Logger logs changes of the connection and failed calls as warnings, changes of a task's state or health as
	// information, and further updates of tasks and offer cycles for debugging. Default: slog.Default().
	//
	// Of lines that repeat, five pass, and then one a minute: the attribute "left_out" of the next one is how many were left
	// out before it. If none follows, the last one is logged when a minute has passed, together with any other line, or at
	// the end of Run. Lines repeat that have the same level and message, but for digits, and the same attribute "call". There
	// are 256 such kinds of lines at most; what exceeds that counts as one for each level. All changes of a task's state or
	// health are logged.
	//
	// The handler runs on the scheduler's own goroutines. One that blocks stops the scheduler until it returns. If it panics,
	// the line is lost, and the next one has the number of such lines in the attribute "handler_panics".
	Logger *slog.Logger
}

// UnknownTasks is a policy for tasks that Mesos runs and that are not on record.
type UnknownTasks int

// The policies.
const (
	ReportUnknown UnknownTasks = iota // they are reported by an [UnknownTaskEvent]
	AdoptUnknown                      // they are put on record, with a spec that has only their ID
	KillUnknown                       // they are reported and killed
)

// String returns "report", "adopt" or "kill".
func (u UnknownTasks) String() string {
	switch u {
	case ReportUnknown:
		return "report"
	case AdoptUnknown:
		return "adopt"
	case KillUnknown:
		return "kill"
	}
	return fmt.Sprintf("UnknownTasks(%d)", int(u))
}

// Store keeps records by key. Its methods are called one at a time, on goroutines that belong to Run, and must return when
// ctx ends. Package ha has implementations.
//
// A call that has not returned a second after that is left behind with its goroutine, as a disk may hang for ever: the
// context of Run still ends Run. Until it returns no method of the same store is called, by this Scheduler, in this run or
// another one: writes fail, and a run that begins waits. An Apply that succeeds then counts if the next one would write the
// same. Its argument is not changed.
type Store interface {
	// Load returns all records. It is called once when a run begins, and may take as long as the run's context lets it.
	Load(ctx context.Context) (map[string][]byte, error)
	// Apply writes records and deletes those whose value is nil: either all of them or none. When it returns nil they must
	// be durable. Its context ends after 10 s, or with the run. After an error the records may have been written or not, and
	// the same keys are written again, with newer values if there are any. If the error has a method Fenced() bool that
	// returns true, another process leads: nothing is written again, and the run ends with a [*FencedError].
	Apply(ctx context.Context, changes map[string][]byte) error
}

// BatchLimiter is implemented by a [Store] whose Apply takes a limited amount. More changes are written with several
// calls of Apply, oldest first. The records of a task, and those of all members of a pod, are never divided: Submit and
// SubmitPod refuse a task or pod that alone exceeds the limit.
type BatchLimiter interface {
	// BatchLimit returns the largest number of records in one call of Apply, and of bytes in keys and values together.
	// 0: no limit. It is called once, when a run begins. A task has two records: with a limit of one, each task is
	// written alone, with both.
	BatchLimit() (records, bytes int)
}

// TaskMatcher decides where tasks run. Package taskmatcher has implementations.
type TaskMatcher interface {
	// Match places tasks on offers; there is at least one of each. It is called on the scheduler's own goroutine, must
	// be quick, must not call the scheduler, and must neither change nor keep its argument. The placements on the same
	// offers must together not exceed them, and two placements that share an offer must name the same offers. Each task
	// must have one placement or be covered by one rejection. The results must not be changed afterwards. A result that
	// breaks these rules has no effect, and [OfferEvent] and [Explanation] report it. If Match panics, only tasks
	// of the classes with which it panics fail; if it panics with any class, the cycle is skipped.
	//
	// A matcher may also have a method Usable(*mesos.Resource) bool, which reports whether it may give a resource to
	// tasks. Other resources do not count in [AgentStats] and for [OfferPolicy.WaitPreferred]. Default:
	// [taskmatcher.Options.Usable] without options.
	Match(task.Cycle) ([]task.Placement, []task.Rejection)
}

// TaskBuilder turns placed tasks into TaskInfos. Package taskbuilder has an implementation.
type TaskBuilder interface {
	// Build returns the TaskInfo of a placed task. It is called on the scheduler's own goroutine, must be quick and
	// must not call the scheduler. It must not change what its argument points to, such as the map of the command's
	// environment, which tasks share; a copy of the spec may be changed, see [task.Spec.Clone]. The result must have the ID of the spec, and the agent and resources of the placement:
	// the same amounts, with the same roles and reservations. The resources of an executor in it must be
	// ExecutorResources of the placement: none, unless [task.Spec.Executor] asks for some. If anything
	// differs, or Build returns an error or panics, the task fails.
	Build(task.BuildInput) (mesos.TaskInfo, error)
}

// PodBuilder is implemented by a [TaskBuilder] that can build pods, see [Scheduler.SubmitPod].
type PodBuilder interface {
	// BuildPod returns the executor of a pod, whose ID is the name of the pod and whose FrameworkID the scheduler sets,
	// and the tasks in the order of the members. The executor's resources are those of its placement: 0.1 cpus, 32 MiB
	// of memory and 10 MiB of disk on top of what the members ask for. The rules of Build apply.
	BuildPod(task.PodBuildInput) (mesos.ExecutorInfo, []mesos.TaskInfo, error)
}

// normalize returns a copy with the defaults filled in, or an error if the config cannot work.
func (c Config) normalize() (Config, error) {
	var framework, offers, unknown error
	c.Framework, framework = c.Framework.normalize()
	c.Offers, offers = c.Offers.normalize()
	if c.UnknownTasks < ReportUnknown || c.UnknownTasks > KillUnknown {
		unknown = &ConfigError{Field: "UnknownTasks", Value: int(c.UnknownTasks), Reason: "is no policy"}
	}
	if err := errors.Join(
		c.checkConnection(),
		framework,
		offers,
		unknown,
		notNegative("MissedHeartbeats", c.MissedHeartbeats),
		notAbove("MissedHeartbeats", c.MissedHeartbeats, maxMissedHeartbeats),
		notNegative("LaunchTimeout", c.LaunchTimeout),
		notNegative("MaxLaunches", c.MaxLaunches),
		notNegative("RememberIDs.For", c.RememberIDs.For),
	); err != nil {
		return c, err
	}
	c.MissedHeartbeats = cmp.Or(c.MissedHeartbeats, defaultMissedHeartbeats)
	c.History = max(0, cmp.Or(c.History, defaultHistory))
	c.LaunchTimeout = cmp.Or(c.LaunchTimeout, defaultLaunchTimeout)
	c.MaxLaunches = cmp.Or(c.MaxLaunches, defaultMaxLaunches)
	if c.Matcher == nil {
		c.Matcher = taskmatcher.FirstFit{}
	}
	if c.Builder == nil {
		c.Builder = taskbuilder.Standard{}
	}
	c.Logger = logguard.Logger(cmp.Or(c.Logger, slog.Default()))
	return c, nil
}

func notNegative[T int | time.Duration](field string, value T) error {
	if value < 0 {
		return &ConfigError{Field: field, Value: value, Reason: "must not be negative"}
	}
	return nil
}

func notAbove(field string, value, limit int) error {
	if value > limit {
		return &ConfigError{Field: field, Value: value, Reason: fmt.Sprintf("must be %d at most", limit)}
	}
	return nil
}

// checkConnection checks and copies what is needed to connect to a master.
func (c *Config) checkConnection() error {
	d, err := c.detector()
	if err != nil {
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
	c.TrustedHosts = slices.Clone(c.TrustedHosts)
	_, err = c.trusted(d)
	return err
}

func (c *Config) detector() (*detector.Detector, error) {
	return detector.New(detector.Config{Master: c.Master, TLS: c.TLS != nil, DialContext: mesoshttp.GuardedDialer(c.DialContext, panicked), Logger: c.Logger})
}

// settings returns the parts of the config that the machine uses.
func (c Config) settings() settings {
	return settings{
		framework:      c.Framework.info(),
		matcher:        c.Matcher,
		usable:         usableBy(c.Matcher),
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
		remember:       c.RememberIDs,
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
		adopt:          c.AdoptRecords,
		fingerprint:    c.fingerprint(),
		random:         rand.Float64,
	}
}
