package invoker

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// badReader is an engine whose methods about output panic.
type badReader struct{ *printer }

func (badReader) ReadOutput(context.Context, Instance, Stream, int64, []byte) (int, int64, error) {
	panic("no output today")
}

func (badReader) OutputLink(Instance) string { panic("no link either") }

// An engine that panics when output is read costs the logs, and nothing else.
func TestReaderThatPanics(t *testing.T) {
	inLogWorld(t, func(t *testing.T, w *logWorld) {
		w.reader, w.linker = carefulReader{badReader{w.printer}}, badReader{w.printer}
		began := time.Now()
		logs := w.activation("c", "a\n"+mark, mark)
		require.Equal(t, "!The output of the container could not be read.\n", lines(t.Context(), logs))
		require.Less(t, time.Since(began), time.Minute)
	})
	c := newLogCollector(badReader{newPrinter()}, nil)
	_, _, err := c.reader.ReadOutput(t.Context(), Instance{}, Stdout, 0, nil)
	require.EqualError(t, err, "invoker: panic in the engine's ReadOutput: no output today")
	require.Empty(t, linkTo(c.linker, Instance{}))
}
