package mesosengine_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/invoker"
	"github.com/mesos-actor/mesos-actor-go/invoker/mesosengine"
	"github.com/mesos-actor/mesos-actor-go/mesosfake"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// inEngine runs a test with an engine and one container.
func inEngine(t *testing.T, cluster mesosfake.Config, test func(w *world, in invoker.Instance)) {
	synctest.Test(t, func(t *testing.T) {
		w := open(t, mesosengine.Config{MasterURL: "http://master.example"}, cluster)
		in, err := w.Create(t.Context(), "c", invoker.Spec{Shape: invoker.Shape{Image: image, Memory: 64}, Labels: map[string]string{"invoker.owner": "o"}})
		require.NoError(t, err)
		test(w, in)
	})
}

// readAt returns what is at an offset, and the size of the stream.
func (w *world) readAt(in invoker.Instance, offset int64) (string, int64, error) {
	buf := make([]byte, 16)
	n, size, err := w.ReadOutput(w.Context(), in, invoker.Stdout, offset, buf)
	return string(buf[:n]), size, err
}

// Offsets go on over rotations, and what was rotated away unread is told.
func TestRotation(t *testing.T) {
	inEngine(t, mesosfake.Config{}, func(w *world, in invoker.Instance) {
		write := func(text string) { require.NoError(t, w.WriteOutput(in.ID, "stdout", []byte(text))) }
		rotate := func() { require.NoError(t, w.RotateOutput(in.ID, "stdout")) }
		holds := func(offset int64, want string, size int64) {
			t.Helper()
			text, got, err := w.readAt(in, offset)
			require.NoError(t, err)
			require.Equal(t, want, text)
			require.Equal(t, size, got)
		}
		write("0123456789")
		holds(0, "0123456789", 10)
		holds(10, "", 10)
		write("abc")
		rotate() // what was not read yet is in the file before
		write("de")
		holds(10, "abc", 15)
		holds(13, "de", 15)
		holds(15, "", 15)
		holds(20, "", 15)
		holds(3, "3456789abc", 15)
		write("fghij")
		rotate()
		holds(15, "fghij", 20)
		holds(20, "", 20)
		write("xyz")
		holds(20, "xyz", 23)

		var gone *invoker.OutputGoneError
		_, _, err := w.readAt(in, 3) // two files ago
		require.ErrorAs(t, err, &gone)
		require.EqualValues(t, 13, gone.From)
		holds(gone.From, "defghij", 23)

		write(strings.Repeat("y", 97)) // 100 bytes, of which 3 were seen
		holds(120, "", 120)
		rotate()
		rotate() // the rest of it is lost
		write("new")
		_, _, err = w.readAt(in, 110)
		require.ErrorAs(t, err, &gone)
		require.EqualValues(t, 121, gone.From, "a byte at least")
		holds(gone.From, "new", 124)
	})
}

// Why there is no output tells whether to try again.
func TestNoOutput(t *testing.T) {
	inEngine(t, mesosfake.Config{}, func(w *world, in invoker.Instance) {
		require.NoError(t, w.SetAgentAPI("agent1.example", false))
		_, _, err := w.readAt(in, 0)
		require.ErrorIs(t, err, invoker.ErrUnavailable)
		require.NoError(t, w.SetAgentAPI("agent1.example", true))
		require.NoError(t, w.RemoveSandbox(in.ID))
		_, _, err = w.readAt(in, 0)
		require.Error(t, err)
		require.NotErrorIs(t, err, invoker.ErrUnavailable)
		require.Equal(t, fmt.Sprintf("task c on agent %s at http://master.example", in.Agent), w.OutputLink(in))
	})
}

// What is told of an agent that cannot be reached, and of a container there that is given up meanwhile.
func TestWatchUnreachable(t *testing.T) {
	inEngine(t, mesosfake.Config{AgentTimeout: 10 * time.Second}, func(w *world, in invoker.Instance) {
		agents := func() int {
			list, err := w.Agents(w.Context())
			require.NoError(t, err)
			return len(list)
		}
		require.Equal(t, 1, agents())
		var told []string
		changes := w.Watch(w.Context())
		go func() {
			for c := range changes {
				told = append(told, fmt.Sprint(c.ID, " ", c.State, " ", c.Err))
			}
		}()
		wait := func(want ...string) {
			t.Helper()
			time.Sleep(20 * time.Second)
			synctest.Wait()
			require.Equal(t, want, told)
			told = nil
		}
		require.NoError(t, w.LoseAgent("agent1.example"))
		wait(fmt.Sprint("c ", invoker.Unreachable, " <nil>"))
		require.Zero(t, agents(), "nothing can be started there")
		list, err := w.Instances(w.Context())
		require.NoError(t, err)
		require.Equal(t, []invoker.Instance{in}, list, "it may run")
		for c := range w.Watch(w.Context()) {
			require.Equal(t, invoker.Unreachable, c.State, "another watcher is told of it, too")
			break
		}
		require.NoError(t, w.ReturnAgent("agent1.example"))
		wait(fmt.Sprint("c ", invoker.Reachable, " <nil>"))
		require.Equal(t, 1, agents())
		require.NoError(t, w.LoseAgent("agent1.example"))
		wait(fmt.Sprint("c ", invoker.Unreachable, " <nil>"))
		require.NoError(t, w.scheduler.Forget(w.Context(), "c"))
		wait(fmt.Sprint("c ", invoker.Gone, " ", invoker.ErrUnavailable))
		require.NoError(t, w.ReturnAgent("agent1.example"))
		wait()
		require.Zero(t, w.running(), "what nobody knows is killed")
	})
}

// A watch goes on with the next run of the scheduler, which may have missed something.
func TestWatchOverRuns(t *testing.T) {
	inEngine(t, mesosfake.Config{}, func(w *world, in invoker.Instance) {
		changes := w.Watch(w.Context())
		told := make(chan invoker.Change)
		go func() {
			for c := range changes {
				told <- c
			}
		}()
		synctest.Wait() // until it watches
		w.stop()
		w.run()
		require.Equal(t, invoker.Lagged, (<-told).State)
		go func() { require.NoError(t, w.Destroy(w.Context(), in.ID)) }()
		require.Equal(t, in.ID, (<-told).ID)
	})
}

// A process that does not lead reads what a container prints, of which it knows what the leader has told it, while nobody leads.
func TestOutputIsReadWithoutARunningScheduler(t *testing.T) {
	inEngine(t, mesosfake.Config{}, func(w *world, in invoker.Instance) {
		listed, err := w.Instances(w.Context())
		require.NoError(t, err)
		require.Equal(t, in.Output, listed[0].Output)
		require.NoError(t, w.WriteOutput(in.ID, "stdout", []byte("0123456789")))
		w.stop()
		w.stop = func() {}
		s, err := scheduler.New(scheduler.Config{Master: w.master, Framework: scheduler.Framework{Name: "invoker"}, DialContext: w.DialContext})
		require.NoError(t, err)
		w.Engine, err = mesosengine.New(s, mesosengine.Config{})
		require.NoError(t, err)
		began := time.Now()
		text, size, err := w.readAt(in, 4)
		require.NoError(t, err)
		require.Equal(t, "456789", text)
		require.EqualValues(t, 10, size)
		require.Zero(t, time.Since(began))

		require.NoError(t, w.SetAgentAPI("agent1.example", false))
		_, _, err = w.readAt(in, 4)
		require.ErrorIs(t, err, invoker.ErrUnavailable)
		in.Output = "{"
		_, _, err = w.readAt(in, 4)
		require.ErrorContains(t, err, "the output of c")
	})
}
