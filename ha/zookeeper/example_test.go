package zookeeper_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"

	"github.com/mesos-actor/mesos-actor-go/ha/zookeeper"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// A member that runs a scheduler in each term that it wins.
func Example() {
	run := func(ctx context.Context, s *scheduler.Scheduler) error {
		e, err := zookeeper.New(zookeeper.Config{
			Address: "zk://user:password@zk1,zk2,zk3/frameworks/mine",
			ID:      "host7",
			API:     "https://host7:8080",
			// Nobody else reads the password then.
			DialContext: (&tls.Dialer{Config: &tls.Config{MinVersion: tls.VersionTLS13}}).DialContext,
		})
		if err != nil {
			return err
		}
		return e.Run(ctx, s.Lead)
	}
	_ = run
}

func ExampleNew() {
	e, err := zookeeper.New(zookeeper.Config{Address: "zk://user:password@zk1,zk2/frameworks/mine", ID: "host7"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(e)
	_, err = zookeeper.New(zookeeper.Config{Address: "zk://user:password@zk1,zk2"})
	fmt.Println(err)
	// Output:
	// zk://zk1:2181,zk2:2181/frameworks/mine
	// ha/zookeeper: Address "zk://***@zk1,zk2" must have a path after the hosts, such as /mesos
}

func ExampleElector_Watch() {
	e, err := zookeeper.New(zookeeper.Config{Address: "zk://zk1/frameworks/mine", ID: "host7"})
	if err != nil {
		fmt.Println(err)
		return
	}
	for s := range e.Watch(context.Background()) {
		fmt.Printf("%s sees %q lead: %s\n", s.Self, s.Leader, s.Reason)
		break
	}
	// Output: host7 sees "" lead: not running
}

func ExampleFencedError() {
	var err error = &zookeeper.FencedError{Term: 4294967298, Err: errors.New("its node is gone")}
	fmt.Println(err)
	// Output: ha/zookeeper: term 4294967298 is over: its node is gone
}

func ExampleRecordError() {
	fmt.Println(&zookeeper.RecordError{Key: "spec/web", Size: 2_000_000, Reason: "a znode takes at most 1030530"})
	// Output: ha/zookeeper: record "spec/web" of 2000000 bytes: a znode takes at most 1030530
}
