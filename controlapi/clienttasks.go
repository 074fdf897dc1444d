package controlapi

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// withdrawTime is for how long a client tries to withdraw a task whose caller has given up.
const withdrawTime = time.Second

// Submit is [scheduler.Scheduler.Submit].
func (c *Client) Submit(ctx context.Context, spec task.Spec) error {
	_, err := c.submit(ctx, "/v1/tasks", false, false, spec)
	return err
}

// Launch is [scheduler.Scheduler.Launch]. A task that has finished by the time that its launch is repeated at another leader has
// been running.
func (c *Client) Launch(ctx context.Context, spec task.Spec) (task.Info, error) {
	infos, err := c.submit(ctx, "/v1/tasks", false, true, spec)
	if len(infos) == 0 {
		return taskOf(err), err
	}
	return infos[0], err
}

// SubmitPod is [scheduler.Scheduler.SubmitPod].
func (c *Client) SubmitPod(ctx context.Context, members ...task.Spec) error {
	_, err := c.submit(ctx, "/v1/pods", true, false, members...)
	return err
}

// LaunchPod is [scheduler.Scheduler.LaunchPod].
func (c *Client) LaunchPod(ctx context.Context, members ...task.Spec) ([]task.Info, error) {
	return c.submit(ctx, "/v1/pods", true, true, members...)
}

// submit puts a task or the members of a pod on record, and waits until they run if launch is set.
func (c *Client) submit(ctx context.Context, path string, pod, launch bool, specs ...task.Spec) (infos []task.Info, err error) {
	specs, made, err := named(specs)
	if err != nil {
		return nil, err
	}
	r := request{method: http.MethodPost, path: path, waits: launch}
	if launch {
		r.query = url.Values{"wait": {"running"}}
	}
	if pod {
		r.body, err = json.Marshal(specs)
		r.decode = into(&infos)
	} else {
		infos = make([]task.Info, 1)
		r.body, err = json.Marshal(specs[0])
		r.decode = into(&infos[0])
	}
	if err != nil {
		return nil, fmt.Errorf("controlapi: %w", err)
	}
	if err := c.do(ctx, r); err != nil {
		if ctx.Err() != nil && made != "" {
			err = c.withdraw(ctx, specs[0].ID, made, err)
		}
		return nil, err
	}
	return infos, nil
}

// named returns valid specs that have a RequestID, and the one that was made up.
func named(of []task.Spec) (specs []task.Spec, made string, err error) {
	var errs []error
	for _, spec := range of {
		errs = append(errs, spec.Validate())
	}
	if err := errors.Join(errs...); err != nil {
		return nil, "", err
	}
	specs = append(specs, of...)
	if len(specs) > 0 && specs[0].RequestID == "" {
		made = rand.Text()
		for i := range specs {
			specs[i].RequestID = made
		}
	}
	return specs, made, nil
}

// withdraw ends the task of a caller who has given up, and returns the error with which the caller is told.
func (c *Client) withdraw(ctx context.Context, id, requestID string, err error) error {
	late, cancel := context.WithTimeout(context.WithoutCancel(ctx), withdrawTime)
	defer cancel()
	err = c.explainWait(ctx, late, id, err)
	told := as[*scheduler.WaitError](err)
	if told != nil && told.Explanation.Task.Spec.RequestID == requestID { // and not somebody else's
		const enough = 100 * time.Millisecond // the task is killed also when nobody waits for its end
		_ = c.do(late, request{method: http.MethodPost, path: taskPath(id) + "/kill", time: enough, final: true})
	}
	return err
}

// Ensure is [scheduler.Scheduler.Ensure].
func (c *Client) Ensure(ctx context.Context, spec task.Spec) (info task.Info, err error) {
	if err := spec.Validate(); err != nil {
		return info, err
	}
	body, err := json.Marshal(spec)
	if err != nil {
		return info, fmt.Errorf("controlapi: %w", err)
	}
	err = c.do(ctx, request{method: http.MethodPut, path: taskPath(spec.ID), body: body, decode: into(&info)})
	if err != nil {
		return taskOf(err), err
	}
	return info, nil
}

// Wait is [scheduler.Scheduler.Wait].
func (c *Client) Wait(ctx context.Context, id string, until scheduler.Until) (info task.Info, err error) {
	names := map[scheduler.Until]string{
		scheduler.UntilRunning: "running", scheduler.UntilEnded: "ended", scheduler.UntilRunningAnyHealth: "running-any-health",
	}
	if names[until] == "" {
		return info, &task.FieldError{Field: "until", Value: int(until), Reason: "must be UntilRunning, UntilEnded or UntilRunningAnyHealth"}
	}
	query := url.Values{"until": {names[until]}}
	return c.waitFor(ctx, id, request{method: http.MethodGet, path: taskPath(id) + "/wait", query: query})
}

// Kill is [scheduler.Scheduler.Kill].
func (c *Client) Kill(ctx context.Context, id string) (task.Info, error) {
	return c.waitFor(ctx, id, request{method: http.MethodPost, path: taskPath(id) + "/kill"})
}

// waitFor makes a request that waits until something has happened to a task.
func (c *Client) waitFor(ctx context.Context, id string, r request) (info task.Info, err error) {
	r.waits, r.decode = true, into(&info)
	if err = c.do(ctx, r); err == nil {
		return info, nil
	}
	if ctx.Err() != nil {
		late, cancel := context.WithTimeout(context.WithoutCancel(ctx), withdrawTime)
		defer cancel()
		err = c.explainWait(ctx, late, id, err)
	}
	return taskOf(err), err
}

// explainWait returns the error of a caller whose context has ended, as a WaitError if the leader says, before late ends, why the
// task had not come further.
func (c *Client) explainWait(ended, late context.Context, id string, err error) error {
	if as[*scheduler.WaitError](err) != nil {
		return err
	}
	why, unknown := c.Explain(late, id)
	if unknown != nil {
		return err
	}
	return &scheduler.WaitError{Err: contextError(ended), Explanation: why}
}

// taskOf returns what an error says of a task, as the scheduler returns it together with the error.
func taskOf(err error) task.Info {
	if of := as[*scheduler.WaitError](err); of != nil {
		return of.Explanation.Task
	}
	if of := as[*Error](err); of != nil && of.Task != nil {
		return *of.Task
	}
	return task.Info{}
}

// Forget is [scheduler.Scheduler.Forget].
func (c *Client) Forget(ctx context.Context, id string) error {
	return c.do(ctx, request{method: http.MethodDelete, path: taskPath(id)})
}

// Reconcile is [scheduler.Scheduler.Reconcile].
func (c *Client) Reconcile(ctx context.Context) error {
	return c.do(ctx, request{method: http.MethodPost, path: "/v1/reconcile", waits: true})
}

// Teardown is [scheduler.Scheduler.Teardown], of the framework that the servers run when it is called. It is repeated until a
// server says that this framework has been torn down. If all of them end without having said so, it returns an error with
// [CodeLeaderUnreachable], and Mesos knows more.
func (c *Client) Teardown(ctx context.Context) error {
	status, err := c.Status(ctx)
	if err != nil {
		return err
	}
	body, err := json.Marshal(TeardownRequest{FrameworkID: status.FrameworkID})
	if err != nil {
		return err
	}
	return c.do(ctx, request{method: http.MethodPost, path: "/v1/teardown", body: body, waits: true})
}

// taskPath returns the path of a task.
func taskPath(id string) string { return "/v1/tasks/" + url.PathEscape(id) }
