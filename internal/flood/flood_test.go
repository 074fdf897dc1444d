package flood

import (
	"bufio"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var duration = flag.Duration("flood", 2*time.Second, "for how long each flood lasts")

// most is how much memory a process may take, in KiB, unless the flood says otherwise: 512 MiB.
const most = 512 << 10

// TestFlood is in each row a flood of events, and a process with a scheduler whose largest resident set is asserted.
func TestFlood(t *testing.T) {
	if runtime.GOOS != "linux" || testing.Short() || raceDetector {
		t.Skip("needs Linux's /proc, several seconds for each flood, and no race detector")
	}
	for _, f := range floods() {
		t.Run(f.name, func(t *testing.T) {
			peak, sent := f.run(t, *duration)
			t.Logf("| %s | %d | %d MB | %d MB |", f.name, sent.events, sent.bytes>>20, peak>>10)
			require.Less(t, peak, max(most, f.most), "KiB, the peak of the resident set")
		})
	}
}

// TestFloodControl is the negative test: what a process keeps shows in the peak.
func TestFloodControl(t *testing.T) {
	if runtime.GOOS != "linux" || testing.Short() || raceDetector {
		t.Skip("needs Linux's /proc, and no race detector")
	}
	control := flood{name: hoarder, events: 1, pause: 10 * time.Millisecond, frames: largeMessages}
	peak, _ := control.run(t, 2*time.Second)
	for d := 4 * time.Second; peak <= most && d < time.Minute; d *= 2 { // on a slow machine it takes longer
		peak, _ = control.run(t, d)
	}
	require.Greater(t, peak, most)
}

// hoarder is the name of a flood in which the process keeps all that it is sent.
const hoarder = "hoarder"

// run runs a process for as long as the flood lasts, and returns its peak in KiB, and what it was sent.
func (f flood) run(t *testing.T, d time.Duration) (peak int, sent sent) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	m := newMaster(l, f)
	child := exec.Command(os.Args[0], "-test.run", "^TestSchedulerProcess$")
	child.Env = append(os.Environ(), "FLOOD_MASTER="+l.Addr().String(), "FLOOD="+f.name)
	child.Stderr = os.Stderr
	stdin, err := child.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, child.Start())
	select {
	case <-m.subscribed:
	case <-time.After(time.Minute):
		t.Error("the scheduler did not subscribe")
	}
	time.Sleep(d)
	peak = peakOf(t, child.Process.Pid)
	stdin.Close()
	sent = m.close()
	require.NoError(t, child.Wait())
	return peak, sent
}

// peakOf returns the largest resident set that a process has had, in KiB.
func peakOf(t *testing.T, pid int) int {
	file, err := os.Open(fmt.Sprintf("/proc/%d/status", pid))
	require.NoError(t, err)
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if text, ok := strings.CutPrefix(lines.Text(), "VmHWM:"); ok {
			n, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(text), " kB"))
			require.NoError(t, err)
			return n
		}
	}
	require.Fail(t, "no VmHWM")
	return 0
}
