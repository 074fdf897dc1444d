package zookeeper

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
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

// What answers in place of a server is named, and does not make the client allocate what its first bytes say.
func TestNotAServer(t *testing.T) {
	near, far := net.Pipe()
	defer near.Close()
	l := &link{timeout: time.Second, dial: nil}
	p := newPackets(near, l, "h:80")
	go func() {
		defer far.Close()
		_, _ = far.Write([]byte("HTTP/1.1 400 Bad Request\r\n"))
	}()
	_, err := p.Read(make([]byte, 4))
	require.ErrorContains(t, err, `h:80 is not a ZooKeeper server: it says "HTTP"`)
	_, problem := l.state()
	require.Equal(t, err, problem)
}

// So does a server that sends more than this member takes, which is one all the same.
func TestLongPacket(t *testing.T) {
	near, far := net.Pipe()
	defer near.Close()
	p := newPackets(near, &link{timeout: time.Second}, "h:2181")
	go func() {
		defer far.Close()
		_, _ = far.Write(append([]byte{0, 0, 0, 16}, make([]byte, 16)...))
		_, _ = far.Write([]byte{1, 0, 0, 0})
	}()
	_, err := io.ReadFull(p, make([]byte, 24))
	require.EqualError(t, err, "h:2181 sends 16777216 bytes at once, and at most 8388608 are taken: are there too many nodes?")
}

// A write that fails closes the connection, and a read that fails ends a write that hangs: it is the reads that say so.
func TestWriteNeverFails(t *testing.T) {
	near, _ := net.Pipe()
	p := newPackets(near, &link{timeout: time.Second}, "h")
	written := make(chan struct{})
	go func() {
		defer close(written)
		for range 2 { // nobody reads, and then the connection is closed
			n, err := p.Write([]byte("hello"))
			require.NoError(t, err)
			require.Equal(t, 5, n)
		}
	}()
	require.NoError(t, near.SetReadDeadline(time.Now()))
	_, err := p.Read(make([]byte, 1))
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	<-written

	near, far := net.Pipe()
	p = newPackets(near, &link{timeout: time.Second}, "h")
	far.Close()
	_, err = p.Write([]byte("hello"))
	require.NoError(t, err)
	_, err = near.Write([]byte("hello"))
	require.ErrorIs(t, err, io.ErrClosedPipe)
	_, err = p.Read(make([]byte, 1))
	require.Error(t, err)
}

// The session timeout is read from the first packet, however it arrives, and the shortest one counts.
func TestGranted(t *testing.T) {
	l := &link{timeout: time.Second}
	for _, ms := range []byte{200, 250, 150, 0} {
		near, far := net.Pipe()
		p := newPackets(near, l, "h")
		go func() {
			defer far.Close()
			packet := append([]byte{0, 0, 0, 37, 0, 0, 0, 0, 0, 0, 0, ms}, make([]byte, 29)...)
			for _, b := range append(packet, 0, 0, 0, 16, 1, 1, 1, 1, 1, 1, 1, 1) {
				_, _ = far.Write([]byte{b})
			}
		}()
		for {
			if _, err := p.Read(make([]byte, 7)); err != nil {
				break
			}
		}
		near.Close()
	}
	granted, _ := l.state()
	require.Equal(t, 150*time.Millisecond, granted)
}

// When a server hangs, there is time for two others before leading ends after 3/4 of the session timeout.
func TestLinkPatience(t *testing.T) {
	l := &link{timeout: 20 * time.Second}
	require.Equal(t, 10*time.Second, l.patience(false), "a new session")
	l.grant(12 * time.Second)
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
