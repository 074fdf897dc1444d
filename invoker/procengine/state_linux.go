package procengine

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// state is the file of a container by which it is found again. It is written when its process runs, and when that has ended.
type state struct {
	Incarnation string
	Process     identity
	Port        int
	Memory      int // MiB
	Labels      map[string]string
	Started     time.Time
	Ended       time.Time // zero while it may run
}

const stateFile = "state.json"

// errNoState is returned for a container whose process may not have been started, or was not on record yet.
var errNoState = errors.New("there is no complete state file")

// readState reads the state file of a container's directory.
func readState(dir string) (state, error) {
	data, err := os.ReadFile(filepath.Join(dir, stateFile))
	if errors.Is(err, fs.ErrNotExist) {
		return state{}, errNoState
	}
	if err != nil {
		return state{}, err
	}
	var s state
	// Only a crash of the machine leaves an incomplete one behind: then none of its processes runs any more.
	if err := json.Unmarshal(data, &s); err != nil || s.Process.PID <= 0 {
		return state{}, fmt.Errorf("%w: %v", errNoState, err)
	}
	return s, nil
}

// write replaces the state file. It is not forced to the disk: a crash of the machine ends the process as well.
func (s state) write(dir string) error {
	data, err := json.Marshal(s)
	if err != nil {
		return err
	}
	name := filepath.Join(dir, stateFile)
	if err := os.WriteFile(name+".new", data, 0o600); err != nil {
		return err
	}
	return os.Rename(name+".new", name)
}
