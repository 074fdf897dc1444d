package invoker

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Factory gives containers to programs that have a pool of their own, such as OpenWhisk's invoker: each belongs to a session, which sends
// /init and /run to it by itself, and is removed when the session ends. Sessions are those of [Control], which opens, renews
// and ends them. Its methods are called from any goroutine. All return an error that wraps [ErrNotLeading] outside of Lead and Run.
type Factory struct{ invoker *Invoker }

// Factory returns the factory of this process.
func (v *Invoker) Factory() *Factory { return &Factory{v} }

// ContainerRequest asks for a container.
type ContainerRequest struct {
	Session string
	// Request names the request within the session: if it is repeated it returns the same container again, while that is there. Required.
	Request string
	// Name is for people. Default: "container".
	Name string
	// Kind is the kind of runtime. Default: that of stem cells with the image, and otherwise "blackbox".
	Kind, Image string
	// UserImage says that the image belongs to the user, see [Action].
	UserImage bool
	// Memory is in MiB. Default 256.
	Memory int
}

// factoryNamespace begins the namespaces of keys of these containers.
const factoryNamespace = "session:"

// namespaceOf returns the namespace of the containers of a session. Whoever reads it does not learn the name of the session.
func namespaceOf(session string) string {
	sum := sha256.Sum256([]byte(session))
	return factoryNamespace + hex.EncodeToString(sum[:12])
}

// private reports whether containers of the key belong to a session, which never gives them to anybody else.
func (k Key) private() bool { return strings.HasPrefix(k.Namespace, factoryNamespace) }

// demand returns the demand for a container that nobody else has the key of.
func (r ContainerRequest) demand(stems []StemCells) Demand {
	if i := slices.IndexFunc(stems, func(s StemCells) bool { return s.Image == r.Image }); r.Kind == "" && r.Image != "" && i >= 0 {
		r.Kind = stems[i].Kind
	}
	sum := sha256.Sum256([]byte(r.Request))
	a := Action{
		Namespace: namespaceOf(r.Session), Name: cmp.Or(r.Name, "container"), Revision: hex.EncodeToString(sum[:12]),
		Kind: cmp.Or(r.Kind, "blackbox"), Image: r.Image, UserImage: r.UserImage, Memory: r.Memory,
	}
	return Demand{Session: r.Session, Request: binary.LittleEndian.Uint64(sum[:]), Key: a.key(), Timeout: a.timeout()}
}

// Create waits for a container, until ctx ends: a stem cell of this kind, image and memory if there is one. Errors are those of
// [Control], and [ErrRequestReused].
func (f *Factory) Create(ctx context.Context, r ContainerRequest) (Info, error) {
	if r.Request == "" || len(r.Request) > maxNameLength {
		return Info{}, &ConfigError{Field: "ContainerRequest.Request", Value: abridged([]byte(r.Request)), Reason: fmt.Sprintf("must have 1 to %d bytes", maxNameLength)}
	}
	p, err := control{f.invoker}.pool(ctx)
	if err != nil {
		return Info{}, err
	}
	d := r.demand(p.stemCells())
	key, err := d.check()
	if err != nil {
		return Info{}, err
	}
	d.Key = key
	info, found, err := f.made(ctx, r.Session, d.Key)
	if err != nil || found {
		return info, err
	}
	grant, err := f.invoker.Control().Acquire(ctx, d)
	if err != nil {
		return Info{}, err
	}
	info, found, err = f.made(ctx, r.Session, d.Key)
	if err == nil && !found {
		err = &StartError{Fault: FaultPlatform, Image: r.Image, Err: fmt.Errorf("%w: container %s has ended", ErrStart, grant.Container)}
	}
	return info, err
}

// enter returns the session when it is known which containers there are, so that one that another leader has started is not taken for
// one that is gone. Unless it fails, the mutex of the pool is held.
func (f *Factory) enter(ctx context.Context, session string) (*pool, *remote, error) {
	p, err := control{f.invoker}.pool(ctx)
	if err != nil {
		return nil, nil, err
	}
	select {
	case <-p.known:
	case <-p.stopped:
		return nil, nil, p.notLeading()
	case <-ctx.Done():
		return nil, nil, context.Cause(ctx)
	}
	p.mu.Lock()
	s, err := p.remote(session)
	if err != nil {
		p.mu.Unlock()
		return nil, nil, err
	}
	p.declareOwn(s)
	return p, s, nil
}

// made returns the container of a request.
func (f *Factory) made(ctx context.Context, session string, k Key) (_ Info, found bool, err error) {
	p, s, err := f.enter(ctx, session)
	if err != nil {
		return Info{}, false, err
	}
	defer p.mu.Unlock()
	for _, c := range p.machine.containers {
		switch {
		case c.key == nil || c.key.Namespace != k.Namespace || c.key.Revision != k.Revision:
		case len(c.slots) == 0 || c.slots[0].session != s.number: // it is being removed
		case c.key.Key != k:
			return Info{}, false, ErrRequestReused
		default:
			return c.info(), true, nil
		}
	}
	return Info{}, false, nil
}

// Container returns a container of a session. Errors: [ErrContainer] and [ErrOtherSession].
func (f *Factory) Container(ctx context.Context, session, id string) (info Info, err error) {
	err = f.of(ctx, session, id, func(_ *pool, _ *remote, c *container) { info = c.info() })
	return info, err
}

// Containers returns the containers of a session, in the order in which they became known.
func (f *Factory) Containers(ctx context.Context, session string) (all []Info, err error) {
	p, s, err := f.enter(ctx, session)
	if err != nil {
		return nil, err
	}
	defer p.mu.Unlock()
	for _, c := range p.machine.inOrder() {
		if c.key != nil && c.key.private() && len(c.slots) > 0 && c.slots[0].session == s.number {
			all = append(all, c.info())
		}
	}
	return all, nil
}

// of calls do with a container of a session, with the mutex held.
func (f *Factory) of(ctx context.Context, session, id string, do func(*pool, *remote, *container)) error {
	p, s, err := f.enter(ctx, session)
	if err != nil {
		return err
	}
	defer p.mu.Unlock()
	c := p.machine.containers[id]
	switch {
	case c == nil: // which the session knows from now on
		p.remotes.acted(s, func(n notice) bool { return n.Revoked && n.Grant.Container == id })
		return ErrContainer
	case c.key == nil || c.key.Namespace != namespaceOf(session):
		return ErrOtherSession
	case len(c.slots) == 0 || c.slots[0].session != s.number:
		return ErrContainer // it is being removed
	}
	do(p, s, c)
	return nil
}

// Destroy removes a container of a session. It returns before the container is gone: the removal is repeated until it is. One that
// is gone is no error. Error: [ErrOtherSession].
func (f *Factory) Destroy(ctx context.Context, session, id string) error {
	err := f.of(ctx, session, id, func(p *pool, s *remote, c *container) {
		p.freeRemote(s, GrantID{c.id, c.slots[0].number}, discard)
	})
	if errors.Is(err, ErrContainer) {
		return nil
	}
	return err
}

// Suspend freezes a container of a session. It can be repeated. Errors: [ErrContainer], [ErrOtherSession], that of the engine, and one
// that is errors.ErrUnsupported if it is no [Suspender].
func (f *Factory) Suspend(ctx context.Context, session, id string) error {
	return f.freeze(ctx, "Suspend", session, id, Suspender.Suspend)
}

// Resume has a container go on that was suspended. It can be repeated, and has the errors of Suspend.
func (f *Factory) Resume(ctx context.Context, session, id string) error {
	return f.freeze(ctx, "Resume", session, id, Suspender.Resume)
}

func (f *Factory) freeze(ctx context.Context, what, session, id string, do func(Suspender, context.Context, string) error) error {
	if _, err := f.Container(ctx, session, id); err != nil {
		return err
	}
	engine, able := f.invoker.config.Engine.(Suspender)
	if !able {
		return fmt.Errorf("invoker: suspended containers: %w", errors.ErrUnsupported)
	}
	_, err := call(ctx, what, func(ctx context.Context) (none struct{}, err error) { return none, do(engine, ctx, id) }, nil)
	return err
}

// declareOwn has a session go on with its containers that another leader has given to it. The mutex is held.
func (p *pool) declareOwn(s *remote) {
	own := declared{session: s.number, namespace: namespaceOf(s.name)}
	for id, c := range p.machine.containers {
		if c.undeclared && c.key.Namespace == own.namespace {
			own.grants = append(own.grants, GrantID{Container: id}) // of an earlier leader
		}
	}
	if len(own.grants) > 0 {
		slices.SortFunc(own.grants, func(a, b GrantID) int { return cmp.Compare(a.Container, b.Container) })
		p.step(own)
	}
}
