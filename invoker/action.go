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

// Action is a function that containers run, for one namespace that invokes it. It must not be modified while it is in use. Namespace,
// Name and Kind are required; every other zero value stands for the documented default. Namespace, Name,
// Version, Revision, Kind and Image are UTF-8, of at most 1024 bytes each.
type Action struct {
	// Namespace is the namespace that invokes the action, and for which its containers are kept. Required.
	Namespace string
	// Name is the fully qualified name of the action, such as "/guest/utils/echo". Required.
	Name string
	// Version is told to the runtime as __OW_ACTION_VERSION. Default "0.0.1".
	Version string
	// Revision has to change with everything that containers must not outlive: the code, parameters and limits of the action.
	// A container serves one revision only. Of calls with the same [Key] each has its own Timeout and LogLimit, and the first one in a
	// container decides on Main, Code, Binary, Env and NoSentinels for all.
	Revision string

	// Kind is the kind of runtime, such as "nodejs:20". Stem cells are kept by kind and memory. Required.
	Kind string
	// Image is the image of the runtime. Engines that do not run images ignore it.
	Image string
	// UserImage says that the image belongs to the user. If it cannot be started, that is [FaultDeveloper], and its containers are
	// tied to the namespace from the beginning. Image is required then.
	UserImage bool
	// NoSentinels says that the runtime does not print the line that marks the end of an activation. Its logs are then told apart by
	// the sizes of the streams before each activation.
	NoSentinels bool

	// Main, Code and Binary are what /init receives: the function's name, default "main", the code, and whether that is base64 of
	// an archive.
	Main   string
	Code   string
	Binary bool
	// Env are environment variables that /init hands to the action. Those of the protocol, __OW_…, cannot be replaced.
	Env map[string]string

	// Memory is the memory of a container in MiB, at most 16,777,216. Default 256.
	Memory int
	// Concurrency is how many activations a container runs at once, at most 1000. Default 1. More needs a runtime that can, see OpenWhisk's
	// documentation on intra-container concurrency, and gives logs per container in place of logs per activation.
	Concurrency int
	// Timeout is how long /init and /run may take, each, at most 24 h. Default 1 min.
	Timeout time.Duration
	// LogLimit is how many bytes of the output of an activation are kept. Default 10 MiB; negative: none, logs are not collected.
	LogLimit int64
}

// Key says which activations may share a container: those for which it is equal.
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
	// Deadline is told to the runtime, and limits nothing. Default: now plus the Timeout of the action.
	Deadline time.Time
	// Params are the arguments: a JSON object or array. Default {}.
	Params json.RawMessage
}
