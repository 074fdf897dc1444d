package cluster_test

import (
	"context"
	"fmt"

	"github.com/mesos-actor/mesos-actor-go/ha"
	"github.com/mesos-actor/mesos-actor-go/ha/cluster"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// One member alone, in memory: the function that leads gets a store that outlives its term.
func ExampleMember() {
	member, err := cluster.New(cluster.Config{Name: "example", Expect: 1, Preset: cluster.PresetLocal})
	if err != nil {
		fmt.Println(err)
		return
	}
	err = member.Run(context.Background(), func(ctx context.Context, t scheduler.Term) error {
		if err := t.Confirm(ctx); err != nil {
			return err
		}
		if err := t.Store.Apply(ctx, map[string][]byte{"key": []byte("value")}); err != nil {
			return err
		}
		records, err := t.Store.Load(ctx)
		fmt.Printf("%s %v\n", records["key"], err)
		return nil // and is not to be called again
	})
	fmt.Println(err, member.Status().Leader == "")
	// Output:
	// value <nil>
	// <nil> true
}

// Errors of a term's store and Confirm say when another member leads.
func ExampleFencedError() {
	var err error = &cluster.FencedError{Term: 7, Err: context.Canceled}
	fmt.Println(err)
	// Output: ha/cluster: term 7 is over: context canceled
}

// A config that cannot work is refused, with the name of its field.
func ExampleNew() {
	_, err := cluster.New(cluster.Config{Name: "example", Preset: cluster.PresetLocal, Expect: 2})
	fmt.Println(err)
	var _ ha.Elector = (*cluster.Member)(nil)
	// Output: ha/cluster: Config.Expect "2" must be 1, 3 or 5
}
