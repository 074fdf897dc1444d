package scheduler_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest"
	"github.com/mesos-actor/mesos-actor-go/internal/zktest"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// ZooKeeper names another leader 1,000 times a second, for an hour: the attempts, events and log lines of each minute are
// bounded. When it is over, the scheduler is subscribed with the leader within seconds.
func TestFlappingLeader(t *testing.T) {
	var n atomic.Int64
	zk := &zktest.Fake{
		Children: func() []string { return []string{fmt.Sprintf("json.info_%010d", n.Load())} },
		Data: func(string) ([]byte, int64) {
			return fmt.Appendf(nil, `{"hostname":"m%d.example","port":5050}`, n.Load()%3), n.Load()
		},
	}
	log := new(logs)
	config := scheduler.Config{Master: "zk://zk.example/mesos", Logger: slog.New(slog.NewTextHandler(log, nil))}
	withIdleScheduler(t, threeMasters(), mesostest.Config{Agents: agents(1)}, config, func(ctx context.Context, h *harness) {
		l, served := h.listen("zk.example:2181"), make(chan struct{})
		go func() {
			defer close(served)
			zk.Serve(l)
		}()
		defer func() {
			_ = l.Close()
			<-served
		}()
		h.lead(ctx, scheduler.Term{})
		minutes := 60
		if testing.Short() {
			minutes = 5
		}
		for minute := range minutes {
			synctest.Wait()
			events, _ := h.connections()
			lines, looks := strings.Count(log.String(), "\n"), zk.Count(zktest.OpChildren)
			for range 60_000 {
				n.Add(1)
				zk.Change()
				time.Sleep(time.Millisecond)
			}
			synctest.Wait()
			after, _ := h.connections()
			require.LessOrEqual(h, len(after)-len(events), 60, "events of minute %d", minute)
			require.LessOrEqual(h, strings.Count(log.String(), "\n")-lines, 20, "log lines of minute %d", minute)
			require.LessOrEqual(h, zk.Count(zktest.OpChildren)-looks, 41, "looks of minute %d", minute)
		}
		n.Store(0) // m0 leads
		zk.Change()
		time.Sleep(20 * time.Second)
		events, _ := h.connections()
		require.True(h, events[len(events)-1].Connected)
		h.stop()
		require.ErrorIs(h, h.end(), context.Canceled)
	})
}
