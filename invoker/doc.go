// Package invoker runs serverless actions in containers: it starts containers, keeps them warm, finds them again after a crash,
// and collects the logs of each activation. It speaks the action protocol of Apache OpenWhisk (/init and /run).
//
// # What it promises
//
//   - A container serves one action: the binding is durable before /init is sent, and never changes.
//   - An activation is sent at most once.
//   - Nothing is left behind: each container that this package started is on record, adopted or destroyed.
//   - What a container prints during an activation belongs to that activation.
//
// # What it does not
//
// It does not manage actions, namespaces or quotas, and does not queue activations durably: an activation whose process dies
// is lost, and its caller sees that.
package invoker
