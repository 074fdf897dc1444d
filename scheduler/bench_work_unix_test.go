//go:build unix

package scheduler_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"runtime"
	"runtime/pprof"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// BenchmarkWorkPerTask is the processor time that a client takes for each task from its submission until the master has the last
// acknowledgement of its TASK_RUNNING: of this scheduler, and of a loop on mesos-go, by turns. The fake master is a process of its own, on
// loopback, whose own time is told beside it. All figures are medians of the rounds; the ratio is that of the medians.
//
//	go test ./scheduler -run '^$' -bench WorkPerTask -benchtime 10x
//
// The profile of one client alone: -cpuprofile cpu.out, and go tool pprof -tagfocus client=ours cpu.out.
func BenchmarkWorkPerTask(b *testing.B) {
	const tasks = 10_000
	clients := []struct {
		name string
		make func(b *testing.B, master string) framework
		all  works
	}{{name: "mesosgo", make: newMesosGo}, {name: "ours", make: newOurs}}
	for round := range b.N {
		for turn := range clients {
			c := &clients[(round+turn)%len(clients)]
			pprof.Do(b.Context(), pprof.Labels("client", c.name), func(context.Context) { c.all = append(c.all, workFor(b, tasks, c.make)) })
		}
	}
	b.ReportMetric(0, "ns/op") // the time that passes says nothing
	for i := range clients {
		c := &clients[i]
		own, master, allocated := c.all.medians()
		b.ReportMetric(float64(own.Nanoseconds())/1e3/tasks, c.name+"-µs/task")
		b.ReportMetric(float64(master.Nanoseconds())/1e3/tasks, "fake-with-"+c.name+"-µs/task")
		b.ReportMetric(float64(allocated)/tasks, c.name+"-allocs/task")
	}
	theirs, _, _ := clients[0].all.medians()
	own, _, _ := clients[1].all.medians()
	b.ReportMetric(float64(theirs)/float64(own), "mesosgo/ours")
}

// work is what a number of tasks has cost.
type work struct {
	own, master time.Duration // processor time of this process, and of the master's
	allocated   uint64        // by this process
}

type works []work

func (all works) medians() (own, master time.Duration, allocated uint64) {
	return median(all, func(w work) time.Duration { return w.own }), median(all, func(w work) time.Duration { return w.master }),
		median(all, func(w work) uint64 { return w.allocated })
}

func median[T time.Duration | uint64](all works, of func(work) T) T {
	values := make([]T, len(all))
	for i, w := range all {
		values[i] = of(w)
	}
	slices.Sort(values)
	return values[len(values)/2]
}

// workFor measures one cluster with one client.
func workFor(b *testing.B, tasks int, client func(*testing.B, string) framework) (w work) {
	master := startMaster(b, tasks)
	defer master.end()
	ctx, cancel := context.WithCancel(b.Context())
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	c := client(b, master.Address)
	subscribed := make(chan struct{})
	running.Go(func() { c.run(ctx, subscribed) })
	<-subscribed
	specs := benchSpecs(tasks)
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	master.tell(b, masterBegins)

	began := processorTime(b)
	require.NoError(b, c.submit(ctx, specs))
	end := master.hear(b)
	w.own, w.master = processorTime(b)-began, end.Processor

	runtime.ReadMemStats(&after)
	w.allocated = after.Mallocs - before.Mallocs
	require.Empty(b, end.Wrong)
	return w
}

// masterProcess is a process with a fake master, which TestMasterProcess is. It ends with its standard input, and so with this process.
type masterProcess struct {
	command *exec.Cmd
	to      io.WriteCloser
	from    *json.Decoder
	Address string
}

// masterSays is a line of a master's process: first its address, then the answer to masterBegins, then what the tasks have cost it.
type masterSays struct {
	Address   string
	Processor time.Duration
	Wrong     string // what is not as it should be in the end
}

// masterBegins is a line for a master's process: the tasks come now.
const masterBegins = "begin\n"

func startMaster(b *testing.B, tasks int) *masterProcess {
	m := &masterProcess{command: exec.Command(os.Args[0], "-test.run", "^TestMasterProcess$")}
	m.command.Env = append(os.Environ(), "BENCH_MASTER="+strconv.Itoa(tasks))
	m.command.Stderr = os.Stderr
	to, err := m.command.StdinPipe()
	require.NoError(b, err)
	from, err := m.command.StdoutPipe()
	require.NoError(b, err)
	require.NoError(b, m.command.Start())
	m.to, m.from = to, json.NewDecoder(from)
	b.Cleanup(m.end) // should the benchmark fail before it is ended
	m.Address = m.hear(b).Address
	return m
}

// end ends the process, once.
func (m *masterProcess) end() {
	_ = m.command.Process.Kill()
	_ = m.command.Wait()
}

func (m *masterProcess) tell(b *testing.B, line string) {
	_, err := io.WriteString(m.to, line)
	require.NoError(b, err)
	m.hear(b)
}

func (m *masterProcess) hear(b *testing.B) (says masterSays) {
	require.NoError(b, m.from.Decode(&says), "the process with the master has ended")
	return says
}

// TestMasterProcess is no test: it is the process with the master.
func TestMasterProcess(t *testing.T) {
	tasks, _ := strconv.Atoi(os.Getenv("BENCH_MASTER"))
	if tasks == 0 {
		t.Skip("not started by a benchmark")
	}
	say := func(s masterSays) { require.NoError(t, json.NewEncoder(os.Stdout).Encode(s)) }
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	master, address, acknowledged := runBenchMaster(ctx, t, &running, tasks)
	say(masterSays{Address: address})
	lines := bufio.NewReader(os.Stdin)
	if _, err := lines.ReadString('\n'); err != nil {
		return
	}
	runtime.GC()
	began := processorTime(t)
	say(masterSays{})
	ended := make(chan struct{})
	running.Go(func() {
		defer close(ended)
		_, _ = io.Copy(io.Discard, lines)
	})
	select {
	case <-acknowledged:
	case <-ended:
		return
	}
	say(masterSays{Processor: processorTime(t) - began, Wrong: notRunning(master, tasks)})
	<-ended
}
