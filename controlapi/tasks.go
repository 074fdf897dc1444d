package controlapi

import (
	"fmt"

	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// submit handles POST /v1/tasks.
func (c *call) submit() (any, error) {
	running, err := c.untilRunning()
	if err != nil {
		return nil, err
	}
	var spec task.Spec
	if err := c.decode(&spec); err != nil {
		return nil, err
	}
	done, err := c.claim(&spec)
	if err != nil {
		return nil, err
	}
	defer done()
	if running {
		info, err := c.config.Framework.Launch(c.ctx, spec)
		return redacted(info), c.reused(err, spec)
	}
	if err := c.config.Framework.Submit(c.ctx, spec); err != nil {
		return nil, c.reused(err, spec)
	}
	return c.known(spec.ID)
}

// submitPod handles POST /v1/pods.
func (c *call) submitPod() (any, error) {
	running, err := c.untilRunning()
	if err != nil {
		return nil, err
	}
	var members []task.Spec
	if err := c.decode(&members); err != nil {
		return nil, err
	}
	of := make([]*task.Spec, len(members))
	for i := range members {
		of[i] = &members[i]
	}
	done, err := c.claim(of...)
	if err != nil {
		return nil, err
	}
	defer done()
	if running {
		infos, err := c.config.Framework.LaunchPod(c.ctx, members...)
		return redactedAll(infos), c.reused(err, members...)
	}
	if err := c.config.Framework.SubmitPod(c.ctx, members...); err != nil {
		return nil, c.reused(err, members...)
	}
	infos := make([]task.Info, len(members))
	for i := range members {
		if infos[i], err = c.known(members[i].ID); err != nil {
			return nil, err
		}
	}
	return infos, nil
}

// untilRunning reports whether the parameter "wait" asks to wait until a task is running.
func (c *call) untilRunning() (bool, error) {
	switch text := c.query.Get("wait"); text {
	case "":
		return false, nil
	case "running":
		return true, nil
	default:
		return false, invalid("wait", text, `must be "running"`)
	}
}

// known returns what is known of a task.
func (c *call) known(id string) (task.Info, error) {
	info, err := c.config.Framework.Task(c.ctx, id)
	return redacted(info), err
}

// task handles GET /v1/tasks/{id}.
func (c *call) task() (any, error) {
	info, err := c.known(c.id)
	if err != nil {
		return nil, err
	}
	history, err := c.config.Framework.History(c.ctx, c.id)
	return TaskDetail{Task: info, History: orEmpty(history)}, err
}

// ensure handles PUT /v1/tasks/{id}.
func (c *call) ensure() (any, error) {
	var spec task.Spec
	if err := c.decode(&spec); err != nil {
		return nil, err
	}
	if spec.ID == "" {
		spec.ID = c.id
	}
	if spec.ID != c.id {
		return nil, invalid("ID", spec.ID, fmt.Sprintf("must be that of the path, %q", c.id))
	}
	info, err := c.config.Framework.Ensure(c.ctx, spec)
	info = redacted(info)
	if err != nil && info.Spec.ID != "" {
		e := asError(err)
		e.Task = &info
		return nil, e
	}
	return info, err
}

// forget handles DELETE /v1/tasks/{id}.
func (c *call) forget() (any, error) { return nil, c.config.Framework.Forget(c.ctx, c.id) }

// wait handles GET /v1/tasks/{id}/wait.
func (c *call) wait() (any, error) {
	var until scheduler.Until
	switch text := c.query.Get("until"); text {
	case "running", "":
		until = scheduler.UntilRunning
	case "ended":
		until = scheduler.UntilEnded
	case "running-any-health":
		until = scheduler.UntilRunningAnyHealth
	default:
		return nil, invalid("until", text, `must be "running", "ended" or "running-any-health"`)
	}
	info, err := c.config.Framework.Wait(c.ctx, c.id, until)
	return redacted(info), err
}

// kill handles POST /v1/tasks/{id}/kill.
func (c *call) kill() (any, error) {
	info, err := c.config.Framework.Kill(c.ctx, c.id)
	return redacted(info), err
}

// explain handles GET /v1/tasks/{id}/explain.
func (c *call) explain() (any, error) {
	why, err := c.config.Framework.Explain(c.ctx, c.id)
	why.Task = redacted(why.Task)
	return why, err
}

// list handles GET /v1/tasks.
func (c *call) list() (any, error) {
	q, err := parseListQuery(c.query)
	if err != nil {
		return nil, err
	}
	var page found
	var version uint64
	done, err := c.hub.read(c.ctx, func(t *table, v uint64) { page, version = q.find(t.order), v })
	if err != nil {
		return nil, err
	}
	if !done {
		t, err := c.ask(c.ctx)
		if err != nil {
			return nil, err
		}
		page, version = q.find(t.order), t.base
	}
	c.w.Header().Set("Content-Type", "application/json")
	_ = page.write(timedWriter{c.w}, q.summary, version) // a client that has gone is told nothing
	return answered{}, nil
}
