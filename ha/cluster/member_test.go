package cluster

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestThreeMembersElect(t *testing.T) {
	inBubble(t, func(w *world) {
		for i := 1; i <= 3; i++ {
			w.start(i)
		}
		began := time.Now()
		first := w.leader(20 * time.Second)
		t.Logf("member %d leads after %v", first, time.Since(began))
		time.Sleep(10 * time.Second)
		require.Equal(t, []int{first}, w.leaders())
		for _, r := range w.members {
			t.Logf("%+v", r.Status())
		}
		require.NoError(t, w.check())
	})
}
