package cluster

import (
	"bytes"
	"errors"
	"log"
	"log/slog"
	"testing"

	"github.com/hashicorp/go-hclog"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/logguard"
)

func TestLogs(t *testing.T) {
	var b bytes.Buffer
	to := logguard.Logger(slog.New(slog.NewTextHandler(&b, &slog.HandlerOptions{Level: slog.LevelWarn, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}})))
	var logger hclog.Logger = &raftLog{to: to}
	logger.Error("failed", "error", errors.New("x"), "servers", hclog.Fmt("%d of %d", 1, 2))
	logger.With("id", 7).Named("name").Warn("careful")
	logger.Info("not wanted")
	logger.Log(hclog.Off, "never")
	for i := range 100 {
		logger.Error("failed to reach", "peer", "a", "port", i)
	}
	logger.Named("x").Error("failed to reach", "peer", "b", "port", 7)
	require.True(t, logger.IsWarn() && logger.IsError() && !logger.IsInfo() && !logger.IsDebug() && !logger.IsTrace())
	require.Equal(t, []any{"id", 7}, logger.With("id", 7).ImpliedArgs())
	require.Equal(t, "name", logger.ResetNamed("name").Name())
	logger.StandardLogger(nil).Print("[WARN] of another kind")
	gossip := log.New(&lineLog{to: to, prefix: "gossip: "}, "", 0)
	gossip.Print("[ERR] memberlist: failed to send")
	gossip.Print("[DEBUG] memberlist: not wanted")
	for i := range 100 {
		gossip.Printf("[WARN] memberlist: nonsense\x1b from=10.0.0.1:%d", i)
	}
	require.Equal(t, `level=WARN msg="raft: failed" error=x servers="1 of 2"
level=WARN msg="raft: careful" id=7
level=WARN msg="raft: failed to reach" peer=a port=0
level=WARN msg="raft: failed to reach" peer=a port=1
level=WARN msg="raft: failed to reach" peer=a port=2
level=WARN msg="raft: failed to reach" peer=a port=3
level=WARN msg="raft: failed to reach" peer=a port=4
level=WARN msg="raft: failed to reach" peer=b port=7
level=WARN msg="raft: of another kind"
level=WARN msg="gossip: failed to send"
level=WARN msg="gossip: nonsense\\x1b from=10.0.0.1:0"
level=WARN msg="gossip: nonsense\\x1b from=10.0.0.1:1"
level=WARN msg="gossip: nonsense\\x1b from=10.0.0.1:2"
level=WARN msg="gossip: nonsense\\x1b from=10.0.0.1:3"
level=WARN msg="gossip: nonsense\\x1b from=10.0.0.1:4"
`, b.String())
}
