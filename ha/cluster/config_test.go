package cluster

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestConfigErrors(t *testing.T) {
	pool := x509.NewCertPool()
	tests := []struct {
		change func(c *Config)
		text   string
	}{
		{func(c *Config) { c.Name = "" }, `Config.Name "" must have 1 to 200 bytes`},
		{func(c *Config) { c.ID = "a b" }, `Config.ID "a b" may only have letters, digits, '.', '_' and '-'`},
		{func(c *Config) { c.ID = strings.Repeat("a", 65) }, `must have 1 to 64 bytes`},
		{func(c *Config) { c.Expect = 2 }, `Config.Expect "2" must be 1, 3 or 5`},
		{func(c *Config) { c.Preset, c.GossipBind = PresetLAN, "" }, `Config.GossipBind "" must be an address of the form host:port`},
		{func(c *Config) { c.GossipBind = "localhost:1" }, `Config.GossipBind "localhost:1" must have an IP address before the port`},
		{func(c *Config) { c.RaftBind = "127.0.0.1:65536" }, `Config.RaftBind "127.0.0.1:65536" must have a port from 0 to 65535`},
		{func(c *Config) { c.RaftBind = "0.0.0.0:1" }, `Config.RaftAdvertise "" is required with RaftBind 0.0.0.0:1: others cannot reach that address`},
		{func(c *Config) { c.GossipBind = "[::]:1" }, `Config.GossipAdvertise "" is required with GossipBind [::]:1: others cannot reach that address`},
		{func(c *Config) { c.GossipAdvertise = "host:1" }, `Config.GossipAdvertise "host:1" must have an IP address before the port`},
		{func(c *Config) { c.GossipAdvertise = "0.0.0.0:1" }, `Config.GossipAdvertise "0.0.0.0:1" is an address that others cannot reach`},
		{func(c *Config) { c.RaftAdvertise = "host:0" }, `Config.RaftAdvertise "host:0" must have a port`},
		{func(c *Config) { c.Seeds = []string{"a:1", "b"} }, `Config.Seeds "b" must be an address of the form host:port`},
		{func(c *Config) { c.API = strings.Repeat("a", 129) }, `is longer than 128 bytes`},
		{func(c *Config) { c.Keys = [][]byte{make([]byte, 16), []byte("secret")} }, `Config.Keys "[1]" has 6 bytes, must have 16, 24 or 32`},
		{func(c *Config) { c.Preset, c.GossipBind, c.RaftBind = 7, "127.0.0.1:0", "127.0.0.1:0" }, `Config.Preset "7" must be PresetLAN, PresetLocal or PresetWAN`},
		{func(c *Config) { c.DeadAfter = time.Millisecond }, `Config.DeadAfter "1ms" must be at least 1s`},
		{func(c *Config) { c.StallAfter = time.Millisecond }, `Config.StallAfter "1ms" must be at least 400ms with this Preset`},
		{func(c *Config) { c.TLS = &tls.Config{} }, `Config.TLS "Certificates" is empty`},
		{func(c *Config) { c.TLS = &tls.Config{Certificates: make([]tls.Certificate, 1)} }, `Config.TLS "RootCAs" is nil`},
		{func(c *Config) { c.TLS = &tls.Config{Certificates: make([]tls.Certificate, 1), RootCAs: pool} }, `Config.TLS "ClientCAs" is nil`},
		{func(c *Config) {
			c.TLS = &tls.Config{Certificates: make([]tls.Certificate, 1), RootCAs: pool, ClientCAs: pool, InsecureSkipVerify: true}
		}, `Config.TLS "InsecureSkipVerify" is true`},
	}
	for _, test := range tests {
		c := Config{Name: "framework", Preset: PresetLocal}
		test.change(&c)
		_, err := New(c)
		require.ErrorContains(t, err, test.text)
		require.ErrorAs(t, err, new(*ConfigError))
		require.NotContains(t, err.Error(), "secret")
	}
}

func TestConfigDefaults(t *testing.T) {
	c, err := Config{Name: "framework", GossipBind: "0.0.0.0:7946", GossipAdvertise: "10.0.0.1:7946", RaftBind: "[::]:7000", RaftAdvertise: "host:7000"}.normalize()
	require.NoError(t, err)
	require.Equal(t, 3, c.Expect)
	require.Equal(t, 5*time.Minute, c.DeadAfter)
	require.Equal(t, 5*time.Second, c.StallAfter)
	require.Equal(t, system{}, c.Network)
	require.NotNil(t, c.Logger)
	for preset, times := range presets() {
		require.Greater(t, times.rpc, times.election, "%v", preset)
	}
}

// The largest that a config allows is within what memberlist takes: it panics at more.
func TestMetaSize(t *testing.T) {
	m := meta{id: strings.Repeat("i", maxID), start: time.Now(), raft: strings.Repeat("h", 253) + ":65535", api: strings.Repeat("a", 128), expect: 5, hasState: true, pick: 1 << 63, applied: 1 << 63}
	b := m.encode()
	require.LessOrEqual(t, len(b), 512)
	again, err := decodeMeta(b)
	require.NoError(t, err)
	require.True(t, again.start.Equal(m.start))
	again.start = m.start
	require.Equal(t, m, again)
	for at := range b {
		_, err := decodeMeta(b[:at])
		require.Error(t, err)
	}
	b[0]++
	_, err = decodeMeta(b)
	require.EqualError(t, err, fmt.Sprintf("it has version %d, this program knows %d", metaVersion+1, metaVersion))
}

func FuzzMeta(f *testing.F) {
	f.Add((&meta{id: "member", start: time.Now(), raft: "10.0.0.1:7000", expect: 3}).encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := decodeMeta(b)
		if err != nil {
			return
		}
		again, err := decodeMeta(m.encode())
		require.NoError(t, err)
		require.Equal(t, m, again)
	})
}
