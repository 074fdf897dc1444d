package scheduler

import (
	"encoding/binary"
	"log/slog"
	"testing"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/stretchr/testify/require"
)

// StopCounting has a scheduler go without metrics, to be compared with one that has them.
func StopCounting(s *Scheduler) { s.tally = nil }

// BenchmarkTally measures two steps of the loop, without its I/O: an update with a uuid about one of 10,000 running tasks,
// and the answer to its acknowledgement. "benchstat -col /metrics" shows what metrics cost.
func BenchmarkTally(b *testing.B) {
	const tasks = 10_000
	for _, c := range []struct {
		name  string
		tally *tally
	}{{"metrics=off", nil}, {"metrics=on", newTally("bench", &watchers{})}} {
		b.Run(c.name, func(b *testing.B) {
			m := runningMachine(b, tasks, 1, 0)
			m.acks.reset()
			l := &loop{
				machine: m, decide: (*machine).step, watchers: &watchers{}, tally: c.tally, log: slog.New(slog.DiscardHandler),
				edges: &edges{}, timer: time.NewTimer(time.Hour), stream: 1,
			}
			l.tally.beginRun(time.Now(), m, nil)
			events := make([]*streamEvent, tasks)
			for i := range events {
				id := serviceSpec(i, 1).ID
				events[i] = &streamEvent{stream: 1, event: statusOf(m.tasks.byID[id].Info.AgentID, id, mesos.TASK_RUNNING, 0)}
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				in := *events[i%tasks]
				status := in.event.Update.Status
				status.Healthy = proto(i/tasks%2 == 0)
				status.UUID = binary.BigEndian.AppendUint64(status.UUID[:8], uint64(i))
				in.event.Update.Status = status
				l.step(b.Context(), in)
				out := l.acks.waiting[0]
				l.acks.pop(l.acks.waiting)
				l.step(b.Context(), callDone{stream: 1, call: out.call})
			}
			require.NotZero(b, m.tasks.version)
		})
	}
}
