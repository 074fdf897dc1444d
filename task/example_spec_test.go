package task_test

import (
	"encoding/json"
	"fmt"
	"log"
	"time"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// A web service in a container of Mesos' own runtime, with most of what a task can have.
func ExampleSpec() {
	web := task.Spec{
		ID: "web-1", Name: "web", Group: "web", Role: "shop",
		CPUs: 0.5, Mem: 256, Disk: 100,
		Limits: &task.Limits{CPUs: task.Unlimited, Mem: 512},
		Ports:  []task.Port{{Name: "http", Container: 8080}},
		Container: &task.Container{
			Containerizer: task.ContainerizerMesos, Image: "shop/web:1.4", Network: task.NetworkBridge,
			Volumes: []task.Volume{
				{Path: "/etc/ssl/certs", HostPath: "/etc/ssl/certs", ReadOnly: true},
				{Path: "/run/key", Secret: &task.Secret{Name: "shop/web", Key: "tls"}},
			},
		},
		Command: task.Command{
			Argv:    []string{"--listen", ":8080"},
			Env:     map[string]string{"LOG_LEVEL": "info"},
			Secrets: map[string]task.Secret{"DB_PASSWORD": {Name: "shop/db", Key: "password"}},
			URIs:    []task.URI{{Value: "https://config.example/web.tar.gz", Extract: true}},
		},
		HealthCheck: &task.HealthCheck{HTTP: &task.HTTPGet{Path: "/healthz"}, Interval: 5 * time.Second},
		Check:       &task.Check{Command: &task.CheckCommand{Argv: []string{"cat", "/tmp/queue-length"}}},
		KillPolicy:  &task.KillPolicy{GracePeriod: 20 * time.Second},
		Discovery:   &task.Discovery{Visibility: task.VisibilityCluster, Version: "v1.4"},
		Constraints: []task.Constraint{
			{Attribute: task.AttributeHostname, Operator: task.OpUnique},
			{Attribute: "rack", Operator: task.OpLike, Value: "r[12]"},
		},
		Labels: map[string]string{"team": "blue"},
	}
	fmt.Println("valid:", web.Validate() == nil)
	fmt.Println("run by", web.Container.RunBy(), "on network", web.Container.Attached(), "with mapped ports:", web.Mapped())
	fmt.Println("password:", web.Command.Secrets["DB_PASSWORD"])
	fmt.Println(web.Constraints[0], "and", web.Constraints[1])
	// Output:
	// valid: true
	// run by mesos on network bridge with mapped ports: true
	// password: secret "shop/db", key "password"
	// hostname UNIQUE and rack LIKE r[12]
}

// A Docker container with an option of docker run, a network of the operator's and ports that need no host ports.
func ExampleContainer() {
	cache := task.Spec{
		ID: "cache-1", CPUs: 1, Mem: 1024,
		Container: &task.Container{
			Image: "redis:8", Network: task.Network("overlay"),
			Parameters: []task.Parameter{{Key: "ulimit", Value: "nofile=65536"}},
		},
		Ports: []task.Port{{Name: "redis", Container: 6379, NoHost: true}},
	}
	fmt.Println(cache.Validate(), cache.Container.RunBy())
	// Output: <nil> docker
}

// A builder of your own adds an executor, whose resources are placed together with the task.
func ExampleExecutorResources() {
	spec := task.Spec{
		ID: "query-1", CPUs: 2, Mem: 2048,
		Executor: &task.ExecutorResources{CPUs: 0.1, Mem: 64},
		Command:  task.Command{Shell: "run-query"},
	}
	encoded, err := json.Marshal(spec)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(encoded))
	// Output: {"id":"query-1","cpus":2,"mem":2048,"executor":{"cpus":0.1,"mem":64},"command":{"shell":"run-query"}}
}
