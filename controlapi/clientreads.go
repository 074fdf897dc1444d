package controlapi

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

const (
	// maxTasks is how many bytes of a list of tasks are read, and maxTask how many of a single task, about. A task takes some 1 KiB,
	// and a little more in memory.
	maxTasks = 512 << 20
	maxTask  = 4 << 20
	// leastTask is how few bytes a task may have in a list, on average: no server makes a client take much more memory than it
	// sends. A real one has more than 180.
	leastTask = 128
)

// Task is [scheduler.Scheduler.Task].
func (c *Client) Task(ctx context.Context, id string) (task.Info, error) {
	detail, err := c.Detail(ctx, id)
	return detail.Task, err
}

// Detail returns what is known of a task, with its history.
func (c *Client) Detail(ctx context.Context, id string) (detail TaskDetail, err error) {
	err = c.get(ctx, taskPath(id), into(&detail))
	return detail, err
}

// Tasks is [scheduler.Scheduler.Tasks]. It fails if the answer has more than 512 MiB, which some 400,000 tasks take:
// [Client.List] has pages.
func (c *Client) Tasks(ctx context.Context) ([]task.Info, error) {
	var all []task.Info
	query := url.Values{"limit": {"all"}, "sort": {"submitted"}}
	err := c.do(ctx, request{method: http.MethodGet, path: "/v1/tasks", query: query, waits: true, decode: func(body io.Reader) (err error) {
		all, err = decodeTasks(body)
		return err
	}})
	if err != nil {
		return nil, err
	}
	return all, nil
}

// Explain is [scheduler.Scheduler.Explain].
func (c *Client) Explain(ctx context.Context, id string) (why scheduler.Explanation, err error) {
	err = c.get(ctx, taskPath(id)+"/explain", into(&why))
	return why, err
}

// History is [scheduler.Scheduler.History].
func (c *Client) History(ctx context.Context, id string) ([]task.Transition, error) {
	detail, err := c.Detail(ctx, id)
	return detail.History, err
}

// Offers is [scheduler.Scheduler.Offers].
func (c *Client) Offers(ctx context.Context) (all []scheduler.OfferAtHand, err error) {
	err = c.get(ctx, "/v1/offers", into(&all))
	return all, err
}

// Agents is [scheduler.Scheduler.Agents].
func (c *Client) Agents(ctx context.Context) (all []scheduler.AgentStats, err error) {
	err = c.get(ctx, "/v1/agents", into(&all))
	return all, err
}

// Status is [scheduler.Scheduler.Status], as the leader has it.
func (c *Client) Status(ctx context.Context) (scheduler.Status, error) {
	var o Overview
	decode := into(&o)
	err := c.get(ctx, "/v1/status", func(body io.Reader) error {
		if err := decode(body); err != nil || o.Connection != nil {
			return err
		}
		e := &Error{Code: CodeLeaderUnreachable, Message: o.Error}
		if o.Code != scheduler.CodeOK {
			e.Code = o.Code
		}
		e.decode(0)
		return e
	})
	if err != nil {
		return scheduler.Status{}, err
	}
	return *o.Connection, nil
}

// Overview returns what a member says of itself and the election, and what the leader says of the framework. It does not wait
// for a leader: any member that answers will do.
func (c *Client) Overview(ctx context.Context) (o Overview, err error) {
	err = c.get(ctx, "/v1/status", into(&o))
	return o, err
}

// ListOptions say which tasks [Client.List] returns. The zero value is all of them, in order of submission.
type ListOptions struct {
	// States, Group, Role, Pod and Agent select the tasks that have them. Empty: any.
	States []task.State
	Group  string
	Role   string
	Pod    string
	Agent  string // ID or hostname
	// Text selects tasks whose ID, name, group or hostname contains it. Case does not matter. Empty: any.
	Text string
	// Labels select tasks that have all of them: each is "name" or "name=value".
	Labels []string
	// Sort is "submitted" (the default), "updated", "id", "state", "group" or "agent", with "-" in front for descending.
	Sort string
	// Limit is the number of tasks on a page, at most 1000. Default 100.
	Limit int
	// After is the Next of the page before. Empty: the first page.
	After string
}

// List returns a page of the tasks on record, in short. While tasks change, pages are of different moments.
func (c *Client) List(ctx context.Context, o ListOptions) (page TaskPage[Summary], err error) {
	query := url.Values{"view": {"summary"}}
	set := func(name, value string) {
		if value != "" {
			query.Set(name, value)
		}
	}
	for _, state := range o.States {
		query.Add("state", state.String())
	}
	query["label"] = slices.Clone(o.Labels)
	set("group", o.Group)
	set("role", o.Role)
	set("pod", o.Pod)
	set("agent", o.Agent)
	set("q", o.Text)
	set("sort", o.Sort)
	set("after", o.After)
	if o.Limit != 0 {
		query.Set("limit", strconv.Itoa(o.Limit))
	}
	err = c.do(ctx, request{method: http.MethodGet, path: "/v1/tasks", query: query, decode: into(&page)})
	return page, err
}

// get makes a request that the leader answers at once.
func (c *Client) get(ctx context.Context, path string, decode func(io.Reader) error) error {
	return c.do(ctx, request{method: http.MethodGet, path: path, decode: decode})
}

// tooLarge returns the error for a list that is larger than a client takes.
func tooLarge() error {
	return fail(scheduler.CodeInternal, "controlapi: the list of tasks is too large")
}

// decodeTasks decodes a TaskPage one task after the other, so that the text is not in memory as a whole.
func decodeTasks(body io.Reader) (all []task.Info, err error) {
	limited := &io.LimitedReader{R: body, N: maxTask}
	d := json.NewDecoder(limited)
	for token := json.Token(nil); token != "tasks"; {
		if token, err = d.Token(); err != nil {
			return nil, brokenList(err, limited)
		}
	}
	if _, err := d.Token(); err != nil {
		return nil, brokenList(err, limited)
	}
	for d.More() {
		limited.N = maxTask
		var info task.Info
		if err := d.Decode(&info); err != nil {
			return nil, brokenList(err, limited)
		}
		all = append(all, info)
		const slack = 1000 // tasks
		if read := d.InputOffset(); read > maxTasks || int64(len(all)-slack)*leastTask > read {
			return nil, tooLarge()
		}
	}
	if _, err := d.Token(); err != nil {
		return nil, brokenList(err, limited)
	}
	_, err = io.Copy(io.Discard, limited) // so that the connection can be used again
	return all, err
}

// brokenList returns the error for a list that could not be read.
func brokenList(err error, limited *io.LimitedReader) error {
	switch {
	case limited.N <= 0:
		return tooLarge()
	case as[*json.SyntaxError](err) != nil, as[*json.UnmarshalTypeError](err) != nil:
		return notOurs(err)
	}
	return err // of the connection
}
