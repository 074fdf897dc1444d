package controlapi

import (
	"errors"
	"slices"
	"sync"

	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// keysInUse are the keys of the submits under way, with the IDs of their tasks.
type keysInUse struct {
	mu  sync.Mutex
	all map[string]*keyInUse
}

type keyInUse struct {
	ids   []string
	users int
}

// claim notes that a key is in use for these tasks, until done is called. It returns false if it is for others.
func (k *keysInUse) claim(key string, ids []string) (done func(), ok bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	use := k.all[key]
	switch {
	case use == nil:
		if k.all == nil {
			k.all = map[string]*keyInUse{}
		}
		use = &keyInUse{ids: ids}
		k.all[key] = use
	case !slices.Equal(use.ids, ids):
		return nil, false
	}
	use.users++
	return func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		if use.users--; use.users == 0 {
			delete(k.all, key)
		}
	}, true
}

// claim gives the tasks of a submit the key in the header as their RequestID, unless they have one. It refuses a key that other
// tasks have. A RequestID in a spec is as beside the scheduler: it says nothing of other tasks.
func (c *call) claim(specs ...*task.Spec) (done func(), err error) {
	ids, key := make([]string, len(specs)), c.r.Header.Get(keyHeader)
	for i, s := range specs {
		if ids[i] = s.ID; s.RequestID == "" {
			s.RequestID, c.key = key, key
		}
	}
	if c.key == "" {
		return func() {}, nil
	}
	done, ok := c.keys.claim(key, ids)
	if !ok {
		return nil, keyReused(key)
	}
	used, err := c.usedFor(key)
	if err == nil && used != "" && !slices.Contains(ids, used) {
		err = keyReused(key)
	}
	if err != nil {
		done()
		return nil, err
	}
	return done, nil
}

// usedFor returns the ID of a task on record that was submitted with a key, "" if there is none.
func (c *call) usedFor(key string) (id string, err error) {
	found, err := c.hub.read(c.ctx, func(t *table, _ uint64) { id = t.keys[key] })
	if found || err != nil {
		return id, err
	}
	t, err := c.ask(c.ctx)
	return t.keys[key], err
}

// reused returns the error of a submit. If the task is on record from a request with the same key and another body, it is that
// of keyReused.
func (c *call) reused(err error, specs ...task.Spec) error {
	if c.key == "" || !errors.Is(err, scheduler.ErrDuplicateTask) {
		return err
	}
	for _, s := range specs {
		info, failed := c.config.Framework.Task(c.ctx, s.ID)
		if failed == nil && info.Spec.RequestID == c.key {
			return keyReused(c.key)
		}
	}
	return err
}

func keyReused(key string) error {
	return fail(CodeKeyReused, "the %s %q was used for another body: nothing was done", keyHeader, cut(key))
}
