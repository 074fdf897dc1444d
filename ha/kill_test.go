package ha

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// child returns a command that runs the named test in a process of its own, with the path in its environment.
func child(t *testing.T, test, path string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], "-test.run=^"+test+"$", "-test.timeout=60s")
	cmd.Env = append(os.Environ(), childPath+"="+path)
	return cmd
}

const childPath = "HA_TEST_CHILD_PATH"

// numbered returns the records after batch n. The batch overwrites all rows, adds one record and deletes another.
func numbered(n int) map[string][]byte {
	records := map[string][]byte{"last": []byte(strconv.Itoa(n))}
	for row := range 8 {
		records[fmt.Sprintf("row-%d", row)] = []byte(strings.Repeat(strconv.Itoa(n)+" ", n*37%500))
	}
	for old := max(1, n-4); old <= n; old++ {
		records[fmt.Sprintf("batch-%d", old)] = []byte(strconv.Itoa(old))
	}
	return records
}

// applyNumbered applies batch after batch, from where the store is, and writes each number once it is durable.
func applyNumbered(path string, acknowledged io.Writer) error {
	f, err := OpenFile(path)
	if err != nil {
		return err
	}
	ctx := context.Background()
	records, err := f.Load(ctx)
	if err != nil {
		return err
	}
	for n, _ := strconv.Atoi(string(records["last"])); err == nil; {
		n++
		changes := numbered(n)
		changes[fmt.Sprintf("batch-%d", n-5)] = nil
		if err = f.Apply(ctx, changes); err == nil {
			_, err = fmt.Fprintln(acknowledged, n)
		}
	}
	return err
}

// A process that is killed at any moment leaves every batch that it acknowledged, perhaps the next one, and no part of
// another. Its lock ends with it.
func TestKilledAnywhere(t *testing.T) {
	if path := os.Getenv(childPath); path != "" {
		t.Fatal(applyNumbered(path, os.Stdout))
	}
	path := filepath.Join(t.TempDir(), "store")
	random := rand.New(rand.NewPCG(9, 10))
	last, kills := 0, 30
	if testing.Short() {
		kills = 5
	}
	for range kills {
		cmd := child(t, t.Name(), path)
		cmd.Stderr = os.Stderr
		stdout, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		lines := bufio.NewReader(stdout)
		acknowledge := func() bool {
			line, err := lines.ReadString('\n')
			if err != nil { // killed, perhaps in the middle of the line
				return false
			}
			n, err := strconv.Atoi(strings.TrimSpace(line))
			require.NoError(t, err)
			require.Greater(t, n, last)
			last = n
			return true
		}
		for range 1 + random.IntN(8) {
			require.True(t, acknowledge())
		}
		_, err = OpenFile(path)
		require.ErrorIs(t, err, ErrLocked)
		for range random.IntN(5000) { // until some point of an Apply
			runtime.Gosched()
		}
		require.NoError(t, cmd.Process.Kill())
		for acknowledge() {
		}
		require.Error(t, cmd.Wait())

		f := openFile(t, path)
		records := load(t, f)
		require.NoError(t, f.Close())
		n, err := strconv.Atoi(string(records["last"]))
		require.NoError(t, err)
		require.Contains(t, []int{last, last + 1}, n)
		require.Equal(t, numbered(n), records)
		last = n
	}
}
