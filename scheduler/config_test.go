package scheduler

import (
	"context"
	"testing"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/stretchr/testify/require"
)

func TestBadConfig(t *testing.T) {
	good := Config{Master: "localhost:5050", Framework: Framework{Name: "test"}}
	_, err := New(good)
	require.NoError(t, err)
	for name, row := range map[string]struct {
		change func(*Config)
		want   string
	}{
		"no master":      {func(c *Config) { c.Master = "" }, `scheduler: config: Master: "": is required`},
		"unknown scheme": {func(c *Config) { c.Master = "ftp://a" }, `scheduler: config: Master: "ftp://a"`},
		"a password":     {func(c *Config) { c.Master = "zk://user:secret@" }, `scheduler: config: Master: "zk://`},
		"no such port":   {func(c *Config) { c.Master = "a:99999" }, `scheduler: config: Master: "a:99999"`},
		"two identities": {func(c *Config) {
			c.Credential, c.Token = &Credential{Principal: "p"}, func(context.Context) (string, error) { return "", nil }
		}, `scheduler: config: Token`},
		"no principal":       {func(c *Config) { c.Credential = &Credential{Secret: "secret"} }, `scheduler: config: Credential.Principal: ""`},
		"another principal":  {func(c *Config) { c.Credential, c.Framework.Principal = &Credential{Principal: "p"}, "q" }, `scheduler: config: Framework.Principal: "q"`},
		"negative timeout":   {func(c *Config) { c.LaunchTimeout = -1 }, `scheduler: config: LaunchTimeout: -1`},
		"negative launches":  {func(c *Config) { c.MaxLaunches = -1 }, `scheduler: config: MaxLaunches: -1`},
		"negative memory":    {func(c *Config) { c.RememberIDs.For = -1 }, `scheduler: config: RememberIDs.For: -1`},
		"unknown policy":     {func(c *Config) { c.UnknownTasks = 3 }, `scheduler: config: UnknownTasks: 3`},
		"no name":            {func(c *Config) { c.Framework.Name = "" }, `scheduler: config: Framework.Name: "": is required`},
		"repeated role":      {func(c *Config) { c.Framework.Roles = []string{"a", "a"} }, `scheduler: config: Framework.Roles: ["a" "a"]: holds an empty or repeated role`},
		"negative refuse":    {func(c *Config) { c.Offers.Refuse = -1 }, `scheduler: config: Offers.Refuse: -1ns: must not be negative`},
		"negative interval":  {func(c *Config) { c.Offers.ReviveInterval = -1 }, `scheduler: config: Offers.ReviveInterval: -1ns: must not be negative`},
		"negative hold":      {func(c *Config) { c.Offers.Hold = -1 }, `scheduler: config: Offers.Hold: -1ns: must not be negative`},
		"negative cap":       {func(c *Config) { c.Offers.HoldMax = -1 }, `scheduler: config: Offers.HoldMax: -1: must not be negative`},
		"negative per agent": {func(c *Config) { c.Offers.HoldPerAgent = -1 }, `scheduler: config: Offers.HoldPerAgent: -1: must not be negative`},
		"negative wait":      {func(c *Config) { c.Offers.WaitPreferred = -1 }, `scheduler: config: Offers.WaitPreferred: -1ns: must not be negative`},
		"negative cycles":    {func(c *Config) { c.Offers.MaxCycles = -1 }, `scheduler: config: Offers.MaxCycles: -1: must not be negative`},
		"negative deadline":  {func(c *Config) { c.Offers.MaxWait = -1 }, `scheduler: config: Offers.MaxWait: -1ns: must not be negative`},
		"negative TTL":       {func(c *Config) { c.Offers.StatsTTL = -1 }, `scheduler: config: Offers.StatsTTL: -1ns: must not be negative`},
		"negative missed":    {func(c *Config) { c.MissedHeartbeats = -1 }, `scheduler: config: MissedHeartbeats: -1: must not be negative`},
	} {
		t.Run(name, func(t *testing.T) {
			bad := good
			row.change(&bad)
			_, err := New(bad)
			var config *ConfigError
			require.ErrorAs(t, err, &config)
			require.Contains(t, err.Error(), row.want)
			require.NotContains(t, err.Error(), "secret")
		})
	}
}

func TestConfigDefaults(t *testing.T) {
	c, err := Config{Master: "h:1/", Framework: Framework{Name: "test", User: "me"}}.normalize()
	require.NoError(t, err)
	require.NotNil(t, c.Logger)
	minute, checkpoint := time.Minute.Seconds(), true
	require.Equal(t, mesos.FrameworkInfo{
		Name: "test", User: "me", Roles: []string{"*"}, FailoverTimeout: &minute, Checkpoint: &checkpoint,
		Capabilities: []mesos.FrameworkInfo_Capability{
			{Type: mesos.FrameworkInfo_Capability_MULTI_ROLE},
			{Type: mesos.FrameworkInfo_Capability_RESERVATION_REFINEMENT},
			{Type: mesos.FrameworkInfo_Capability_PARTITION_AWARE},
			{Type: mesos.FrameworkInfo_Capability_TASK_KILLING_STATE},
		},
	}, newMachine(c.settings()).conn.info)
	s := c.settings()
	require.Equal(t, 30*time.Second, s.refuse)
	require.Equal(t, 100*time.Millisecond, s.reviveInterval)
	require.Equal(t, []any{100 * time.Millisecond, 2, 10, time.Duration(0)}, []any{s.hold, s.holdPerAgent, s.holdMax, s.waitPreferred})
	require.Equal(t, 5, s.missed)
	require.Equal(t, 1000, s.history)

	c, err = Config{
		Master: "https://h", History: -1, Offers: OfferPolicy{Refuse: 1000 * 24 * time.Hour},
		Framework: Framework{
			Name: "test", User: "me", Roles: []string{"b", "a"}, FailoverTimeout: -1, NoCheckpoint: true,
			Principal: "p", Hostname: "h", WebUIURL: "u", Labels: map[string]string{"y": "2", "x": "1"},
		},
	}.normalize()
	require.NoError(t, err)
	require.Zero(t, c.History)
	require.Equal(t, 365*24*time.Hour, c.settings().refuse, "the most that Mesos takes")
	info := c.Framework.info()
	require.Zero(t, info.GetFailoverTimeout())
	require.False(t, info.GetCheckpoint())
	require.Equal(t, []string{"p", "h", "u"}, []string{info.GetPrincipal(), info.GetHostname(), info.GetWebUiURL()})
	require.Equal(t, "x", info.Labels.Labels[0].Key, "sorted")
}

func TestAllFaultsOfAConfigAreNamed(t *testing.T) {
	_, err := New(Config{LaunchTimeout: -1, Offers: OfferPolicy{Hold: -1}, UnknownTasks: 9})
	for _, want := range []string{"Master:", "Framework.Name:", "Offers.Hold:", "UnknownTasks:", "LaunchTimeout:"} {
		require.ErrorContains(t, err, want)
	}
	require.Equal(t, CodeInvalid, ErrorCode(err))
}
