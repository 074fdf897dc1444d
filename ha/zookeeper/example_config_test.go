package zookeeper_test

import (
	"errors"
	"fmt"

	"github.com/mesos-actor/mesos-actor-go/ha/zookeeper"
)

// A program names the flag that has the wrong value.
func ExampleConfigError() {
	_, err := zookeeper.New(zookeeper.Config{Address: "zk1,zk2"})
	var config *zookeeper.ConfigError
	if errors.As(err, &config) {
		fmt.Printf("--%s %s\n", map[string]string{"Address": "election", "ID": "member-id"}[config.Field], config.Reason)
	}
	// Output: --election must begin with zk://
}
