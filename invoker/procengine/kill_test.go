//go:build linux

package procengine

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"hash/crc32"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/invoker"
)

// killCount returns how often a process is killed: usual times, or what the environment says.
func killCount(t *testing.T, usual int) int {
	if n, err := strconv.Atoi(os.Getenv("KILLS")); err == nil {
		return n
	}
	if testing.Short() {
		return 3
	}
	return usual
}

// sleeper returns the configuration of an engine whose containers sleep. The time that they sleep for tells them from all other
// processes, whatever the engine thinks of them.
func sleeper(dir string) (cfg Config, mark string) {
	mark = fmt.Sprintf("1%015d", os.Getpid())
	if parts := strings.Split(filepath.Base(dir), "-"); len(parts) == 2 { // in the process that embeds the engine
		mark = parts[1]
	}
	cfg = Config{Dir: dir, Kinds: map[string][]string{"sleep": {"sleep", mark}}}
	cfg.MinPort, cfg.MaxPort = ownPorts(mark)
	return cfg, mark
}

// ownPorts returns a range of ports for a test whose engine is killed. A container that does not listen yet loses its port when its engine
// dies: an engine of another test that runs at the same time could take it, and the next one would kill the container.
func ownPorts(of string) (first, last int) {
	const ranges, each = 80, 120
	first = 20000 + int(crc32.ChecksumIEEE([]byte(of))%ranges)*each
	return first, first + each - 1
}

// marked returns the numbers of all processes with the mark among their arguments.
func marked(t *testing.T, mark string) []int {
	names, err := filepath.Glob("/proc/[0-9]*/cmdline")
	require.NoError(t, err)
	var pids []int
	for _, name := range names {
		line, _ := os.ReadFile(name) // it may have ended
		if bytes.Contains(line, []byte("\x00"+mark+"\x00")) {
			pid, err := strconv.Atoi(filepath.Base(filepath.Dir(name)))
			require.NoError(t, err)
			pids = append(pids, pid)
		}
	}
	return pids
}

// processes returns the numbers of the first processes of all containers that an engine lists.
func processes(e *Engine) []int {
	e.mu.Lock()
	defer e.mu.Unlock()
	pids := []int{}
	for _, c := range e.containers {
		pids = append(pids, c.state.Process.PID)
	}
	return pids
}

// embedEngine is a program that embeds an engine. It starts, suspends and destroys containers until it is killed, and says what it is
// about to do and what it has done.
func embedEngine(dir string) {
	cfg, _ := sleeper(dir)
	e, err := New(cfg)
	if err != nil {
		fmt.Println("failed", err)
		return
	}
	ctx := context.Background()
	adopted, err := e.Instances(ctx)
	if err != nil {
		fmt.Println("failed", err)
		return
	}
	fmt.Println("ready")
	var workers sync.WaitGroup
	for w := range 3 {
		workers.Go(func() {
			var own []string
			for i := w; i < len(adopted); i += 3 {
				own = append(own, adopted[i].ID)
			}
			for n := 0; ; n++ {
				if len(own) > 4 {
					fmt.Println("destroying", own[0])
					if err := e.Destroy(ctx, own[0]); err != nil {
						fmt.Println("failed", err)
					}
					fmt.Println("destroyed", own[0])
					own = own[1:]
				}
				id := fmt.Sprintf("c-%d-%d-%d", os.Getpid(), w, n)
				fmt.Println("creating", id)
				if _, err := e.Create(ctx, id, invoker.Spec{Shape: invoker.Shape{Kind: "sleep"}}); err != nil {
					fmt.Println("failed", err)
				}
				fmt.Println("created", id)
				own = append(own, id)
				if n%3 == 0 {
					if err := e.Suspend(ctx, id); err != nil {
						fmt.Println("failed", err)
					}
				}
			}
		})
	}
	workers.Wait()
}

// A process that embeds an engine is killed at any moment: the next engine finds every container that was created and not
// destroyed, and no process runs that it does not list.
func TestEngineKilledAnywhere(t *testing.T) {
	dir := filepath.Join(t.TempDir(), fmt.Sprintf("engine-1%015d", os.Getpid()))
	cfg, mark := sleeper(dir)
	t.Cleanup(func() { destroyAll(t, cfg) })
	random := rand.New(rand.NewPCG(9, 10))
	must := map[string]bool{} // what runs: true certainly, false perhaps
	total := 0
	for range killCount(t, 15) {
		created := runAndKill(t, dir, time.Duration(random.IntN(40_000))*time.Microsecond, must)
		e, err := New(cfg)
		require.NoError(t, err)
		list, err := e.Instances(t.Context())
		require.NoError(t, err)
		listed := map[string]bool{}
		for _, in := range list {
			_, known := must[in.ID]
			require.True(t, known, "%s is listed, and was destroyed or never created", in.ID)
			listed[in.ID] = true
		}
		for id, certain := range must {
			require.True(t, listed[id] || !certain, "%s is lost", id)
		}
		require.Subset(t, processes(e), marked(t, mark), "an orphan runs")
		maps.DeleteFunc(must, func(id string, _ bool) bool { return !listed[id] })
		require.NoError(t, e.Close())
		total += created
	}
	t.Logf("%d containers created", total)
	destroyAll(t, cfg)
	require.Empty(t, marked(t, mark))
}

// destroyAll destroys what the last engine has left.
func destroyAll(t *testing.T, cfg Config) {
	e, err := New(cfg)
	require.NoError(t, err)
	list, err := e.Instances(context.Background())
	require.NoError(t, err)
	for _, in := range list {
		require.NoError(t, e.Destroy(context.Background(), in.ID))
	}
	require.NoError(t, e.Close())
}

// runAndKill runs a process that embeds an engine, kills it some time after it has begun, and notes what it said. It returns
// how many containers were created.
func runAndKill(t *testing.T, dir string, after time.Duration, must map[string]bool) (created int) {
	cmd := exec.Command(os.Args[0], "engine", dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	lines := bufio.NewScanner(out)
	require.True(t, lines.Scan())
	require.Equal(t, "ready", lines.Text())
	time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
	for lines.Scan() {
		what, id, complete := strings.Cut(lines.Text(), " ")
		require.True(t, complete)
		switch what {
		case "creating", "destroying":
			must[id] = false
		case "created":
			must[id] = true
			created++
		case "destroyed":
			delete(must, id)
		default:
			t.Fatal(lines.Text())
		}
	}
	require.Error(t, cmd.Wait(), "it was killed")
	return created
}
