// Command program is the runtime of package actionruntime as a process, for engines that run processes.
package main

import (
	"os"

	"github.com/mesos-actor/mesos-actor-go/internal/actionruntime"
)

func main() { os.Exit(actionruntime.Main()) }
