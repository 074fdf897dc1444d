package examples

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/mesosfake"
)

const (
	batchSize     = 200
	batchParallel = 50
)

// TestBatchRunnerKilled builds the batch runner outside the repository and kills it four times with SIGKILL, while some
// tasks fail: each command finishes once, and at most 50 run at a time.
func TestBatchRunnerKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds a program and takes seconds")
	}
	program, output, err := buildOutside(t, copied(t, "batchrunner"))
	require.NoError(t, err, output)
	cluster := mesosfake.Start(t, mesosfake.Config{Listen: "127.0.0.1:0", Agents: make([]mesosfake.Agent, 4)})
	most := watchParallel(t, cluster)
	b := &batchRun{T: t, program: program, cluster: cluster, store: filepath.Join(t.TempDir(), "batch.db")}

	for kill := 1; kill <= 4; kill++ {
		p := b.start()
		b.await(func(now mesosfake.Snapshot) bool { return finished(now) >= kill*batchSize/5 })
		b.killTasks(2)
		require.NoError(t, p.Process.Kill())
		require.Error(t, p.Wait())
	}
	require.NoError(t, b.start().Wait(), &b.said)
	now := cluster.Snapshot()
	require.Empty(t, batchFaults(now), &b.said)
	require.Len(t, now.Removed, 1, "one framework all the time, which was torn down")
	require.Empty(t, now.Frameworks)
	require.GreaterOrEqual(t, len(now.Tasks), batchSize+8, "tasks that failed were tried again")
	require.LessOrEqual(t, most(), batchParallel)
	require.Greater(t, most(), 1)

	require.NoError(t, b.start().Wait(), &b.said)
	require.Len(t, cluster.Snapshot().Tasks, len(now.Tasks), "started once more it runs nothing")
}

// batchRun is one batch, over several processes.
type batchRun struct {
	*testing.T
	program, store string
	cluster        *mesosfake.Cluster
	said           bytes.Buffer
}

// start starts the program with 200 commands.
func (b *batchRun) start() *exec.Cmd {
	var commands strings.Builder
	for i := range batchSize {
		fmt.Fprintf(&commands, "sleep 0.%d\n", 1+i%9)
	}
	p := exec.Command(b.program, "-master", b.cluster.Master(), "-store", b.store)
	p.Stdin, p.Stdout, p.Stderr = strings.NewReader(commands.String()), &b.said, &b.said
	require.NoError(b, p.Start())
	b.Cleanup(func() { _ = p.Process.Kill() }) // of a test that failed
	return p
}

func (b *batchRun) await(is func(mesosfake.Snapshot) bool) {
	ctx, cancel := context.WithTimeout(b.Context(), time.Minute)
	defer cancel()
	require.NoError(b, b.cluster.Await(ctx, is), &b.said)
}

// killTasks kills the first attempts of the commands that were launched last. The program tries them again.
func (b *batchRun) killTasks(n int) {
	for _, task := range slices.Backward(running(b.cluster.Snapshot())) {
		if n > 0 && strings.HasSuffix(task.ID, "-attempt-1") {
			require.NoError(b, b.cluster.KillTask(task.ID))
			n--
		}
	}
	require.Zero(b, n)
}

// batchFaults says where it is not true that of each command's attempts one has finished, and that none ran twice.
func batchFaults(now mesosfake.Snapshot) (faults []string) {
	launches, successes := map[string]int{}, map[string]int{}
	for _, task := range now.Tasks {
		launches[task.ID]++
		if task.Running {
			faults = append(faults, task.ID+" still runs")
		}
		if launches[task.ID] > 1 {
			faults = append(faults, task.ID+" was launched again")
		}
		if task.State == "TASK_FINISHED" {
			command, _, _ := strings.Cut(task.ID, "-attempt-")
			successes[command]++
		}
	}
	for i := range batchSize {
		if command := fmt.Sprint("line-", i+1); successes[command] != 1 {
			faults = append(faults, fmt.Sprintf("%s has finished %d times", command, successes[command]))
		}
	}
	return faults
}

// The control of batchFaults.
func TestBatchFaultsControl(t *testing.T) {
	var good mesosfake.Snapshot
	for i := range batchSize {
		good.Tasks = append(good.Tasks, mesosfake.TaskState{ID: fmt.Sprintf("line-%d-attempt-1", i+1), State: "TASK_FINISHED"})
	}
	require.Empty(t, batchFaults(good))
	for fault, change := range map[string]func(tasks []mesosfake.TaskState) []mesosfake.TaskState{
		"line-200 has finished 0 times": func(tasks []mesosfake.TaskState) []mesosfake.TaskState { return tasks[:batchSize-1] },
		"line-1 has finished 0 times": func(tasks []mesosfake.TaskState) []mesosfake.TaskState {
			tasks[0].State = "TASK_FAILED"
			return tasks
		},
		"line-1 has finished 2 times": func(tasks []mesosfake.TaskState) []mesosfake.TaskState {
			return append(tasks, mesosfake.TaskState{ID: "line-1-attempt-2", State: "TASK_FINISHED"})
		},
		"line-1-attempt-1 was launched again": func(tasks []mesosfake.TaskState) []mesosfake.TaskState {
			return append(tasks, mesosfake.TaskState{ID: "line-1-attempt-1", State: "TASK_LOST"})
		},
		"line-1-attempt-2 still runs": func(tasks []mesosfake.TaskState) []mesosfake.TaskState {
			return append(tasks, mesosfake.TaskState{ID: "line-1-attempt-2", State: "TASK_UNREACHABLE", Running: true})
		},
	} {
		require.Equal(t, []string{fault}, batchFaults(mesosfake.Snapshot{Tasks: change(slices.Clone(good.Tasks))}))
	}
}

func finished(now mesosfake.Snapshot) (n int) {
	for _, task := range now.Tasks {
		if task.State == "TASK_FINISHED" {
			n++
		}
	}
	return n
}

func running(now mesosfake.Snapshot) (tasks []mesosfake.TaskState) {
	for _, task := range now.Tasks {
		if task.Running {
			tasks = append(tasks, task)
		}
	}
	return tasks
}

// watchParallel counts how many tasks run at once, at each change of the cluster. It returns what returns the most.
func watchParallel(t *testing.T, cluster *mesosfake.Cluster) (most func() int) {
	counts := make(chan int, 1)
	counts <- 0
	go func() {
		_ = cluster.Await(context.WithoutCancel(t.Context()), func(now mesosfake.Snapshot) bool {
			counts <- max(<-counts, len(running(now)))
			return false // until the cluster ends
		})
	}()
	return func() int {
		n := <-counts
		counts <- n
		return n
	}
}

// The runner of 200 commands is what the documentation says it is: 120 lines at most.
func TestBatchRunnerIsShort(t *testing.T) {
	source, err := os.ReadFile("batchrunner/main.go")
	require.NoError(t, err)
	require.LessOrEqual(t, bytes.Count(source, []byte("\n")), 120)
}
