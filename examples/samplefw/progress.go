package main

import (
	"fmt"
	"sync"

	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// progress remembers why tasks are not running yet.
type progress struct {
	mu         sync.Mutex
	subscribed bool // at least once
	obstacle   string
}

func (p *progress) note(e scheduler.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e := e.(type) {
	case scheduler.ConnectionEvent:
		p.subscribed, p.obstacle = p.subscribed || e.Connected, "no offer came"
		if !e.Connected {
			p.obstacle = e.Err.Error()
		}
	case scheduler.OfferEvent:
		p.obstacle = "tasks are slow to start"
		if len(e.Rejections) > 0 {
			p.obstacle = fmt.Sprintf("no capacity: %v", e.Rejections[0])
		}
	}
}

func (p *progress) now() (subscribed bool, obstacle string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.subscribed, p.obstacle
}
