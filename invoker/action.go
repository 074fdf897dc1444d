package invoker

import (
	"encoding/json"
	"time"
)

// Defaults of [Action].
const (
	DefaultMemory   = 256              // MiB
	DefaultTimeout  = time.Minute      // for /init and for /run, each
	DefaultLogLimit = 10 * 1024 * 1024 // bytes
)

// Action is a function that containers run, for one namespace that invokes it. It is a value, and must not be modified while it
// is in use.
type Action struct {
	// Namespace is the namespace that invokes the action, and for which its containers are kept. Required.
	Namespace string
	// Name is the fully qualified name of the action, such as "/guest/utils/echo". Required.
	Name string
	// Version is told to the runtime as __OW_ACTION_VERSION. Default "0.0.1".
	Version string
	// Revision changes with everything about the action that its containers must not outlive: its code, parameters and
	// limits. Containers are shared between equal revisions only.
	Revision string

	// Kind is the kind of runtime, such as "nodejs:20". Stem cells are kept by kind and memory. Required.
	Kind string
	// Image is the image of the runtime. Engines that do not run images ignore it.
	Image string
	// UserImage says that the image belongs to the user: that it cannot be started is then the user's fault, and its containers are
	// tied to the namespace from the beginning.
	UserImage bool
	// NoSentinels says that the runtime does not mark the end of an activation in its output.
	NoSentinels bool

	// Main, Code and Binary are what /init receives: the function's name, default "main", the code, and whether that is base64 of
	// an archive.
	Main   string
	Code   string
	Binary bool
	// Env are environment variables for the action; values are passed as the runtime's documentation says.
	Env map[string]string

	// Memory is the memory of a container in MiB. Default 256.
	Memory int
	// Concurrency is how many activations a container runs at once. Default 1. More needs a runtime that can, see OpenWhisk's
	// documentation on intra-container concurrency, and gives logs per container in place of logs per activation.
	Concurrency int
	// Timeout is how long /init and /run may take, each. Default 1 min.
	Timeout time.Duration
	// LogLimit is how many bytes of the output of an activation are kept. Default 10 MiB; negative: none, logs are not collected.
	LogLimit int64
}

// Key says which activations may share a container.
type Key struct {
	Namespace, Action, Revision string
	Shape
	Concurrency int
}

// Shape says which containers are alike before they are bound to an action.
type Shape struct {
	Kind, Image string
	Memory      int    // MiB
	Tenant      string // the namespace that containers of a user's image are tied to; "" for managed images
}

// Activation is one invocation of an action.
type Activation struct {
	// ID identifies the activation. Default: one is made up, 32 hexadecimal digits.
	ID string
	// TransactionID is passed on to the runtime.
	TransactionID string
	// APIKey is passed on to the runtime, if it is not empty.
	APIKey string
	// Deadline is told to the runtime. Default: now and the timeout of the action.
	Deadline time.Time
	// Params is the JSON object with the arguments. Default {}.
	Params json.RawMessage
}
