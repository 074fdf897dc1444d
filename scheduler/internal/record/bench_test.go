package record

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// service is a running task with what a service usually has, 100 of them on an agent. Alike ones differ
// in nothing but the ID.
func service(n int, alike bool) Task {
	t := fullTask(fmt.Sprintf("shop-frontend.%08d-3f6c-4a86", n))
	env := map[string]string{"JAVA_OPTS": "-Xmx96m -XX:+UseSerialGC", "STAGE": "production"}
	if !alike {
		env["INSTANCE"] = fmt.Sprint("instance-", n)
	}
	t.Info.Spec = task.Spec{
		ID: t.Info.Spec.ID, CPUs: 0.1, Mem: 128, Ports: []task.Port{{Container: 8080}},
		Container:   &task.Container{Image: "registry.example/shop/frontend:2.41.7"},
		Command:     task.Command{Env: env},
		HealthCheck: &task.HealthCheck{Interval: 10 * 1e9, GracePeriod: 60 * 1e9},
		Labels:      map[string]string{"team": "shop", "version": "2.41.7"},
	}
	a := task.Agent{ID: fmt.Sprintf("66549417-1791-41bf-bebf-adeb5c1d4270-S%d", n/100), Hostname: fmt.Sprintf("agent%d.example", n/100)}
	a.Attributes = sampleAgent().Attributes[:1]
	t.Agent, t.Info.AgentID, t.Info.Hostname = &a, a.ID, a.Hostname
	t.Info.Status.AgentID = &mesos.AgentID{Value: a.ID}
	t.Info.HostPorts = []uint16{uint16(31000 + n%100)}
	t.Serial, t.Lost, t.Killing = n, 0, false
	t.UUIDs[2], t.UUIDs[3] = 0, 0
	t.UUIDs[0], t.UUIDs[1] = 18184680332034465271, 18184680332034465265
	t.UnknownSince = t.UnknownSince.Truncate(0)
	return t
}

// BenchmarkDecode decodes a store of 100,000 running tasks, beside the code for version 1 with the same
// tasks. B/record is what a change of state writes, B/task all that is stored of a task.
func BenchmarkDecode(b *testing.B) {
	const n = 100_000
	for name, alike := range map[string]bool{"alike": true, "different": false} {
		old, records := newBaseline(), map[string][]byte{}
		before := map[string][]byte{}
		size, sizeBefore := 0, 0
		for i := range n {
			t := service(i, alike)
			spec, err := EncodeSpec(&t.Info.Spec)
			require.NoError(b, err)
			state, err := EncodeTask(&t)
			require.NoError(b, err)
			whole, err := old.encode(&t, 1)
			require.NoError(b, err)
			id := t.Info.Spec.ID
			records[SpecKey(id)], records[TaskKey(id)], before[TaskKey(id)] = spec, state, whole
			size, sizeBefore = size+len(spec)+len(state), sizeBefore+len(whole)
		}
		b.Run("tasks="+name+"/version=1/code=baseline", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				tasks := make([]Task, 0)
				for _, value := range before {
					t, err := old.decode(value)
					require.NoError(b, err)
					tasks = append(tasks, t)
				}
			}
			b.ReportMetric(float64(sizeBefore)/n, "B/task")
		})
		for _, c := range []struct {
			version int
			records map[string][]byte
			size    int
		}{{1, before, sizeBefore}, {2, records, size}} {
			b.Run(fmt.Sprintf("tasks=%s/version=%d/code=record", name, c.version), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					_, tasks, err := Decode(c.records)
					require.NoError(b, err)
					require.Len(b, tasks, n)
				}
				b.ReportMetric(float64(c.size)/n, "B/task")
			})
		}
	}
}

// BenchmarkEncode encodes a change of a task's state.
func BenchmarkEncode(b *testing.B) {
	t, old := service(1, false), newBaseline()
	for name, encode := range map[string]func() ([]byte, error){
		"version=1/code=baseline": func() ([]byte, error) { return old.encode(&t, 1) },
		"version=2/code=record":   func() ([]byte, error) { return EncodeTask(&t) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			size := 0
			for b.Loop() {
				value, err := encode()
				require.NoError(b, err)
				size = len(value)
			}
			b.ReportMetric(float64(size), "B/record")
		})
	}
}
