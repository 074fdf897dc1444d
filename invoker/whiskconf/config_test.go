package whiskconf

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/ha"
	"github.com/mesos-actor/mesos-actor-go/invoker/mesosengine"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// Without any setting the defaults are those of OpenWhisk where it has some, and otherwise those of this library.
func TestNoSettings(t *testing.T) {
	c, err := FromEnv(nil, nil)
	require.NoError(t, err)
	require.Equal(t, mesosengine.SchedulerConfig(scheduler.Config{Master: "http://localhost:5050", Framework: scheduler.Framework{Name: "whisk-containerfactory-framework"}}), c.Scheduler)
	require.Equal(t, mesosengine.Config{Parameters: mesosengine.DefaultParameters()}, c.Engine)
	require.Empty(t, c.Invoker.Env)
	require.Empty(t, c.Warnings)

	store := &ha.Memory{}
	c, err = FromEnv(nil, store)
	require.NoError(t, err)
	require.Equal(t, time.Hour, c.Scheduler.Framework.FailoverTimeout)
	require.Same(t, store, c.Scheduler.Store)
	require.Same(t, store, c.Invoker.Store)
}

// What each setting does, and that it does nothing else.
func TestEachSetting(t *testing.T) {
	no, yes := false, true
	like := func(value string) []task.Constraint {
		return []task.Constraint{{Attribute: "rack", Operator: task.OpLike, Value: value}}
	}
	more := func(p ...task.Parameter) []task.Parameter { return append(mesosengine.DefaultParameters(), p...) }
	for env, want := range map[string]func(*Config){
		// The ten documented ones.
		"CONFIG_whisk_spi_ContainerFactoryProvider=org.apache.openwhisk.core.mesos.MesosContainerFactoryProvider": func(*Config) {},
		"CONFIG_whisk_mesos_masterUrl=zk://z1:2181,z2:2181/mesos": func(c *Config) {
			c.Scheduler.Master, c.Engine.MasterURL = "zk://z1:2181,z2:2181/mesos", "zk://z1:2181,z2:2181/mesos"
		},
		"CONFIG_whisk_mesos_masterUrlPublic=http://public:5050": func(c *Config) { c.Engine.MasterURL = "http://public:5050" },
		"CONFIG_whisk_mesos_role=openwhisk": func(c *Config) {
			c.Scheduler.Framework.Roles, c.Engine.Role = []string{"openwhisk"}, "openwhisk"
		},
		"CONFIG_whisk_mesos_failoverTimeoutSeconds=90":                                            func(c *Config) { c.Scheduler.Framework.FailoverTimeout = 90 * time.Second },
		"CONFIG_whisk_mesos_mesosLinkLogMessage=false":                                            func(c *Config) { c.NoLink = true },
		"CONFIG_whisk_mesos_constraints_0=rack LIKE r1":                                           func(c *Config) { c.Engine.Constraints = like("r1") },
		"CONFIG_whisk_mesos_blackboxConstraints_0=rack LIKE r2":                                   func(c *Config) { c.Engine.UserConstraints = like("r2") },
		"CONFIG_whisk_mesos_constraints_0=rack|LIKE|r1\nCONFIG_whisk_mesos_constraintDelimiter=|": func(c *Config) { c.Engine.Constraints = like("r1") },
		"CONFIG_whisk_mesos_teardownOnExit=false":                                                 func(c *Config) { c.Invoker.TeardownOnClose = &no },
		"CONFIG_whisk_mesos_teardownOnExit=true":                                                  func(c *Config) { c.Invoker.TeardownOnClose = &yes },

		// Where documents and code of OpenWhisk differ, the code's names are known as well.
		"CONFIG_whisk_mesos_masterPublicUrl=http://public:5050": func(c *Config) { c.Engine.MasterURL = "http://public:5050" },
		"CONFIG_whisk_mesos_timeouts_failover=0 seconds":        func(c *Config) { c.Scheduler.Framework.FailoverTimeout = -1 },
		"CONFIG_whisk_mesos_timeouts_failover=2 minutes":        func(c *Config) { c.Scheduler.Framework.FailoverTimeout = 2 * time.Minute },
		"CONFIG_whisk_mesos_role=*":                             func(*Config) {},
		"CONFIG_whisk_mesos_constraints=[\"rack LIKE r1\"]":     func(c *Config) { c.Engine.Constraints = like("r1") },

		// The others that the code knows.
		"CONFIG_whisk_mesos_offerRefuseDuration=5 seconds":  func(c *Config) { c.Scheduler.Offers.Refuse = 5 * time.Second },
		"CONFIG_whisk_mesos_heartbeatMaxFailures=2":         func(c *Config) { c.Scheduler.MissedHeartbeats = 2 },
		"CONFIG_whisk_mesos_timeouts_taskLaunch=20 seconds": func(c *Config) { c.Invoker.Pool.CreateTimeout = 20 * time.Second },
		"CONFIG_whisk_mesos_timeouts_taskDelete=15 seconds": func(c *Config) { c.Invoker.Pool.DestroyTimeout = 15 * time.Second },
		"CONFIG_whisk_mesos_healthCheck_gracePeriod=30 seconds\nCONFIG_whisk_mesos_healthCheck_portIndex=0\nCONFIG_whisk_mesos_healthCheck_maxConsecutiveFailures=5": func(c *Config) {
			c.Engine.HealthCheck = &task.HealthCheck{GracePeriod: 30 * time.Second, ConsecutiveFailures: 5}
		},
		"CONFIG_whisk_mesos_healthCheck_delay=1\nCONFIG_whisk_mesos_healthCheck_interval=2 s\nCONFIG_whisk_mesos_healthCheck_timeout=3 s": func(c *Config) {
			c.Engine.HealthCheck = &task.HealthCheck{Delay: time.Second, Interval: 2 * time.Second, Timeout: 3 * time.Second}
		},
		"CONFIG_whisk_containerFactory_containerArgs_network=overlay":                                                                          func(c *Config) { c.Engine.Network = "overlay" },
		"CONFIG_whisk_containerFactory_containerArgs_dnsServers_0=10.0.0.1\nCONFIG_whisk_containerFactory_containerArgs_dnsServers_1=10.0.0.2": func(c *Config) { c.Engine.DNSServers = []string{"10.0.0.1", "10.0.0.2"} },
		"CONFIG_whisk_containerFactory_containerArgs_dnsSearch_0=a.org":                                                                        func(c *Config) { c.Engine.DNSSearch = []string{"a.org"} },
		"CONFIG_whisk_containerFactory_containerArgs_dnsOptions_0=ndots:1":                                                                     func(c *Config) { c.Engine.DNSOptions = []string{"ndots:1"} },
		"CONFIG_whisk_containerFactory_containerArgs_extraEnvVars_0=A=b=c":                                                                     func(c *Config) { c.Invoker.Env["A"] = "b=c" },
		"CONFIG_whisk_containerFactory_containerArgs_extraArgs_capAdd_0=SYS_PTRACE\nCONFIG_whisk_containerFactory_containerArgs_extraArgs_capAdd_1=KILL\nCONFIG_whisk_containerFactory_containerArgs_extraArgs_user_0=me": func(c *Config) {
			c.Engine.Parameters = more(task.Parameter{Key: "cap-add", Value: "SYS_PTRACE"}, task.Parameter{Key: "cap-add", Value: "KILL"}, task.Parameter{Key: "user", Value: "me"})
		},
		"CONFIG_whisk_containerFactory_runtimesRegistry_url=r.org":                                                              func(c *Config) { c.Engine.Registry = "r.org" },
		"CONFIG_whisk_containerFactory_userImagesRegistry_url=u.org":                                                            func(c *Config) { c.Engine.UserRegistry = "u.org" },
		"CONFIG_whisk_containerPool_userMemory=2048 m":                                                                          func(c *Config) { c.Invoker.Pool.Memory, c.Invoker.Pool.MemoryPerCPU = 2048, 2048 },
		"CONFIG_whisk_containerPool_clusterManagedResources=true\nCONFIG_whisk_containerPool_clusterManagedResourceMaxStarts=7": func(c *Config) { c.Invoker.Pool.MaxStarts = 7 },
		"CONFIG_whisk_containerProxy_timeouts_idleContainer=5 minutes":                                                          func(c *Config) { c.Invoker.Pool.IdleTimeout = 5 * time.Minute },
		"CONFIG_whisk_containerProxy_timeouts_pauseGrace=50 milliseconds":                                                       func(c *Config) { c.Invoker.Pool.PauseGrace = 50 * time.Millisecond },
		"WHISK_API_HOST_NAME=example.org":                                                                                       func(c *Config) { c.Invoker.Env["__OW_API_HOST"] = "https://example.org:443" },
		"WHISK_API_HOST_NAME=e.org\nWHISK_API_HOST_PROTO=http\nWHISK_API_HOST_PORT=80":                                          func(c *Config) { c.Invoker.Env["__OW_API_HOST"] = "http://e.org:80" },
		"CONFIG_whisk_couchdb_host=db":                                                                                          func(*Config) {},
	} {
		wanted, err := FromEnv(nil, nil)
		require.NoError(t, err)
		want(&wanted)
		got, err := FromEnv(strings.Split(env, "\n"), nil)
		require.NoError(t, err, env)
		require.Equal(t, strings.Contains(env, "idleContainer"), got.Invoker.Pool.KeepAlive != nil, env)
		got.Invoker.Pool.KeepAlive = nil // functions cannot be compared
		require.Equal(t, wanted, got, env)
	}
}

func TestStemCellsOfTheManifest(t *testing.T) {
	manifest, err := os.ReadFile("testdata/runtimes.json")
	require.NoError(t, err)
	c, err := FromEnv([]string{"RUNTIMES_MANIFEST=" + string(manifest)}, nil)
	require.NoError(t, err)
	require.Equal(t, c.Runtimes.Stems(), c.Invoker.Pool.Stems)
	require.Len(t, c.Invoker.Pool.Stems, 2)
}

func TestSettingsWithoutEffect(t *testing.T) {
	c, err := FromEnv([]string{
		"CONFIG_whisk_spi_ContainerFactoryProvider=org.apache.openwhisk.core.containerpool.docker.DockerContainerFactoryProvider",
		"CONFIG_whisk_mesos_timeouts_subscribe=10 seconds",
		"CONFIG_whisk_containerPool_akkaClient=true",
		"CONFIG_whisk_containerPool_userMemory=1 GB", "CONFIG_whisk_containerPool_clusterManagedResources=true",
		"CONFIG_whisk_mesos_maste=typo",
	}, nil)
	require.NoError(t, err)
	require.Equal(t, []string{
		"whisk.container-pool.akka-client (CONFIG_whisk_containerPool_akkaClient) has no effect: this library has no such setting",
		"whisk.container-pool.user-memory (CONFIG_whisk_containerPool_userMemory) has no effect: the cluster's resources are the limit, by cluster-managed-resources",
		"whisk.mesos.maste (CONFIG_whisk_mesos_maste) has no effect: this library has no such setting",
		"whisk.mesos.timeouts.subscribe (CONFIG_whisk_mesos_timeouts_subscribe) has no effect: the scheduler subscribes until it is stopped, with pauses of its own, and a teardown ends with its context",
		"whisk.spi.ContainerFactoryProvider (CONFIG_whisk_spi_ContainerFactoryProvider) has no effect: it names another container factory than that of Mesos: org.apache.openwhisk.core.containerpool.docker.DockerContainerFactoryProvider",
	}, c.Warnings)
}

// All mistakes are reported at once, and no config is returned with some of them.
func TestMistakesInSettings(t *testing.T) {
	c, err := FromEnv([]string{
		"CONFIG_whisk_mesos_failoverTimeoutSeconds=soon",
		"CONFIG_whisk_mesos_constraints_0=rack LIKES r1", "CONFIG_whisk_mesos_constraints_1=rack",
		"CONFIG_whisk_mesos_teardownOnExit=maybe",
		"CONFIG_whisk_mesos_healthCheck_portIndex=1",
		"CONFIG_whisk_containerFactory_containerArgs_extraEnvVars_0=A",
		"CONFIG_whisk_containerPool_userMemory=lots",
		"RUNTIMES_MANIFEST={}",
	}, nil)
	require.Empty(t, c)
	for _, setting := range []string{
		"whisk.mesos.failover-timeout-seconds", "whisk.mesos.constraints.0", "whisk.mesos.constraints.1", "whisk.mesos.teardown-on-exit", "whisk.mesos.health-check.port-index",
		"whisk.container-factory.container-args.extra-env-vars.0", "whisk.container-pool.user-memory",
	} {
		require.ErrorContains(t, err, "whiskconf: "+setting+" (CONFIG_")
	}
	require.ErrorContains(t, err, "runtimes of the manifest")
	var first *Error
	require.ErrorAs(t, err, &first)
	var manifest *ManifestError
	require.ErrorAs(t, err, &manifest)
	require.Len(t, strings.Split(err.Error(), "\n"), 8)
}
