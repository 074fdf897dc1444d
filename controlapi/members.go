package controlapi

import "github.com/mesos-actor/mesos-actor-go/scheduler"

// health handles GET /healthz: the process serves.
func (c *call) health() (any, error) { return Health{OK: true}, nil }

// openapi handles GET /v1/openapi.json.
func (c *call) openapi() (any, error) { return c.description(), nil }

// ready handles GET /readyz: a leader is known, and it is subscribed.
func (c *call) ready() (any, error) {
	if !c.leads() {
		return Health{OK: true}, c.leaderIsReady()
	}
	o := c.overview()
	switch {
	case c.config.tasks() == nil:
	case o.Connection == nil:
		return nil, fail(scheduler.CodeNotLeading, "%s", o.Error)
	case !o.Connection.Connected:
		return nil, fail(scheduler.CodeNotSubscribed, "there is no subscription with a master")
	}
	return Health{OK: true}, nil
}

// leaderIsReady returns nil if the leader is ready. Why it is not has addresses in it, which are not for everybody.
func (c *call) leaderIsReady() error {
	err := c.passedOn()
	if err == nil {
		err = c.leader.ready(c.ctx, c.r)
	}
	if err != nil && c.guard.identify(c.r) != nil {
		return fail(asError(err).Code, "the leader is not ready, or cannot be reached: with a token there is the reason")
	}
	return err
}

// status handles GET /v1/status.
func (c *call) status() (any, error) { return c.overview(), nil }

// overview returns what this member knows of the election, and the leader of the rest.
func (c *call) overview() Overview {
	if c.leads() {
		return c.Server.overview(c.ctx)
	}
	if err := c.passedOn(); err != nil {
		return c.completed(Overview{}, err)
	}
	return c.completed(c.leader.overview(c.ctx, c.r))
}

// agents handles GET /v1/agents.
func (c *call) agents() (any, error) {
	all, err := c.config.Framework.Agents(c.ctx)
	return orEmpty(all), err
}

// offers handles GET /v1/offers.
func (c *call) offers() (any, error) {
	all, err := c.config.Framework.Offers(c.ctx)
	return orEmpty(all), err
}

// reconcile handles POST /v1/reconcile.
func (c *call) reconcile() (any, error) { return nil, c.config.Framework.Reconcile(c.ctx) }

// teardown handles POST /v1/teardown, which has to name the framework that it ends. It may be repeated: for a
// framework that has been torn down or removed already it succeeds.
func (c *call) teardown() (any, error) {
	var asked TeardownRequest
	if err := c.decode(&asked); err != nil {
		return nil, err
	}
	if asked.FrameworkID == "" {
		return nil, invalid("frameworkID", "", "is required")
	}
	status, err := c.config.Framework.Status(c.ctx)
	if err != nil {
		return nil, c.unlessTornDown(err, asked.FrameworkID)
	}
	if asked.FrameworkID != status.FrameworkID {
		return nil, fail(CodeOtherFramework, "this is framework %q, not %q: nothing was done", status.FrameworkID, cut(asked.FrameworkID))
	}
	c.ending.Store(&asked.FrameworkID)
	return nil, c.unlessTornDown(c.config.Framework.Teardown(c.ctx), asked.FrameworkID)
}

// unlessTornDown returns nil for an error that says that a framework is no more, ended by this process or another.
func (c *call) unlessTornDown(err error, frameworkID string) error {
	if removed := as[*scheduler.FrameworkRemovedError](err); removed != nil && removed.FrameworkID == frameworkID {
		return nil
	}
	if ending := c.ending.Load(); ranToItsEnd(err) && ending != nil && *ending == frameworkID {
		return nil
	}
	return err
}

// ranToItsEnd reports whether Run has returned nil, as it does after a teardown only: otherwise the error wraps why it ended.
func ranToItsEnd(err error) bool {
	return any(err) == any(scheduler.ErrNotRunning) // and not an error that wraps it
}

// orEmpty returns a list that is [] in JSON if it is empty.
func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
