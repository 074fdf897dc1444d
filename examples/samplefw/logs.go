package main

import (
	"bytes"
	"context"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/mesos-actor/mesos-actor-go/controlapi"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// reading is what "samplefw logs" was asked for.
type reading struct {
	remote
	output
	follow, stderr bool
	tail           int
}

func logsCommand() *cobra.Command {
	var r reading
	cmd := &cobra.Command{
		Use:     "logs ID",
		GroupID: groupUse,
		Short:   "Prints the output of a task",
		Long: `Prints what a task has written, which its agent keeps for a while after its end. On a terminal what is not printable is
escaped; elsewhere the output is as it is. With "-o json" each part is a line: {"offset": 0, "data": "aGVsbG8K"}, in base64.`,
		Example: `  samplefw logs web-1
  samplefw logs web-1 --stderr --tail 20 -f`,
		Args: oneID,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := check(cmd, r.output.rule(), rule{r.tail >= -1, "--tail %d (lines, or -1 for all)", r.tail}); err != nil {
				return err
			}
			c, err := r.client(cmd)
			if err != nil {
				return err
			}
			return advised(r.run(cmd, c, args[0]))
		},
		ValidArgsFunction: r.firstID,
	}
	grouped(cmd, "Which output", func(f *pflag.FlagSet) {
		f.BoolVarP(&r.follow, "follow", "f", false, "go on with what the task writes, until it has ended")
		f.BoolVar(&r.stderr, "stderr", false, "the standard error in place of the standard output")
		f.IntVar(&r.tail, "tail", -1, "how many of the last `LINES`; -1: all")
	})
	r.output.flags(cmd, "text")
	r.remote.flags(cmd)
	return cmd
}

func (r *reading) run(cmd *cobra.Command, c *controlapi.Client, id string) error {
	ctx, o := cmd.Context(), scheduler.LogOptions{Follow: r.follow}
	if r.stderr {
		o.Stream = "stderr"
	}
	to := cmd.OutOrStdout()
	if terminal(to) != nil && !r.json() {
		to = &printable{to: to}
	}
	if r.tail >= 0 {
		var err error
		if o.Offset, err = offsetOfLines(ctx, c, id, o.Stream, r.tail); err != nil {
			return err
		}
	}
	first := true
	for chunk, err := range c.Logs(ctx, id, o) {
		switch {
		case err != nil && ctx.Err() != nil:
			return nil // interrupted
		case err != nil:
			return err
		case r.json():
			err = printJSON(to, chunk)
		default:
			if chunk.Rotated && !first {
				fmt.Fprintln(cmd.ErrOrStderr(), "samplefw: the output was rotated; what is missing here is in older files on the agent")
			}
			_, err = to.Write(chunk.Data)
		}
		if err != nil {
			return err
		}
		first = false
	}
	return nil
}

// The end of an output is searched for lines: so many bytes of it at first, and at most.
const (
	firstTail = 16 << 10
	mostTail  = 16 << 20
)

// offsetOfLines returns where the last lines of an output begin. If they are very long it is where the last 16 MiB begin.
func offsetOfLines(ctx context.Context, c *controlapi.Client, id, stream string, lines int) (int64, error) {
	for size := int64(firstTail); ; size *= 4 {
		var text bytes.Buffer
		begin := int64(-1)
		for chunk, err := range c.Logs(ctx, id, scheduler.LogOptions{Stream: stream, Offset: -size, Limit: size}) {
			if err != nil {
				return 0, err
			}
			if begin < 0 || chunk.Rotated {
				text.Reset()
				begin = chunk.Offset
			}
			text.Write(chunk.Data)
		}
		if at := lastLines(text.Bytes(), lines); at > 0 || begin <= 0 || size >= mostTail {
			return max(begin, 0) + int64(at), nil
		}
	}
}

// lastLines returns where the last lines of a text begin. 0: it has not more than these.
func lastLines(text []byte, lines int) int {
	if lines == 0 {
		return len(text)
	}
	end := len(text)
	if bytes.HasSuffix(text, []byte("\n")) {
		end--
	}
	for ; lines > 0; lines-- {
		if end = bytes.LastIndexByte(text[:max(end, 0)], '\n'); end < 0 {
			return 0
		}
	}
	return end + 1
}
