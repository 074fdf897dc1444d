package scheduler

import (
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
		"no master":         {func(c *Config) { c.Master = "" }, `scheduler: config: Master: "": is required`},
		"unknown scheme":    {func(c *Config) { c.Master = "zk://a:2181/mesos" }, `scheduler: config: Master: "zk://a:2181/mesos": must be an http or https URL`},
		"no host":           {func(c *Config) { c.Master = "http://:5050" }, `scheduler: config: Master: "http://:5050": must name one host`},
		"a list":            {func(c *Config) { c.Master = "a:5050,b:5050" }, `scheduler: config: Master: "a:5050,b:5050": must name one host`},
		"a query":           {func(c *Config) { c.Master = "a:5050?x=y" }, `scheduler: config: Master: "a:5050?x=y": must be scheme, host, port and path only`},
		"no such port":      {func(c *Config) { c.Master = "a:99999" }, `scheduler: config: Master: "a:99999": has no port between 1 and 65535`},
		"no URL":            {func(c *Config) { c.Master = "http://a:port" }, `scheduler: config: Master: "http://a:port": is not a URL`},
		"no name":           {func(c *Config) { c.Framework.Name = "" }, `scheduler: config: Framework.Name: "": is required`},
		"repeated role":     {func(c *Config) { c.Framework.Roles = []string{"a", "a"} }, `scheduler: config: Framework.Roles: []string{"a", "a"}: holds an empty or repeated role`},
		"negative refuse":   {func(c *Config) { c.Offers.Refuse = -1 }, `scheduler: config: Offers.Refuse: -1: must not be negative`},
		"negative interval": {func(c *Config) { c.Offers.ReviveInterval = -1 }, `scheduler: config: Offers.ReviveInterval: -1: must not be negative`},
		"negative missed":   {func(c *Config) { c.MissedHeartbeats = -1 }, `scheduler: config: MissedHeartbeats: -1: must not be negative`},
	} {
		t.Run(name, func(t *testing.T) {
			bad := good
			row.change(&bad)
			_, err := New(bad)
			var config *ConfigError
			require.ErrorAs(t, err, &config)
			require.Contains(t, err.Error(), row.want)
		})
	}
}

func TestConfigDefaults(t *testing.T) {
	c, err := Config{Master: "h:1/", Framework: Framework{Name: "test", User: "me"}}.normalize()
	require.NoError(t, err)
	require.Equal(t, "http://h:1", c.Master)
	require.NotNil(t, c.Logger)
	week, checkpoint := (7 * 24 * time.Hour).Seconds(), true
	require.Equal(t, mesos.FrameworkInfo{
		Name: "test", User: "me", Roles: []string{"*"}, FailoverTimeout: &week, Checkpoint: &checkpoint,
		Capabilities: []mesos.FrameworkInfo_Capability{
			{Type: mesos.FrameworkInfo_Capability_MULTI_ROLE},
			{Type: mesos.FrameworkInfo_Capability_RESERVATION_REFINEMENT},
			{Type: mesos.FrameworkInfo_Capability_PARTITION_AWARE},
			{Type: mesos.FrameworkInfo_Capability_TASK_KILLING_STATE},
		},
	}, c.Framework.info())
	s := c.settings()
	require.Equal(t, 30*time.Second, s.refuse)
	require.Equal(t, 100*time.Millisecond, s.reviveInterval)
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
