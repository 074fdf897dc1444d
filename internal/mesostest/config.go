package mesostest

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib"
)

// Config describes a master and its agents. The zero value is a master with the
// defaults of mesos-master's flags and without agents.
type Config struct {
	// Hostname is --hostname; it shows in master_info, and redirects of other masters name it.
	// Default: the host of the listener, "localhost" when that is an IP.
	Hostname string

	// Version is that of Mesos that the master claims to be; one before 1.11 knows no offer constraints.
	// Default "1.12.0", the one that was recorded.
	Version string

	// AllocationInterval is --allocation_interval: resources that became free
	// are offered at multiples of it since Run began. Default 1 s.
	AllocationInterval time.Duration

	// HeartbeatInterval is the time between HEARTBEAT events. A real master has
	// no flag for it. Default 15 s.
	HeartbeatInterval time.Duration

	// OfferTimeout is --offer_timeout: an offer unused for so long is rescinded.
	// Default 0: never.
	OfferTimeout time.Duration

	// Roles is --roles, the only roles frameworks may use. Default: any role.
	Roles []string

	// NoRootSubmissions is --no-root_submissions: frameworks of user root are refused.
	NoRootSubmissions bool

	// MaxCompletedFrameworks is --max_completed_frameworks: so many removed
	// framework IDs are remembered and refused. Default 50.
	MaxCompletedFrameworks int

	// AgentPingTimeout is the product of --agent_ping_timeout and --max_agent_ping_timeouts: how long an
	// agent must not answer before it is declared unreachable. It counts from the first ping that
	// the agent misses. The master pings an agent from its registration on, every
	// AgentPingTimeout/MaxAgentPingTimeouts, so an agent is given up as much as one such interval later than
	// AgentPingTimeout after its loss. Default 75 s.
	AgentPingTimeout time.Duration

	// MaxAgentPingTimeouts is --max_agent_ping_timeouts. Default 5.
	MaxAgentPingTimeouts int

	// SessionTimeout is --zk_session_timeout: so long after its end a leader among several
	// masters still counts as one, and the others redirect to it. Default 10 s.
	SessionTimeout time.Duration

	// Quorum is --quorum: with fewer running masters a new leader does not recover and answers 503.
	// Default: more than half of them.
	Quorum int

	// Recovery is the time from the election of another leader until it serves; till then it
	// answers 503. Default 50 ms; negative: none.
	Recovery time.Duration

	// Reregistration is the most that agents take to register with a new leader, each a random
	// part of it. Default 2 s, as seen of real agents that use ZooKeeper; negative: none.
	Reregistration time.Duration

	// AgentReregisterTimeout is --agent_reregister_timeout: agents that have not registered with a new
	// leader are unreachable after it. Default 10 min.
	AgentReregisterTimeout time.Duration

	// InMemoryRegistry is --registry=in_memory: a new leader does not even know the agents.
	InMemoryRegistry bool

	// Domain is the fault domain of the master as "region/zone". Default none.
	Domain string

	// Credentials are the secrets of principals, as in --credentials: when not nil, requests to the
	// scheduler API, the operator API and the views of the state need HTTP basic
	// authentication, as with --authenticate_http_frameworks, _readwrite and
	// _readonly. Default none: nobody is asked.
	Credentials map[string]string

	// Tokens are the principals of bearer tokens. When not nil, requests need one of them or, if there
	// are Credentials too, one of those; a real master does so with the JWT
	// authenticator of a module. SetTokens changes them. Default none.
	Tokens map[string]string

	// Agents are registered in order when Run starts.
	Agents []Agent

	// Front returns what answers the requests to each master, given what a real master answers: something that stands in
	// front of it, such as a proxy. The requests of a master that is killed end with their context, also those whose
	// connection was hijacked. Default nil: nothing does.
	Front func(master http.Handler) http.Handler

	// Launch is the time from the ACCEPT to TASK_STARTING: the agent starts the
	// executor. Default 100 ms, about what a real agent takes; negative: none.
	Launch time.Duration

	// Reap is the time between the end of a process and its terminal update: real
	// executors poll for ended children. Default 50 ms; negative: none.
	Reap time.Duration

	// Executors returns what a custom executor does that is about to start. It runs on the master's loop.
	// Default, also when it returns nil: the command of the executor is interpreted like that
	// of a task, and it never registers.
	Executors func(mesos.ExecutorInfo) *CustomExecutor

	// ListenAgents opens the listener of an agent's own HTTP API, which shows its state and the
	// sandboxes of its tasks; should the listener have another port than the agent, the agent takes that.
	// AtIP makes one of a Listen of virtualnet or net. Default none: agents cannot be connected to, and
	// remember no sandboxes.
	ListenAgents func(Agent) (net.Listener, error)

	// Programs are Go functions behind tasks: that of a task with a container image by the image, that of any other by its
	// command, which is the program of its Argv or the text for the shell. Default none: commands are interpreted.
	Programs map[string]Program

	// ListenTasks opens the listeners of Programs, at the host of an agent's URL or the address of a container. Default none:
	// they cannot listen.
	ListenTasks func(address string) (net.Listener, error)

	// KeepTasks has Snapshot.Launched list every task that an agent was ever given. Default: tasks that have ended
	// are forgotten, as far as a master forgets them.
	KeepTasks bool

	// launch and reap, when set, return for each task what Launch and Reap are for all; ran is how
	// long its process lived. With them the replay of recordings has the times of the recorded machine.
	launch func(taskID string) time.Duration
	reap   func(taskID string, ran time.Duration) time.Duration

	// reregister, when set, returns for each agent what Reregistration is for all.
	reregister func(hostname string, random *rand.Rand) time.Duration

	// pinged, when set, returns when an agent that is lost now misses its first ping; ok is false when it
	// does not know.
	pinged func(now time.Time) (first time.Time, ok bool)

	// Logger gets one debug line per call. Default: discarded.
	Logger *slog.Logger

	// Seed is the source of all randomness: IDs, the order in which
	// agents are offered, the time that they take to register again, and what
	// Disturb does. Two runs with the same seed and the same calls at the
	// same times are alike. The zero seed is a seed like any other.
	Seed uint64
}

// Agent describes one mesos-agent in the words of its flags.
type Agent struct {
	// Hostname is --hostname. Default "agentN.example", N counting from 1.
	Hostname string

	// IP is --ip, which shows in the url of offers. Default 127.0.0.1.
	IP string

	// Port is --port. Default 5050+N.
	Port int

	// URLHost is the name of the host in the url of offers, where the agent's API is. A real agent has its
	// hostname there, which is the default.
	URLHost string

	// WorkDir is --work_dir, which the paths of sandboxes begin with. Default
	// "/var/lib/mesos/agentN".
	WorkDir string

	// Attributes is --attributes, such as "rack:r1;zone:z1". Default none.
	Attributes string

	// Resources is --resources, such as
	// "cpus:4;mem:4096;disk:10000;ports:[31000-31999];cpus(prod):1".
	// Default "cpus:4;mem:4096;disk:10000;ports:[31000-32000]".
	Resources string

	// Domain is --domain as "region/zone". Default none.
	Domain string

	// Containerizers is --containerizers. A Docker task on an agent without "docker"
	// fails as on a real agent. Default "docker,mesos", so that
	// Docker tasks run; a real agent defaults to "mesos".
	Containerizers string

	// ImageProviders is --image_providers: without any, tasks with a container image in
	// the Mesos containerizer fail. Default none, as on a real agent.
	ImageProviders string

	// Isolation is --isolation: without "cgroups/cpu" and "cgroups/mem" the agent drops tasks with limits of these, unless
	// they are Docker's. Default "cgroups/cpu,cgroups/mem", so that they run; a real agent defaults to
	// "posix/cpu,posix/mem".
	Isolation string

	// HTTPCommandExecutor is --http_command_executor: such an executor honours the
	// kill_policy of the KILL call, the default one ignores it.
	HTTPCommandExecutor bool

	// ExecutorRegistrationTimeout is --executor_registration_timeout. Default 1 min.
	ExecutorRegistrationTimeout time.Duration
}

// AtIP returns a function for Config.ListenAgents that listens at the IP and port of agents.
func AtIP(listen func(address string) (net.Listener, error)) func(Agent) (net.Listener, error) {
	return func(a Agent) (net.Listener, error) { return listen(a.address()) }
}

func (a Agent) address() string { return net.JoinHostPort(a.IP, strconv.Itoa(a.Port)) }

// withDefaults returns the config with every zero value replaced.
func (c Config) withDefaults() Config {
	setDefault(&c.Version, mesosVersion)
	setDefault(&c.AllocationInterval, time.Second)
	setDefault(&c.HeartbeatInterval, 15*time.Second)
	setDefault(&c.MaxCompletedFrameworks, 50)
	setDefault(&c.AgentPingTimeout, 75*time.Second) // 5 pings of 15 s
	setDefault(&c.MaxAgentPingTimeouts, 5)
	setDefault(&c.Launch, 100*time.Millisecond)
	setDefault(&c.Reap, 50*time.Millisecond)
	setDefault(&c.SessionTimeout, 10*time.Second)
	setDefault(&c.Recovery, 50*time.Millisecond)
	setDefault(&c.Reregistration, 2*time.Second)
	setDefault(&c.AgentReregisterTimeout, 10*time.Minute)
	c.Launch, c.Reap, c.Recovery = max(c.Launch, 0), max(c.Reap, 0), max(c.Recovery, 0)
	if c.launch == nil {
		launch := c.Launch
		c.launch = func(string) time.Duration { return launch }
	}
	if c.reap == nil {
		reap := c.Reap
		c.reap = func(string, time.Duration) time.Duration { return reap }
	}
	if c.reregister == nil {
		most := max(c.Reregistration, 0)
		c.reregister = func(_ string, random *rand.Rand) time.Duration { return time.Duration(random.Int64N(int64(most) + 1)) }
	}
	if c.pinged == nil {
		c.pinged = func(time.Time) (time.Time, bool) { return time.Time{}, false }
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// withDefaults returns the agent with every zero value replaced; n is its number, from 1.
func (a Agent) withDefaults(n int) Agent {
	setDefault(&a.Hostname, fmt.Sprintf("agent%d.example", n))
	setDefault(&a.URLHost, a.Hostname)
	setDefault(&a.IP, "127.0.0.1")
	setDefault(&a.Port, 5050+n)
	setDefault(&a.WorkDir, fmt.Sprintf("/var/lib/mesos/agent%d", n))
	setDefault(&a.Resources, "cpus:4;mem:4096;disk:10000;ports:[31000-32000]")
	setDefault(&a.Containerizers, "docker,mesos")
	setDefault(&a.Isolation, "cgroups/cpu,cgroups/mem")
	setDefault(&a.ExecutorRegistrationTimeout, time.Minute)
	return a
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// validate refuses what no flag of a real master could say.
func (c Config) validate() error {
	for _, d := range []struct {
		name  string
		value time.Duration
	}{
		{"AllocationInterval", c.AllocationInterval},
		{"HeartbeatInterval", c.HeartbeatInterval},
		{"OfferTimeout", c.OfferTimeout},
		{"AgentPingTimeout", c.AgentPingTimeout},
		{"SessionTimeout", c.SessionTimeout},
		{"AgentReregisterTimeout", c.AgentReregisterTimeout},
	} {
		if d.value < 0 {
			return fmt.Errorf("mesostest: Config.%s is negative: %s", d.name, d.value)
		}
	}
	for _, n := range []struct {
		name  string
		value int
	}{
		{"MaxAgentPingTimeouts", c.MaxAgentPingTimeouts},
		{"MaxCompletedFrameworks", c.MaxCompletedFrameworks},
		{"Quorum", c.Quorum},
	} {
		if n.value < 0 {
			return fmt.Errorf("mesostest: Config.%s is negative: %d", n.name, n.value)
		}
	}
	if err := checkDomain(c.Domain); err != nil {
		return fmt.Errorf("mesostest: Config.Domain: %w", err)
	}
	return nil
}
