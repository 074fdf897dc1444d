// Package taskbuilder converts a placed task to the mesos.TaskInfo that launches it, and the members of a pod to the
// messages of a LAUNCH_GROUP operation.
//
// The result depends on the arguments alone; whatever comes from a map is sorted. Every field of a valid task.Spec that
// Mesos supports is in the TaskInfo.
//
// The package does not validate specs (task.Spec.Validate does), does not decide where tasks run, and has no
// goroutines. A custom builder can call [Standard.Build] and modify the result.
package taskbuilder
