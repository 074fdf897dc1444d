package procengine

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync"
)

// ports gives out the ports of a range, each the longest time after it was last given out: a port that is used again at once
// would lead those who still know it from before to another container.
type ports struct {
	min, count int

	mu   sync.Mutex
	next int
}

func newPorts(first, last int) *ports {
	count := last - first + 1
	return &ports{min: first, count: count, next: rand.IntN(count)}
}

// take returns a port at which nothing listens, and what keeps it from all engines on this machine until it is closed.
func (p *ports) take() (int, io.Closer, error) {
	for range p.count {
		p.mu.Lock()
		port := p.min + p.next
		p.next = (p.next + 1) % p.count
		p.mu.Unlock()
		hold, err := reserve(port)
		if err != nil {
			continue // another container has it
		}
		if err := free(port); err == nil {
			return port, hold, nil
		}
		_ = hold.Close()
	}
	return 0, nil, errors.New("no port is free")
}

// reserve makes a port ours among all engines. Only to see that nobody listens is not enough: of two that do so at the same time,
// one would reach the container of the other. An abstract socket has the same scope as a port, the network namespace,
// and vanishes with this process.
func reserve(port int) (io.Closer, error) {
	return net.Listen("unix", fmt.Sprintf("@mesos-actor-go/procengine/%d", port))
}

// free returns an error if something listens at a port, on any address.
func free(port int) error {
	l, err := net.Listen("tcp", fmt.Sprintf(":%d", port))
	if err != nil {
		return err
	}
	return l.Close()
}
