package scheduler

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"runtime"
	"strings"
	"testing"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/record"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// BenchmarkMemory measures the memory that a task takes, with 100,000 of them: Docker containers with everything that a service
// usually has. Counted is all that a machine keeps, with its agents, and beside it ("store-B/task") what a store in memory
// keeps of their records. Not counted are offers, calls and events: none is left when everything has been acknowledged.
//
// The tasks are equal except for their IDs, or have an environment that differs in one variable, or are of 100 services
// that have other ports, images and labels as well. Each has texts of its own, as if it had come from a file or over a network.
// Inspect is a status with the several KiB of "docker inspect" that the Docker executor puts into the data of TASK_RUNNING.
//
// It fails above 1.25 KiB. The memory that is reachable after a collection depends on the sizes of types, not on time or load:
//
//	go test ./scheduler -run - -bench 'Memory/' -benchtime 1x
func BenchmarkMemory(b *testing.B) {
	const tasks = 100_000
	for _, c := range []struct {
		specs string
		state task.State
		data  int
	}{
		{"equal", task.StateRunning, 0},
		{"env", task.StateRunning, 0},
		{"env", task.StateRunning, 8 << 10},
		{"services", task.StateRunning, 0},
		{"env", task.StatePending, 0},
		{"env", task.StateFinished, 0},
	} {
		name := fmt.Sprintf("specs=%s/state=%v", c.specs, c.state)
		if c.data > 0 {
			name += "/data=inspect"
		}
		b.Run(name, func(b *testing.B) {
			var machine, stored int64
			for range b.N {
				before := liveHeap()
				m := machineWith(b, tasks, c.state, specsLike(c.specs), c.data)
				machine += liveHeap() - before
				requireOnlyTasks(b, m, tasks, c.state)
				before = liveHeap()
				records := recordsOf(b, m)
				stored += liveHeap() - before
				runtime.KeepAlive(m)
				runtime.KeepAlive(records)
			}
			each := float64(machine) / float64(b.N) / tasks
			b.ReportMetric(each, "B/task")
			b.ReportMetric(float64(stored)/float64(b.N)/tasks, "store-B/task")
			require.Less(b, each, 1280.0)
			b.ReportMetric(0, "ns/op") // is about the making
		})
	}
}

// requireOnlyTasks checks that a machine keeps so many tasks in a state, and nothing else that grows with their number.
func requireOnlyTasks(b *testing.B, m *machine, tasks int, state task.State) {
	require.Equal(b, tasks, m.tasks.counts.states[state])
	require.Len(b, m.tasks.byID, tasks)
	require.Empty(b, m.pool.offers)
	require.Empty(b, m.timers.heap)
	require.Empty(b, m.acks.open)
	require.Empty(b, m.tasks.remembered.tasks)
	require.False(b, m.storage.journal.Pending())
}

// liveHeap returns the number of bytes that are reachable.
func liveHeap() int64 {
	runtime.GC()
	runtime.GC() // what the first one only finalized
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return int64(s.HeapAlloc)
}

// runningMachine returns a machine with n running and healthy tasks of alternating services, 100 on each agent.
func runningMachine(b *testing.B, n, services, data int) *machine {
	return machineWith(b, n, task.StateRunning, func(i int) task.Spec { return serviceSpec(i, services) }, data)
}

// machineWith returns a machine with n tasks that have come to a state: pending, running and healthy, or finished. There
// are 100 on each agent, each launched with an offer of its own.
func machineWith(b *testing.B, n int, state task.State, spec func(int) task.Spec, data int) *machine {
	now := time.Unix(1_800_000_000, 0)
	m := pendingMachine(now, 0, "", func(s *settings) { s.history = n })
	agents := max(1, n/100)
	for first := 0; first < n; first += agents {
		var offers []string
		for i := first; i < min(n, first+agents); i++ {
			m.step(now, submit{spec: spec(i).Clone()})
			offers = append(offers, fmt.Sprintf("66549417-1791-41bf-bebf-adeb5c1d4270-O%d@%s:0.1:128:%d-%[3]d", i, agentNumber(i%agents), 31000+i/agents))
		}
		if state == task.StatePending {
			continue
		}
		m.step(now, received(b, offersEvent(offersOf(offers))))
		m.step(now, wake{})
		for i := first; i < min(n, first+agents); i++ {
			id, agent := serviceSpec(i, 1).ID, m.tasks.byID[serviceSpec(i, 1).ID].Info.AgentID
			acknowledged(m, now, received(b, statusOf(agent, id, mesos.TASK_STARTING, 0)))
			running := statusOf(agent, id, mesos.TASK_RUNNING, data)
			running.Update.Status.Healthy = proto(true)
			acknowledged(m, now, received(b, running))
			if state == task.StateFinished {
				acknowledged(m, now, received(b, statusOf(agent, id, mesos.TASK_FINISHED, 0)))
			}
		}
		now = now.Add(time.Second) // after which no offer is held any longer
		m.step(now, wake{})
	}
	return m
}

func agentNumber(n int) string { return fmt.Sprintf("66549417-1791-41bf-bebf-adeb5c1d4270-S%d", n) }

// acknowledged is a step with an update, whose acknowledgement the master takes: until then it is kept.
func acknowledged(m *machine, now time.Time, update streamEvent) {
	for _, a := range m.step(now, update) {
		if s, is := a.(send); is && s.call.Acknowledge != nil {
			m.step(now, callDone{stream: 1, call: s.call})
			return
		}
	}
}

// received returns an event as it comes from the wire: it shares no memory with e.
func received(b *testing.B, e *scheduler.Event) streamEvent {
	frame, err := e.Marshal()
	require.NoError(b, err)
	e = new(scheduler.Event)
	require.NoError(b, e.Unmarshal(frame))
	return streamEvent{stream: 1, event: e}
}

func serviceSpec(n, services int) task.Spec {
	service := n % services // one after the other they differ in all but name and image
	return task.Spec{
		ID: fmt.Sprintf("shop-frontend.%08d-3f6c-4a86", n), CPUs: 0.1, Mem: 128,
		Ports:     []task.Port{{Container: uint16(8080 + service)}},
		Container: &task.Container{Image: "registry.example/shop/frontend:2.41.7", ForcePull: service%2 == 1},
		Command: task.Command{Env: map[string]string{
			"INSTANCE": fmt.Sprint("instance-", n), "JAVA_OPTS": "-Xmx96m -XX:+UseSerialGC", "STAGE": "production",
		}},
		HealthCheck: &task.HealthCheck{Interval: 10 * time.Second, GracePeriod: time.Minute + time.Duration(service)},
		Labels:      map[string]string{"team": "shop", "version": []string{"2.41.7", "2.41.8"}[service%2]},
	}
}

// specsLike returns the specs of BenchmarkMemory.
func specsLike(name string) func(int) task.Spec {
	return func(i int) task.Spec {
		var s task.Spec
		switch name {
		case "equal":
			s = serviceSpec(i, 1)
			s.Command.Env["INSTANCE"] = "any"
		case "env":
			s = serviceSpec(i, 1)
		case "services":
			s = serviceSpec(i, 100)
		}
		read, err := json.Marshal(s)
		if err == nil {
			s = task.Spec{}
			err = json.Unmarshal(read, &s)
		}
		if err != nil {
			panic(err)
		}
		return s
	}
}

// statusOf returns an update with the fields that a real agent sets.
func statusOf(agent, id string, state mesos.TaskState, data int) *scheduler.Event {
	uuid := fmt.Sprintf("%.16s", id[len(id)-16:])
	return &scheduler.Event{Type: scheduler.Event_UPDATE, Update: &scheduler.Event_Update{Status: mesos.TaskStatus{
		TaskID: mesos.TaskID{Value: id}, State: &state, Source: mesos.SOURCE_EXECUTOR.Enum(),
		AgentID: &mesos.AgentID{Value: agent}, ExecutorID: &mesos.ExecutorID{Value: id},
		Timestamp: proto(1795227559.83591), UUID: []byte(uuid[:15] + string(rune('a'+state))),
		Data: []byte(strings.Repeat("x", data)),
		ContainerStatus: &mesos.ContainerStatus{
			ContainerID: &mesos.ContainerID{Value: "df0bd4b5-185f-464f-bd61-e8a8c251a825"},
			NetworkInfos: []mesos.NetworkInfo{{IPAddresses: []mesos.NetworkInfo_IPAddress{{
				Protocol: mesos.IPv4.Enum(), IPAddress: proto("172.17.0.2"),
			}}}},
			ExecutorPID: proto(uint32(588)),
		},
	}}}
}

// BenchmarkTakeover measures what a member of an election does from the beginning of its term to the first RECONCILE, with
// 100,000 running tasks in a store in memory: it reads them, makes a machine of them, subscribes and asks about all of them.
// The store and the master take no time. Warm is a member that has them decoded, cold one that has not.
func BenchmarkTakeover(b *testing.B) {
	const tasks = 100_000
	for _, services := range []int{1, 100} {
		records := recordsOf(b, runningMachine(b, tasks, services, 0))
		settings := runningMachine(b, 0, 1, 0).settings
		for name, warm := range map[string]bool{"cold": false, "warm": true} {
			b.Run(fmt.Sprintf("services=%d/%s", services, name), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					b.StopTimer()
					known := &record.Cache{}
					if warm {
						known.Update(b.Context(), records.clone())
					}
					runtime.GC()
					b.StartTimer()
					m, err := load(b.Context(), newStoreTurn(records, &userCode{}), 2, known, settings)
					require.NoError(b, err)
					require.Equal(b, (tasks+reconcileBatch-1)/reconcileBatch, len(takeOver(b, m)))
				}
				b.ReportMetric(float64(sizeOf(records))/tasks, "B/task")
			})
		}
	}
}

// takeOver subscribes, and returns the calls that ask about all tasks.
func takeOver(b *testing.B, m *machine) []*scheduler.Call {
	now := time.Unix(1_900_000_000, 0)
	m.step(now, start{})
	m.step(now, stored{records: 1})
	m.step(now, streamOpened{stream: 1})
	heartbeat := 15.0
	m.step(now, received(b, &scheduler.Event{Type: scheduler.Event_SUBSCRIBED, Subscribed: &scheduler.Event_Subscribed{
		FrameworkID: &mesos.FrameworkID{Value: "fw"}, HeartbeatIntervalSeconds: &heartbeat,
	}}))
	require.True(b, m.conn.connected())
	return m.reconciliation.batches
}

// BenchmarkPreload measures what a member holds of each task while another one leads, beside the store's own bytes,
// and for comparison what the leader holds. It fails above 2 KiB, as that of the leader does.
func BenchmarkPreload(b *testing.B) {
	const tasks = 100_000
	for _, services := range []int{1, 100} {
		b.Run(fmt.Sprintf("services=%d", services), func(b *testing.B) {
			leading := liveHeap()
			m := runningMachine(b, tasks, services, 0)
			leading = liveHeap() - leading
			records := recordsOf(b, m)
			m = nil
			var following int64
			for range b.N {
				known, before := &record.Cache{}, liveHeap()
				known.Update(b.Context(), records)
				following += liveHeap() - before
				runtime.KeepAlive(known)
			}
			each := float64(following) / float64(b.N) / tasks
			b.ReportMetric(each, "B/task")
			b.ReportMetric(float64(sizeOf(records))/tasks, "stored-B/task")
			b.ReportMetric(float64(leading)/tasks, "leader-B/task")
			b.ReportMetric(0, "ns/op")
			require.Less(b, each, 2048.0)
		})
	}
}

// recordsOf returns the records of a machine.
func recordsOf(b *testing.B, m *machine) kept {
	records := kept{"framework": []byte(`{"version":2,"id":"fw"}`)}
	for id, e := range m.tasks.byID {
		changed, err := encodeChanges([]change{{id: id, task: e.snapshot()}})
		require.NoError(b, err)
		maps.Copy(records, changed)
	}
	return records
}

// kept is a store that is only read.
type kept map[string][]byte

// clone returns the same records in other memory.
func (k kept) clone() kept {
	records := maps.Clone(k)
	for key, value := range records {
		records[key] = bytes.Clone(value)
	}
	return records
}

func (k kept) Load(context.Context) (map[string][]byte, error) { return k, nil }

func (k kept) Apply(context.Context, map[string][]byte) error { return nil }

// rememberedRecords returns a store with what is left of n tasks, whose IDs have 36 bytes.
func rememberedRecords(b *testing.B, n int) kept {
	records := kept{"framework": []byte(`{"version":2,"id":"fw"}`)}
	for i := range n {
		id := fmt.Sprintf("66549417-1791-41bf-bebf-%012d", i)
		e := record.Ended{ID: id, State: task.StateFinished, At: time.Unix(1_800_000_000, int64(i)), Spec: uint64(i) * 0x9e3779b97f4a7c15}
		value, err := record.EncodeEnded(e)
		require.NoError(b, err)
		records[record.EndedKey(id)] = value
	}
	return records
}

// BenchmarkRemembered measures what is left of each task that has ended and is no longer in the history, with 100,000 of
// them, whose IDs have 36 bytes, and how long it takes to load them. With a limit they are kept in order as well. It fails if
// one takes more than the documentation of Config.RememberIDs says.
func BenchmarkRemembered(b *testing.B) {
	const tasks, ofID = 100_000, 36
	for name, keep := range map[string]Retention{"for ever": {}, "count": {Count: tasks}} {
		b.Run("keep="+name, func(b *testing.B) {
			records := rememberedRecords(b, tasks)
			settings := runningMachine(b, 0, 1, 0).settings
			settings.remember = keep
			var bytes int64
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				before := liveHeap()
				read := kept{}
				for key, value := range records {
					read[strings.Clone(key)] = value // the IDs are a part of the keys
				}
				b.StartTimer()
				m, err := load(b.Context(), newStoreTurn(read, &userCode{}), 2, &record.Cache{}, settings)
				require.NoError(b, err)
				require.Len(b, m.tasks.remembered.tasks, tasks)
				b.StopTimer()
				read = nil
				bytes += liveHeap() - before
				runtime.KeepAlive(m)
				b.StartTimer()
			}
			memory, stored := float64(bytes)/float64(b.N)/tasks, float64(sizeOf(records))/tasks
			b.ReportMetric(memory, "B/task")
			b.ReportMetric(stored, "stored-B/task")
			require.Less(b, stored, 95.0+ofID)
			require.Less(b, memory, 105.0+ofID)
		})
	}
}
