package invoker_test

import (
	"context"
	"fmt"
	"time"

	"github.com/mesos-actor/mesos-actor-go/invoker"
)

// away is the control of a leader that is not reached.
type away struct{}

var _ invoker.Control = away{}

func (away) Renew(context.Context, invoker.Renewal) (invoker.Renewed, error) {
	return invoker.Renewed{}, invoker.ErrNotLeading
}

func (away) Acquire(context.Context, invoker.Demand) (invoker.Grant, error) {
	return invoker.Grant{}, invoker.ErrNotLeading
}

func (away) Report(context.Context, invoker.Report) error { return invoker.ErrNotLeading }

func (away) Notices(context.Context, string, uint64) ([]invoker.Notice, error) {
	return nil, invoker.ErrNotLeading
}

func (away) End(context.Context, string) error { return invoker.ErrNotLeading }

// A dispatcher runs activations whoever leads. While nobody does, and it holds no container of the action, callers wait as long as their
// contexts let them.
func ExampleDispatcher() {
	d, err := invoker.NewDispatcher(invoker.DispatcherConfig{Control: away{}, Name: "example"})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- d.Run(ctx) }()
	call, cancel := context.WithTimeout(ctx, 10*time.Millisecond)
	defer cancel()
	action := &invoker.Action{Namespace: "guest", Name: "/guest/hello", Kind: "nodejs:20"}
	_, err = d.Invoke(call, action, invoker.Activation{})
	fmt.Println(err)
	var stats invoker.DispatcherStats = d.Stats()
	fmt.Println(stats.Held, "containers,", stats.Waiting, "callers")
	stop()
	fmt.Println(<-ended)
	// Output:
	// invoker: no leader is known: context deadline exceeded
	// 0 containers, 0 callers
	// context canceled
}

// The outcome of what was sent goes with the grant, which is given back.
func ExampleReport() {
	grant := invoker.Grant{GrantID: invoker.GrantID{Container: "demo-1-1", Number: invoker.FirstNotice(1) + 7}}
	outcome := map[bool]invoker.Outcome{true: invoker.Reuse, false: invoker.Crashed}
	report := invoker.Report{
		Session: "made-up-at-random", Epoch: grant.Epoch(),
		Released: []invoker.Released{{GrantID: grant.GrantID, Outcome: outcome[true]}},
	}
	fmt.Println(report.Epoch, report.Released[0].Container, report.Released[0].Outcome)
	// Output: 1 demo-1-1 reuse
}

// What a session holds is told to each new leader.
func ExampleFirstOf() {
	var control invoker.Control = invoker.FirstOf(away{}, away{})
	held := []invoker.Held{{GrantID: invoker.GrantID{Container: "demo-1-1", Number: 7}, Initialised: true}}
	_, err := control.Renew(context.Background(), invoker.Renewal{Session: "made-up-at-random", Open: true, Held: held})
	fmt.Println(err, invoker.SessionTTL)
	// Output: invoker: no leader is known 10s
}
