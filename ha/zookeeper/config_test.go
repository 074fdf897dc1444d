package zookeeper

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/go-zookeeper/zk"
	"github.com/stretchr/testify/require"
)

func TestNew(t *testing.T) {
	e, err := New(Config{Address: " zk://u:p@ss@H1,h2:2182/a/b/ "})
	require.NoError(t, err)
	require.Equal(t, []string{"h1:2181", "h2:2182"}, e.servers)
	require.Equal(t, "u:p@ss", e.auth)
	require.Equal(t, "/a/b/election", e.election)
	require.Equal(t, "/a/b/state", e.state)
	require.Equal(t, 10*time.Second, e.config.SessionTimeout)
	require.NotEmpty(t, e.config.ID)
	other, err := New(Config{Address: "zk://h/a"})
	require.NoError(t, err)
	require.NotEqual(t, e.config.ID, other.config.ID)

	s := e.Status()
	require.Equal(t, e.config.ID, s.Self)
	require.False(t, s.Leads())
	require.Equal(t, "not running", s.Reason)
	require.Len(t, s.Members, 1)
	require.False(t, s.Members[0].Alive)
}

func TestNewRefuses(t *testing.T) {
	long := strings.Repeat("x", 2000)
	for _, test := range []struct {
		config               Config
		field, value, reason string
	}{
		{Config{}, "Address", "", "must begin with zk://"},
		{Config{Address: "http://u:secret@h/a"}, "Address", "http://***@h/a", "must begin with zk://"},
		{Config{Address: "zk://u:secret@h"}, "Address", "zk://***@h", "must have a path after the hosts, such as /mesos"},
		{Config{Address: "zk://u:sec/ret@h/a"}, "Address", "zk://***@h/a", "must have neither / in the password nor @ in the path"},
		{Config{Address: "zk://h/zookeeper/a"}, "Address", "zk://h/zookeeper/a", "must have a path outside /zookeeper"},
		{Config{Address: "zk://h/a", ID: long}, "ID", long, "must be UTF-8 of at most 255 bytes"},
		{Config{Address: "zk://h/a", ID: "\xff"}, "ID", "\xff", "must be UTF-8 of at most 255 bytes"},
		{Config{Address: "zk://h/a", API: long}, "API", long, "must be UTF-8 of at most 1024 bytes"},
		{Config{Address: "zk://h/a", SessionTimeout: -1}, "SessionTimeout", "-1ns", "must be between 100 ms and 24 days"},
		{Config{Address: "zk://h/a", SessionTimeout: time.Millisecond}, "SessionTimeout", "1ms", "must be between 100 ms and 24 days"},
		{Config{Address: "zk://h/a", SessionTimeout: 600 * time.Hour}, "SessionTimeout", "600h0m0s", "must be between 100 ms and 24 days"},
	} {
		_, err := New(test.config)
		var got *ConfigError
		require.ErrorAs(t, err, &got)
		require.Equal(t, &ConfigError{Field: test.field, Value: test.value, Reason: test.reason}, got)
	}
	require.EqualError(t, &ConfigError{"ID", "a", "is bad"}, `ha/zookeeper: ID "a" is bad`)
}

// No way to print a value shows the password.
func TestPasswordIsHidden(t *testing.T) {
	const password = "s3cret"
	config := Config{Address: "zk://user:" + password + "@h:2181/a", ID: "x"}
	e, err := New(config)
	require.NoError(t, err)
	var log bytes.Buffer
	l := slog.New(slog.NewJSONHandler(&log, nil))
	l.Info("x", "config", config, "elector", e)
	l = slog.New(slog.NewTextHandler(&log, nil))
	l.Info("x", "config", config, "elector", e)
	texts := []string{log.String(), e.denied("x", zk.ErrNoAuth).Error()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		texts = append(texts, fmt.Sprintf(verb, config), fmt.Sprintf(verb, &config), fmt.Sprintf(verb, e))
	}
	for _, text := range texts {
		require.NotContains(t, text, password)
		require.Contains(t, text, "h:2181")
	}
	below, above := aclOf(e.auth)
	require.NotContains(t, fmt.Sprint(below, above), password)
}

func TestACL(t *testing.T) {
	below, above := aclOf("")
	require.Equal(t, zk.WorldACL(zk.PermAll), below)
	require.Equal(t, zk.WorldACL(zk.PermAll), above)
	below, above = aclOf("u:p:q")
	require.Equal(t, zk.DigestACL(zk.PermAll, "u", "p:q"), below)
	require.Equal(t, zk.ACL{Perms: zk.PermRead | zk.PermCreate, Scheme: "world", ID: "anyone"}, above[0])
	require.Equal(t, below, above[1:])
}

// When a server hangs, there is time for two others before leading ends after 3/4 of the session timeout.
func TestLinkPatience(t *testing.T) {
	l := &link{timeout: 20 * time.Second}
	require.Equal(t, 10*time.Second, l.patience(false), "a new session")
	l.grant(12 * time.Second)
	l.grant(15 * time.Second) // the shortest one counts
	require.Equal(t, 5*time.Second, l.patience(true))
	for dials, want := range []int{1, 1, 2, 3, 4, 5, 6, 6, 6} {
		l.dials = dials
		require.Equal(t, time.Duration(want)*time.Second, l.patience(false))
	}
}

func TestServersTakeTurns(t *testing.T) {
	l := &link{cancel: func() {}}
	s := &servers{link: l}
	require.NoError(t, s.Init([]string{"a", "b", "c"}))
	require.Equal(t, 3, s.Len())
	seen := map[string]int{}
	for range 6 {
		server, pause := s.Next()
		require.False(t, pause)
		seen[server]++
		s.Connected()
	}
	require.Equal(t, map[string]int{"a": 2, "b": 2, "c": 2}, seen)
	l.close()
	_, pause := s.Next()
	require.True(t, pause, "or the library does not notice that it is to end")
}
