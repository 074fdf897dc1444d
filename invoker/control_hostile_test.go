package invoker

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The tests of this file are about what a session says that means harm to others.

// TestContainersOfASessionAreNotForOthers has a session ask for, and declare after a change of the leader, what was started for another
// one, whose namespace it has read in a list.
func TestContainersOfASessionAreNotForOthers(t *testing.T) {
	inWorld(t, withStore, func(t *testing.T, w *world) {
		w.crash(2)
		c, f, ctx := w.invoker.Control(), w.invoker.Factory(), t.Context()
		open(t, c, sessionA)
		open(t, c, sessionB)
		own, err := f.Create(ctx, wants(sessionA, "1"))
		require.NoError(t, err)
		_, err = c.Acquire(ctx, Demand{Session: sessionB, Request: 1, Key: own.Key})
		var invalid *ConfigError
		require.ErrorAs(t, err, &invalid)
		require.Equal(t, "Demand.Key.Namespace", invalid.Field)

		w.crash(3)
		c, f = w.invoker.Control(), w.invoker.Factory()
		<-w.invoker.present.pool.known
		forged := GrantID{own.ID, 1}
		open(t, c, sessionB, Held{forged, false})
		notices, err := c.Notices(ctx, sessionB, 0)
		require.NoError(t, err)
		require.Equal(t, forged, notices[0].Grant)
		require.True(t, notices[0].Revoked)
		open(t, c, sessionA)
		again, err := f.Create(ctx, wants(sessionA, "1"))
		require.NoError(t, err)
		require.Equal(t, own.ID, again.ID)
	})
}

// TestHeldContainersWithLongNames: each takes memory until the session has acted on the notice that it is gone.
func TestHeldContainersWithLongNames(t *testing.T) {
	for length, valid := range map[int]bool{maxContainerName: true, maxContainerName + 1: false} {
		err := Renewal{Session: sessionA, Held: []Held{{GrantID: GrantID{Container: strings.Repeat("a", length)}}}}.check()
		require.Equal(t, valid, err == nil, length)
	}
}

// TestNoticesOfAllSessionsAreLimited: sessions say that they hold what is not there, and never read that it is gone. Others go on, and
// new ones are opened when those have ended.
func TestNoticesOfAllSessionsAreLimited(t *testing.T) {
	inWorld(t, withStore, func(t *testing.T, w *world) {
		w.crash(2)
		<-w.invoker.present.pool.known
		c, ctx := w.invoker.Control(), t.Context()
		open(t, c, sessionA, Held{GrantID: GrantID{"none", 1}})
		held := make([]Held, maxHeld-1)
		for i := range held {
			held[i].GrantID = GrantID{fmt.Sprint("none-", i), 1}
		}
		liar := func(i int) Renewal { return Renewal{Session: fmt.Sprintf("liar-%016d", i), Open: true, Held: held} }
		for i := range 11 {
			_, err := c.Renew(ctx, liar(i))
			require.NoError(t, err)
		}
		_, err := c.Renew(ctx, liar(11))
		require.ErrorIs(t, err, ErrTooManySessions)
		_, err = c.Renew(ctx, Renewal{Session: liar(0).Session})
		require.ErrorIs(t, err, ErrSession)
		for range 4 {
			_, err = c.Renew(ctx, Renewal{Session: sessionA})
			require.NoError(t, err)
			time.Sleep(3 * time.Second)
		}
		open(t, c, sessionB)
	})
}

// TestOpenSessionsCannotExceedTheNoticesOfAll: sessions that were opened with nothing say later that they hold what is not there.
// When they have ended, what they did not read counts no more.
func TestOpenSessionsCannotExceedTheNoticesOfAll(t *testing.T) {
	inWorld(t, withStore, func(t *testing.T, w *world) {
		w.crash(2)
		<-w.invoker.present.pool.known
		c, ctx := w.invoker.Control(), t.Context()
		name := func(i int) string { return fmt.Sprintf("liar-%016d", i) }
		held := make([]Held, maxHeld-1)
		for i := range held {
			held[i].GrantID = GrantID{fmt.Sprint("none-", i), 1}
		}
		for i := range 12 {
			open(t, c, name(i))
		}
		for i := range 11 {
			_, err := c.Renew(ctx, Renewal{Session: name(i), Open: true, Held: held})
			require.NoError(t, err)
		}
		_, err := c.Renew(ctx, Renewal{Session: name(11), Open: true, Held: held})
		require.ErrorIs(t, err, ErrSession)
		for range 4 {
			_, err = c.Renew(ctx, Renewal{Session: name(11), Open: true})
			require.NoError(t, err)
			time.Sleep(3 * time.Second)
		}
		_, err = c.Renew(ctx, Renewal{Session: name(11), Open: true, Held: held})
		require.NoError(t, err, "the others have ended")
	})
}

// TestDeclaredAgainAndAgainBeforeTheListing: while the engine lists nothing, what sessions say they hold is kept once.
func TestDeclaredAgainAndAgainBeforeTheListing(t *testing.T) {
	b := successor(t)
	b.step(opened{session: 7, ttl: SessionTTL})
	for i := range 100 {
		b.step(declared{session: 7, grants: []GrantID{{fmt.Sprint("o-1-", i), 1<<32 + 1}}})
		b.step(declared{session: 7})
	}
	require.Equal(t, []declared{{session: 7, grants: []GrantID{{"o-1-99", 1<<32 + 1}}}}, b.m.early)
	b.step(closed{7})
	require.Empty(t, b.m.early)
}

// TestOrdersThatNoStoreTakes: 200 shapes whose names take six times as many bytes once they are stored.
func TestOrdersThatNoStoreTakes(t *testing.T) {
	inWorld(t, withStore, func(t *testing.T, w *world) {
		var cells []StemCells
		for i := range maxStems {
			cells = append(cells, StemCells{Kind: fmt.Sprint(i, strings.Repeat("<", 1000)), Image: strings.Repeat("<", 1000)})
		}
		var invalid *ConfigError
		require.ErrorAs(t, w.invoker.SetStemCells(t.Context(), cells), &invalid)
		require.Equal(t, "Stems", invalid.Field)
		require.Empty(t, w.now().StemCells)
	})
}

// TestWatchersShareEvents: a thousand that read nothing take the memory of one, and of what they have missed.
func TestWatchersShareEvents(t *testing.T) {
	v := &Invoker{}
	for range 3 {
		v.Events(t.Context())
	}
	v.watchers.publish(Event{Seq: 1, Kind: EventCreated, Time: time.Unix(1, 0)})
	first := v.watchers.all[0].queue[0]
	for _, w := range v.watchers.all {
		require.Same(t, first, w.queue[0])
	}
}
