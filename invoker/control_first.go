package invoker

import (
	"context"
	"errors"
)

// FirstOf returns a [Control] that asks the first of these that leads: those after one that returns [ErrNotLeading] are asked instead. So
// a member of a cluster asks itself first, and then the others. There must be at least one.
func FirstOf(controls ...Control) Control { return firstOf(controls) }

type firstOf []Control

func askFirst[T any](f firstOf, do func(Control) (T, error)) (answer T, err error) {
	err = ErrNotLeading
	for _, c := range f {
		if answer, err = do(c); !errors.Is(err, ErrNotLeading) {
			break
		}
	}
	return answer, err
}

func (f firstOf) Renew(ctx context.Context, r Renewal) (Renewed, error) {
	return askFirst(f, func(c Control) (Renewed, error) { return c.Renew(ctx, r) })
}

func (f firstOf) Acquire(ctx context.Context, d Demand) (Grant, error) {
	return askFirst(f, func(c Control) (Grant, error) { return c.Acquire(ctx, d) })
}

func (f firstOf) Report(ctx context.Context, r Report) error {
	_, err := askFirst(f, func(c Control) (none struct{}, err error) { return none, c.Report(ctx, r) })
	return err
}

func (f firstOf) Notices(ctx context.Context, session string, after uint64) ([]Notice, error) {
	return askFirst(f, func(c Control) ([]Notice, error) { return c.Notices(ctx, session, after) })
}

func (f firstOf) End(ctx context.Context, session string) error {
	_, err := askFirst(f, func(c Control) (none struct{}, err error) { return none, c.End(ctx, session) })
	return err
}
