package scheduler_test

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"os"

	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// copyOutput writes the output of a task, such as Logs returns it, and returns the offset at which a later call goes on.
func copyOutput(to io.Writer, chunks iter.Seq2[scheduler.LogChunk, error], offset int64) (next int64, err error) {
	for chunk, err := range chunks {
		var failed *scheduler.LogError
		switch {
		case errors.As(err, &failed) && failed.Code == scheduler.CodeAgentAway:
			return offset, fmt.Errorf("try again later: %s", failed.Reason)
		case err != nil:
			return offset, err
		case chunk.Rotated:
			fmt.Fprintln(to, "[a new file]")
		}
		if _, err := to.Write(chunk.Data); err != nil {
			return offset, err
		}
		offset = chunk.Offset + int64(len(chunk.Data))
	}
	return offset, nil
}

// Output that is read in parts, over a rotation of the file, until the agent cannot be reached.
func ExampleLogChunk() {
	read := func(yield func(scheduler.LogChunk, error) bool) { // stands for Scheduler.Logs
		_ = yield(scheduler.LogChunk{Offset: 4096, Data: []byte("the end of a file\n")}, nil) &&
			yield(scheduler.LogChunk{Offset: 0, Data: []byte("the next one\n"), Rotated: true}, nil) &&
			yield(scheduler.LogChunk{}, &scheduler.LogError{ID: "web-1", Code: scheduler.CodeAgentAway, Reason: "its agent is away"})
	}
	next, err := copyOutput(os.Stdout, read, 4096)
	fmt.Println("next offset:", next)
	fmt.Println(err)
	// Output:
	// the end of a file
	// [a new file]
	// the next one
	// next offset: 13
	// try again later: its agent is away
}
