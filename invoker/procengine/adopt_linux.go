package procengine

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// adopt finds the containers of the engine that was here before. It fails if it cannot tell of one whether it runs.
func (e *Engine) adopt() error {
	dirs, err := os.ReadDir(e.cfg.Dir)
	if err != nil {
		return err
	}
	for _, dir := range dirs {
		if !dir.IsDir() || checkID(dir.Name()) != nil {
			continue
		}
		if err := e.adoptContainer(newContainer(dir.Name(), filepath.Join(e.cfg.Dir, dir.Name()))); err != nil {
			return fmt.Errorf("container %s: %w", dir.Name(), err)
		}
	}
	return nil
}

func (e *Engine) adoptContainer(c *container) error {
	var err error
	c.state, err = readState(c.dir)
	if errors.Is(err, errNoState) { // its start was not completed: nobody was told of it
		killAll(c.dir, identity{}, false, nil)
		return os.RemoveAll(c.dir)
	}
	if err != nil || !c.state.Ended.IsZero() {
		return err
	}
	runs, err := c.state.Process.runs()
	if err == nil && runs {
		c.handle, err = c.state.Process.open()
	}
	if err == nil && !runs || errors.Is(err, errNoProcess) {
		return c.buryDead()
	}
	if err != nil {
		return err
	}
	if c.port, err = reserve(c.state.Port); errors.Is(err, syscall.EADDRINUSE) {
		// Another engine has got the port before the container listened there.
		killAll(c.dir, c.state.Process, true, nil)
		_ = c.handle.Close()
		return c.buryDead()
	}
	if err != nil {
		_ = c.handle.Close()
		return err
	}
	_ = c.signal(syscall.SIGCONT) // nobody remembers that it was suspended
	close(c.started)
	e.containers[c.id] = c
	e.running.Go(func() { e.await(c) })
	return nil
}

// buryDead kills what a container has left whose first process has ended, and records that it has ended.
func (c *container) buryDead() error {
	leader := c.state.Process
	boot, err := bootID()
	if err != nil {
		return err
	}
	if boot == leader.Boot { // otherwise nothing of it can run
		now, err := identify(leader.PID)
		unreaped := err == nil && now == leader
		killAll(c.dir, leader, unreaped, nil)
		if unreaped {
			reap(leader.PID)
		}
	}
	c.state.Ended = time.Now()
	return c.state.write(c.dir)
}
