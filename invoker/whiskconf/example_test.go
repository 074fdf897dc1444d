package whiskconf_test

import (
	"errors"
	"fmt"

	"github.com/mesos-actor/mesos-actor-go/invoker/whiskconf"
)

// The settings of an invoker that ran with OpenWhisk. A program passes os.Environ().
func ExampleFromEnv() {
	var c whiskconf.Config
	c, err := whiskconf.FromEnv([]string{
		"CONFIG_whisk_mesos_masterUrl=http://mesos:5050",
		"CONFIG_whisk_mesos_role=openwhisk",
		"CONFIG_whisk_mesos_constraints_0=rack LIKE r[12]",
		"CONFIG_whisk_containerPool_akkaClient=true",
		`RUNTIMES_MANIFEST={"runtimes":{"nodejs":[{"kind":"nodejs:20","image":{"prefix":"openwhisk","name":"action-nodejs-v20"}}]}}`,
	}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(c.Scheduler.Master, c.Engine.Role, c.Engine.Constraints[0])
	for _, warning := range c.Warnings {
		fmt.Println(warning)
	}
	runtime, _ := c.Runtimes.Kind("nodejs:default")
	fmt.Println(runtime.Kind, runtime.Image)
	// Output:
	// http://mesos:5050 openwhisk rack LIKE r[12]
	// whisk.container-pool.akka-client (CONFIG_whisk_containerPool_akkaClient) has no effect: this library has no such setting
	// nodejs:20 openwhisk/action-nodejs-v20
}

// All mistakes are reported together.
func ExampleError() {
	_, err := whiskconf.FromEnv([]string{
		"CONFIG_whisk_mesos_teardownOnExit=perhaps",
		"CONFIG_whisk_containerPool_userMemory=1024",
	}, nil)
	fmt.Println(err)
	var setting *whiskconf.Error
	fmt.Println(errors.As(err, &setting))
	// Output:
	// whiskconf: whisk.mesos.teardown-on-exit (CONFIG_whisk_mesos_teardownOnExit) is "perhaps": it is neither true nor false
	// whiskconf: whisk.container-pool.user-memory (CONFIG_whisk_containerPool_userMemory) is "1024": it is not a size, such as "256 m" or "1 GB"
	// true
}

// A manifest that OpenWhisk would refuse.
func ExampleManifestError() {
	_, err := whiskconf.ParseRuntimes([]byte(`{"runtimes":{"nodejs":[{"kind":"nodejs:20"}]}}`))
	var field *whiskconf.ManifestError
	if errors.As(err, &field) {
		fmt.Println(field.Field, "-", field.Reason)
	}
	// Output: runtimes.nodejs[0].image.name - it is missing
}

// The default runtime of a family.
func ExampleRuntimes_Kind() {
	var runtimes whiskconf.Runtimes
	runtimes, err := whiskconf.ParseRuntimes([]byte(`{"runtimes":{"python":[
		{"kind":"python:3.10","image":{"name":"action-python-v3.10"},"deprecated":true},
		{"kind":"python:3.11","image":{"name":"action-python-v3.11"},"default":true}
	]}}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	var runtime whiskconf.Runtime
	runtime, found := runtimes.Kind("python:default")
	fmt.Println(runtime.Kind, runtime.Image, found)
	// Output: python:3.11 action-python-v3.11 true
}
