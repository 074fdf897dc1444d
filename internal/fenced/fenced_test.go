package fenced_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/fenced"
)

type saying bool

func (s saying) Error() string { return fmt.Sprint(bool(s)) }
func (s saying) Fenced() bool  { return bool(s) }

type panics struct{ error }

func (panics) Fenced() bool { panic("by mistake") }

// TestIs: an error is searched as errors.Is would do.
func TestIs(t *testing.T) {
	yes, no, plain := saying(true), saying(false), errors.New("plain")
	for _, c := range []struct {
		err  error
		want bool
	}{
		{nil, false}, {plain, false}, {no, false}, {yes, true},
		{fmt.Errorf("a: %w", yes), true}, {fmt.Errorf("a: %v", yes), false},
		{errors.Join(plain, no, fmt.Errorf("b: %w", yes)), true}, {errors.Join(plain, no), false},
		{fmt.Errorf("%w and %w", no, errors.Join(no, yes)), true},
	} {
		require.Equal(t, c.want, fenced.Is(c.err), "%v", c.err)
	}
}

func TestMethodThatPanics(t *testing.T) {
	require.False(t, fenced.Is(panics{}))
}
