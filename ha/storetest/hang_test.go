package storetest

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// hanging is a store whose medium may hang, with fields that make it a broken one.
type hanging struct {
	*plain
	turn chan struct{}
	hung chan struct{} // nil: it does not hang

	deaf    bool // it ignores contexts
	forgets bool // a call that is given up does not keep its turn: later ones overtake it
	keeps   bool // it goes on to use what it was given
	pleased bool // it returns nil when its context ends
}

func (h *hanging) hang() (resume func()) {
	hung := make(chan struct{})
	h.setHung(hung)
	return func() { h.setHung(nil); close(hung) }
}

func (h *hanging) setHung(hung chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.hung = hung
}

// takes is how long a call takes.
const takes = time.Millisecond

// call does something on the medium.
func (h *hanging) call(ctx context.Context, do func()) error {
	select {
	case h.turn <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	h.mu.Lock()
	done, hung := make(chan struct{}), h.hung
	h.mu.Unlock()
	go func() {
		if hung != nil {
			<-hung
			if h.forgets {
				time.Sleep(5 * takes)
			}
		}
		time.Sleep(takes)
		do()
		close(done)
		if !h.forgets || hung == nil {
			<-h.turn
		}
	}()
	end := ctx.Done()
	if h.deaf {
		end = nil
	}
	select {
	case <-done:
		return nil
	case <-end:
	}
	if h.forgets {
		<-h.turn
	}
	if h.pleased {
		return nil
	}
	return context.Cause(ctx)
}

func (h *hanging) Load(ctx context.Context) (map[string][]byte, error) {
	loaded := make(chan records, 1)
	if err := h.call(ctx, func() { h.mu.Lock(); defer h.mu.Unlock(); loaded <- cloned(h.records) }); err != nil {
		return nil, err
	}
	return <-loaded, nil
}

func (h *hanging) Apply(ctx context.Context, changes map[string][]byte) error {
	own := changes
	if !h.keeps {
		own = cloned(changes)
	}
	return h.call(ctx, func() { h.mu.Lock(); defer h.mu.Unlock(); put(h.records, own) })
}

func TestStoresThatHang(t *testing.T) {
	for name, test := range map[string]struct {
		breakIt func(*hanging)
		want    []string
	}{
		"right":                  {func(*hanging) {}, nil},
		"ignores its context":    {func(h *hanging) { h.deaf = true }, []string{"contexts end what hangs", "late writes come first"}},
		"returns nil":            {func(h *hanging) { h.pleased = true }, []string{"contexts end what hangs", "late writes come first"}},
		"writes out of turn":     {func(h *hanging) { h.forgets = true }, []string{"late writes come first"}},
		"uses what it was given": {func(h *hanging) { h.keeps = true }, []string{"late writes come first"}},
	} {
		t.Run(name, func(t *testing.T) {
			var failed []string
			for _, c := range hangChecks() {
				synctest.Test(t, func(t *testing.T) {
					h := &hanging{plain: newPlain(), turn: make(chan struct{}, 1)}
					test.breakIt(h)
					if err := c.run(t.Context(), h, h.hang); err != nil {
						failed = append(failed, c.name)
					}
					time.Sleep(time.Minute) // for what it has left behind
				})
			}
			require.Equal(t, test.want, failed)
		})
	}
}
