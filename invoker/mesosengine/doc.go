// Package mesosengine runs the containers of package invoker as tasks of a Mesos framework.
package mesosengine
