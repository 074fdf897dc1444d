package invoker

import (
	"context"
	"log/slog"
	"net"
	"time"

	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// Config configures an [Invoker]. [New] copies it. Owner and Engine are required; every other zero value stands for the
// documented default.
type Config struct {
	// Owner is the name of the group of invokers that share these containers. It is part of the ID of each container.
	// Required: letters, digits and "-", at most 63.
	Owner string
	// Engine starts and stops containers. Required.
	Engine Engine
	// Store keeps which container is bound to which action, so that a process that is started again can adopt the containers. Its
	// keys begin with "invoker/", so that it can be the store of a scheduler as well. Default: memory; containers of an earlier
	// process are then destroyed, since nobody knows what they are bound to. See also the Store of [scheduler.Term].
	Store scheduler.Store
	// TeardownOnClose says whether [Invoker.Close] removes all containers. Default: it does without a Store, since no other process
	// can use them, and with one they go on running: OpenWhisk's teardown-on-exit.
	TeardownOnClose *bool
	// Pool is how containers are kept.
	Pool PoolConfig
	// Env are environment variables for each container, such as __OW_API_HOST.
	Env map[string]string
	// DialContext makes the connections to containers. Default: that of a net.Dialer.
	DialContext func(ctx context.Context, network, address string) (net.Conn, error)
	// Logger logs containers that are lost and starts that fail as warnings. Default: slog.Default().
	Logger *slog.Logger
}

// PoolConfig is how containers are started and kept. Every zero value stands for the documented default.
type PoolConfig struct {
	// Memory is how many MiB all containers may take together, from the decision to start one until it is certainly gone: OpenWhisk's
	// user-memory. Default: what the engine has.
	Memory int
	// MemoryPerCPU is how many MiB of a container stand for a whole CPU. Default 1024.
	MemoryPerCPU int
	// MaxStarts is how many containers may be starting at once. Default 20.
	MaxStarts int
	// MaxWaiting is how many callers may wait for a container; further ones get a [*CapacityError]. Default 10,000.
	MaxWaiting int
	// Stems are the stem cells: containers that are started before they are needed.
	Stems []StemCells
	// CreateTimeout, ReadyTimeout and DestroyTimeout bound a start, the wait for the runtime's first answer, and an attempt to
	// remove. Defaults 45 s, 10 s and 10 s.
	CreateTimeout, ReadyTimeout, DestroyTimeout time.Duration
	// IdleTimeout is how long an idle container is kept before more is known of its action. Default 10 min.
	IdleTimeout time.Duration
	// KeepAlive decides how long the idle containers of an action are kept. Default: [KeepByHistogram] of IdleTimeout.
	KeepAlive KeepAlive
	// PauseGrace is after how long an idle container is suspended, if the engine can. Default 10 s; negative: never.
	PauseGrace time.Duration
	// MarkGrace is how long a container is marked before it is removed, while other processes have sessions, whose callers may need
	// it; without them it is removed at once. Default 5 s.
	MarkGrace time.Duration
}

// StemCells says how many containers of a shape are kept ready, bound to no action.
type StemCells struct {
	Kind, Image string
	Memory      int // MiB; default 256
	// Initial is how many there are at the start, and Min and Max bound how many there are later. Defaults: Initial, Initial, and
	// Initial.
	Initial, Min, Max int
	// TTL is after how long one that was not used is replaced, or up to a tenth earlier, so that not all end at once. Default: never.
	TTL time.Duration
	// Threshold and Increment are OpenWhisk's formula: each 10 min, Increment stem cells for each Threshold cold starts since the last
	// time, between Min and Max. Both are set, or none. Default: as many as the demand uses up while one starts.
	Threshold, Increment int
}
