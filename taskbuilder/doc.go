// Package taskbuilder says what runs: it turns a placed task into the mesos.TaskInfo that a
// master launches, and the members of a pod into what one LAUNCH_GROUP takes.
//
// It promises that the outcome depends on its arguments alone, that whatever came from a map is
// sorted, and that every field of a valid task.Spec that concerns Mesos is in the TaskInfo.
//
// It does not validate specs (task.Spec.Validate does) and decides nothing about where a task
// runs. It has no goroutine. A builder of one's own calls [Standard.Build] and changes what it
// returns.
package taskbuilder
