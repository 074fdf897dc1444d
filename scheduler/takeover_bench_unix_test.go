//go:build unix

package scheduler_test

import (
	"context"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/ha"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/record"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// BenchmarkSubscribe measures the time from the opening of a store with 100,000 running tasks until the master has received
// SUBSCRIBE, of a process that was started anew and has to open a file, and of a follower that has the records and has
// decoded them, over loopback TCP. Specs are those of one service, or differ in a variable of the environment, as
// they do if each instance has a name. It reports the processor time as well, and how much of all that is OpenFile.
func BenchmarkSubscribe(b *testing.B) {
	const tasks = 100_000
	for _, specs := range []string{"equal", "different"} {
		file := filepath.Join(b.TempDir(), specs)
		records := runningRecords(b, tasks, specs == "different")
		applyAll(b, file, records)
		b.Run("from=file/specs="+specs, func(b *testing.B) {
			var opening time.Duration
			toSubscribe(b, func() scheduler.Store {
				began := time.Now()
				store, err := ha.OpenFile(file)
				require.NoError(b, err)
				b.Cleanup(func() { _ = store.Close() })
				opening += time.Since(began)
				return store
			}, nil)
			b.ReportMetric(float64(opening.Milliseconds())/float64(b.N), "open-ms/op")
		})
		b.Run("from=replica/specs="+specs, func(b *testing.B) {
			toSubscribe(b, func() scheduler.Store { return copied(records) }, records)
		})
	}
}

// toSubscribe measures a scheduler on a store that is opened then. It has followed records before, if there are any.
func toSubscribe(b *testing.B, open func() scheduler.Store, followed map[string][]byte) {
	var used time.Duration
	b.StopTimer()
	for range b.N {
		subscribed := make(chan struct{}, 1)
		master := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			select {
			case subscribed <- struct{}{}:
			default:
			}
			<-r.Context().Done()
		}))
		s, err := scheduler.New(scheduler.Config{
			Master: master.URL, Framework: scheduler.Framework{Name: "bench"}, AdoptRecords: true, Logger: slog.New(slog.DiscardHandler),
		})
		require.NoError(b, err)
		if followed != nil {
			s.Preload(b.Context(), iter.Seq[map[string][]byte](slices.Values([]map[string][]byte{copied(followed)})))
		}
		ctx, cancel := context.WithCancel(b.Context())
		ended := make(chan error, 1)
		runtime.GC()

		before := processorTime(b)
		b.StartTimer()
		store := open()
		go func() { ended <- s.Lead(ctx, scheduler.Term{Number: 1, Store: store}) }()
		select {
		case <-subscribed:
		case err := <-ended:
			b.Fatal(err)
		}
		b.StopTimer()
		used += processorTime(b) - before

		cancel()
		require.ErrorIs(b, <-ended, context.Canceled)
		master.Close()
		if c, is := store.(interface{ Close() error }); is {
			require.NoError(b, c.Close())
		}
	}
	b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms/op")
	b.ReportMetric(float64(used.Milliseconds())/float64(b.N), "cpu-ms/op")
	b.ReportMetric(0, "ns/op")
}

// copied is a store in memory. As that of a member of a cluster, it returns copies of its records.
type copied map[string][]byte

func (c copied) Load(context.Context) (map[string][]byte, error) {
	records := maps.Clone(c)
	for key, value := range records {
		records[key] = slices.Clone(value)
	}
	return records, nil
}

func (c copied) Apply(context.Context, map[string][]byte) error { return nil }

func applyAll(b *testing.B, file string, records map[string][]byte) {
	store, err := ha.OpenFile(file)
	require.NoError(b, err)
	part := map[string][]byte{}
	for key, value := range records {
		if part[key] = value; len(part) == 2000 {
			require.NoError(b, store.Apply(b.Context(), part))
			clear(part)
		}
	}
	require.NoError(b, store.Apply(b.Context(), part))
	require.NoError(b, store.Close())
}

// runningRecords returns the records of a framework with n running tasks, 100 on each agent, with what services usually have.
func runningRecords(b *testing.B, n int, different bool) map[string][]byte {
	at := time.Unix(1_800_000_000, 0)
	framework, err := record.EncodeFramework(record.Framework{State: record.Active, ID: "fw"})
	require.NoError(b, err)
	records := map[string][]byte{record.FrameworkKey: framework}
	for i := range n {
		id, agent := fmt.Sprintf("shop-frontend.%08d-3f6c-4a86", i), fmt.Sprintf("66549417-1791-41bf-bebf-adeb5c1d4270-S%d", i/100)
		state := mesos.TASK_RUNNING
		info := task.Info{
			Spec: task.Spec{
				ID: id, CPUs: 0.1, Mem: 128, Ports: []task.Port{{Container: 8080}},
				Container:   &task.Container{Image: "registry.example/shop/frontend:2.41.7"},
				Command:     task.Command{Env: map[string]string{"JAVA_OPTS": "-Xmx96m -XX:+UseSerialGC", "STAGE": "production"}},
				HealthCheck: &task.HealthCheck{Interval: 10 * time.Second, GracePeriod: time.Minute},
				Labels:      map[string]string{"team": "shop", "version": "2.41.7"},
			},
			State: task.StateRunning, AgentID: agent, Hostname: "agent.example", HostPorts: []uint16{uint16(31000 + i%100)},
			Healthy: ptr(true), Version: uint64(at.UnixMicro()) + uint64(i), Submitted: at, Updated: at.Add(time.Second),
			Status: &mesos.TaskStatus{
				TaskID: mesos.TaskID{Value: id}, State: &state, Source: mesos.SOURCE_EXECUTOR.Enum(), AgentID: &mesos.AgentID{Value: agent},
				ExecutorID: &mesos.ExecutorID{Value: id}, Timestamp: ptr(1795227559.83591), UUID: []byte("0123456789abcdef"), Healthy: ptr(true),
				ContainerStatus: &mesos.ContainerStatus{
					ContainerID:  &mesos.ContainerID{Value: "df0bd4b5-185f-464f-bd61-e8a8c251a825"},
					NetworkInfos: []mesos.NetworkInfo{{IPAddresses: []mesos.NetworkInfo_IPAddress{{IPAddress: ptr("172.17.0.2")}}}},
					ExecutorPID:  ptr(uint32(588)),
				},
			},
			IPs: []string{"172.17.0.2"},
		}
		if different {
			info.Spec.Command.Env["INSTANCE"] = fmt.Sprint("instance-", i)
		}
		t := record.Task{
			Info:   record.NewInfo(info),
			Agent:  &task.Agent{ID: agent, Hostname: "agent.example", Address: "agent.example:5051"},
			Serial: i, Confirmed: true, UUIDs: record.UUIDs{1<<63 + uint64(i), 1<<62 + uint64(i)},
		}
		for _, state := range []task.State{task.StatePending, task.StateStaging, task.StateStarting, task.StateRunning} {
			t.History = t.History.Add(task.Transition{At: at.Add(time.Duration(state) * time.Second), State: state, AgentID: agent, Hostname: "agent.example"}, at,
				record.Place{AgentID: agent, Hostname: "agent.example"})
		}
		records[record.SpecKey(id)], err = record.EncodeSpec(&info.Spec)
		require.NoError(b, err)
		records[record.TaskKey(id)], err = record.EncodeTask(&t)
		require.NoError(b, err)
	}
	return records
}

func ptr[T any](v T) *T { return &v }
