package record

import (
	"fmt"
	"testing"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// service returns a running task with everything that a service usually has; 100 of them are on an agent. Alike ones
// differ only in the ID.
func service(n int, alike bool) plainTask {
	id, at := fmt.Sprintf("shop-frontend.%08d-3f6c-4a86", n), sampleTime()
	agent := &task.Agent{
		ID:         fmt.Sprintf("66549417-1791-41bf-bebf-adeb5c1d4270-S%d", n/100),
		Hostname:   fmt.Sprintf("agent%d.example", n/100),
		Attributes: []mesos.Attribute{{Name: "rack", Type: mesos.TEXT, Text: &mesos.Value_Text{Value: "r1"}}},
	}
	env := map[string]string{"JAVA_OPTS": "-Xmx96m -XX:+UseSerialGC", "STAGE": "production"}
	if !alike {
		env["INSTANCE"] = fmt.Sprint("instance-", n)
	}
	status := sampleStatus(id)
	status.AgentID.Value = agent.ID
	return plainTask{
		Info: task.Info{
			Spec: task.Spec{
				ID: id, CPUs: 0.1, Mem: 128, Ports: []task.Port{{Container: 8080}},
				Container:   &task.Container{Image: "registry.example/shop/frontend:2.41.7"},
				Command:     task.Command{Env: env},
				HealthCheck: &task.HealthCheck{Interval: 10 * time.Second, GracePeriod: time.Minute},
				Labels:      map[string]string{"team": "shop", "version": "2.41.7"},
			},
			State: task.StateRunning, AgentID: agent.ID, Hostname: agent.Hostname,
			HostPorts: []uint16{uint16(31000 + n%100)}, Healthy: ptr(true), Status: status,
			Submitted: at, Updated: at.Add(time.Minute),
		},
		Task: Task{Agent: agent, Serial: n, Confirmed: true, UUIDs: UUIDs{18184680332034465271, 18184680332034465265}},
	}
}

// BenchmarkDecode decodes the store of 100,000 running tasks, in the form of either version, and for
// comparison with the code of version 1. B/task is all that is stored of one.
func BenchmarkDecode(b *testing.B) {
	const n = 100_000
	old := newBaseline()
	for _, alike := range []bool{true, false} {
		name := map[bool]string{true: "alike", false: "different"}[alike]
		b.Run("tasks="+name, func(b *testing.B) {
			first, second := map[string][]byte{}, map[string][]byte{}
			var err error
			for i := range n {
				t := service(i, alike)
				id := t.Info.Spec.ID
				first[TaskKey(id)], err = old.encode(&t, 1)
				require.NoError(b, err)
				second[SpecKey(id)], err = EncodeSpec(&t.Info.Spec)
				require.NoError(b, err)
				second[TaskKey(id)], err = EncodeTask(t.task())
				require.NoError(b, err)
			}
			b.Run("version=1/code=baseline", func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					var tasks []plainTask
					for _, value := range first {
						t, err := old.decode(value)
						require.NoError(b, err)
						tasks = append(tasks, t)
					}
					require.Len(b, tasks, n)
				}
				b.ReportMetric(size(first)/n, "B/task")
			})
			for version, records := range map[int]map[string][]byte{1: first, 2: second} {
				b.Run(fmt.Sprintf("version=%d/code=record", version), func(b *testing.B) {
					b.ReportAllocs()
					for b.Loop() {
						_, tasks, err := decodeAll(records)
						require.NoError(b, err)
						require.Len(b, tasks, n)
					}
					b.ReportMetric(size(records)/n, "B/task")
				})
			}
		})
	}
}

func size(records map[string][]byte) (bytes float64) {
	for _, value := range records {
		bytes += float64(len(value))
	}
	return bytes
}

// BenchmarkEncode encodes a change of a task's state. B/record is what is written.
func BenchmarkEncode(b *testing.B) {
	t, old := service(1, false), newBaseline()
	for name, encode := range map[string]func() ([]byte, error){
		"version=1/code=baseline": func() ([]byte, error) { return old.encode(&t, 1) },
		"version=2/code=record":   func() ([]byte, error) { return EncodeTask(t.task()) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			var value []byte
			for b.Loop() {
				var err error
				value, err = encode()
				require.NoError(b, err)
			}
			b.ReportMetric(float64(len(value)), "B/record")
		})
	}
}
