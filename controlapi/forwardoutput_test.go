package controlapi_test

import (
	"context"
	"iter"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/controlapi"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// outputs is a framework whose tasks write a number each second.
type outputs struct {
	controlapi.Framework
	of *scheduler.Scheduler
}

func (o outputs) Logs(ctx context.Context, id string, options scheduler.LogOptions) iter.Seq2[scheduler.LogChunk, error] {
	return func(yield func(scheduler.LogChunk, error) bool) {
		for offset := options.Offset; ; offset++ {
			if _, err := o.of.Task(ctx, id); err != nil { // also when the term ends
				yield(scheduler.LogChunk{}, err)
				return
			}
			if !yield(scheduler.LogChunk{Offset: offset, Data: []byte{'0' + byte(offset%10)}}, nil) || options.Limit > 0 && offset == options.Offset+options.Limit-1 {
				return
			}
			select {
			case <-time.After(time.Second):
			case <-ctx.Done():
				yield(scheduler.LogChunk{}, context.Cause(ctx))
				return
			}
		}
	}
}

// Output that is followed goes on where it was when the leader dies or hands over, whichever member is asked.
func TestOutputOverAChangeOfTheLeader(t *testing.T) {
	schedulers := map[int]*scheduler.Scheduler{}
	config := func(i int, c *controlapi.Config) {
		schedulers[i] = c.Framework.(tapped).Scheduler
		c.Framework = outputs{c.Framework, schedulers[i]}
	}
	for _, asked := range []string{"leader", "follower", "any"} {
		for _, how := range []string{"dies", "hands over"} {
			inFleetWith(t, config, func(t *testing.T, f *fleet) {
				ctx, cancel := within(time.Hour)
				defer cancel()
				_, err := f.client.Launch(ctx, spec("web"))
				require.NoError(t, err)
				c := map[string]*controlapi.Client{"leader": f.newClient(apiOf(f.leader().n), apiOf(f.follower().n)), "follower": f.at(f.follower()), "any": f.client}[asked]
				defer c.Close()
				time.AfterFunc(9500*time.Millisecond, func() {
					if how == "dies" {
						f.leader().kill()
					} else {
						f.election.HandOver()
					}
				})
				var text []byte
				for chunk, err := range c.Logs(ctx, "web", scheduler.LogOptions{Offset: 5, Limit: 40, Follow: true}) {
					require.NoError(t, err, "%s %s, after %q", asked, how, text)
					require.EqualValues(t, 5+len(text), chunk.Offset)
					text = append(text, chunk.Data...)
				}
				require.Equal(t, "5678901234567890123456789012345678901234", string(text))

				for _, err := range c.Logs(ctx, "nobody", scheduler.LogOptions{}) {
					require.ErrorIs(t, err, scheduler.ErrUnknownTask)
				}
				ctx, cancel = within(3500 * time.Millisecond)
				defer cancel()
				var last error
				for _, last = range c.Logs(ctx, "web", scheduler.LogOptions{Follow: true}) {
				}
				require.ErrorIs(t, last, context.DeadlineExceeded)
				synctest.Wait()
			})
		}
	}
}
