package conformance

import (
	"fmt"
	"slices"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	calls "github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// Roles that nobody else has.
const roleA, roleB = "conformance-a", "conformance-b"

func giantIn(role, id string) task.Spec {
	spec := oversized(id)
	spec.Role = role
	return spec
}

func demanding() []behaviour {
	twoRoles := scheduler.Framework{Roles: []string{roleA, roleB}}
	return []behaviour{
		{
			name:    "only those roles are revived that a pending task can use",
			sources: []source{document("scheduler-http-api", "REVIVE"), document("roles", "Associating frameworks with roles"), recording("two_roles")},
			config:  scheduler.Config{Framework: twoRoles},
			run: func(w *world) {
				w.untilConnected(1)
				w.submit(giantIn(roleB, "b"))
				require.Equal(w, []string{roleB}, w.untilMade(calls.Call_REVIVE, 1).Revive.GetRoles())
				w.untilMade(calls.Call_DECLINE, 1)
				for _, o := range w.offers() {
					require.Equal(w, roleB, o.AllocationInfo.GetRole())
				}
				w.submit(giantIn(roleA, "a"))
				require.Contains(w, w.untilRevived(roleA), roleA)
			},
		},
		{
			name:    "a role whose last task has gone is suppressed, the others are not",
			sources: []source{document("scheduler-http-api", "SUPPRESS"), recording("suppress_revive"), recording("two_roles")},
			config:  scheduler.Config{Framework: twoRoles},
			run: func(w *world) {
				w.untilConnected(1)
				w.submit(giantIn(roleA, "a"))
				w.submit(giantIn(roleB, "b"))
				w.untilRevived(roleA)
				w.untilRevived(roleB)
				w.kill("a")
				require.Equal(w, []string{roleA}, w.untilMade(calls.Call_SUPPRESS, 1).Suppress.GetRoles())
				w.calm()
				require.Len(w, w.made(calls.Call_SUPPRESS), 1)
			},
		},
		{
			name:      "a subscription names as suppressed those roles that no pending task can use",
			sources:   []source{recording("suppressed_roles"), document("scheduler-http-api", "SUBSCRIBE")},
			config:    scheduler.Config{Framework: twoRoles},
			unstarted: true,
			run: func(w *world) {
				w.startInVain()
				w.submit(giantIn(roleB, "b"))
				w.wire.restore()
				w.untilConnected(1)
				w.wire.cut()
				w.untilConnected(2)
				subscribed := w.made(calls.Call_SUBSCRIBE)
				require.Equal(w, []string{roleA}, subscribed[len(subscribed)-1].Subscribe.SuppressedRoles)
				w.untilMade(calls.Call_DECLINE, 1)
				for _, o := range w.offers() {
					require.Equal(w, roleB, o.AllocationInfo.GetRole())
				}
			},
		},
		{
			name:    "calls for offers are limited, also when several roles need them at once",
			sources: []source{document("app-framework-development-guide", "Multi-Scheduler Scalability"), recording("five_roles")},
			config: scheduler.Config{
				Framework: scheduler.Framework{Roles: manyRoles(8)},
				Offers:    scheduler.OfferPolicy{ReviveInterval: 10 * time.Second},
			},
			run: func(w *world) {
				w.untilConnected(1)
				for i, role := range manyRoles(8) {
					w.submit(giantIn(role, fmt.Sprint(i)))
				}
				revived := w.untilRevived(manyRoles(8)...)
				require.Len(w, slices.Compact(slices.Sorted(slices.Values(revived))), len(revived), "each once")
				require.LessOrEqual(w, len(w.made(calls.Call_REVIVE)), 4, "three at once, and one for the others")
			},
		},
		{
			name:    "a call for offers that the master loses is made again",
			sources: []source{document("high-availability-framework-guide", "Mesos Architecture"), document("scheduler-http-api", "REVIVE")},
			config:  scheduler.Config{Offers: scheduler.OfferPolicy{NoOfferConstraints: true}}, // which would make up for it
			run: func(w *world) {
				w.untilConnected(1)
				w.wire.once(calls.Call_REVIVE, swallow)
				w.launch(sleeper("a"))
				require.Len(w, w.made(calls.Call_REVIVE), 2)
			},
		},
		{
			name:    "refusals are long while nothing is pending, and the next task lifts them",
			sources: []source{document("app-framework-development-guide", "Multi-Scheduler Scalability"), recording("decline_filters"), recording("decline_seconds")},
			config:  scheduler.Config{Offers: scheduler.OfferPolicy{NoOfferConstraints: true}},
			run: func(w *world) {
				w.launch(sleeper("a"))
				w.nothingHeld()
				w.refusedFor(time.Hour, w.made(calls.Call_ACCEPT)[0].Accept.GetFilters())
				for _, c := range w.made(calls.Call_DECLINE) {
					w.refusedFor(time.Hour, c.Decline.GetFilters())
				}
				w.launch(sleeper("b"))
			},
		},
		{
			name:    "offers are kept while nothing is pending if the policy says so, and used at once",
			sources: []source{document("scheduler-http-api", "OFFERS"), recording("two_frameworks")},
			config:  scheduler.Config{Offers: scheduler.OfferPolicy{Hold: time.Hour}},
			run: func(w *world) {
				w.until("an offer", func() bool { return len(w.offers()) > 0 })
				w.launch(sleeper("a"))
				require.Empty(w, w.made(calls.Call_REVIVE), "nothing had to be asked for")
				held := w.made(calls.Call_ACCEPT)[0].Accept.OfferIDs
				require.True(w, slices.ContainsFunc(w.offers(), func(o mesos.Offer) bool { return slices.Contains(held, o.ID) }))
			},
		},
		{
			name:    "no more offers are kept than the policy says",
			sources: []source{recording("two_frameworks"), document("app-framework-development-guide", "Multi-Scheduler Scalability")},
			config:  scheduler.Config{Offers: scheduler.OfferPolicy{Hold: time.Hour, HoldMax: 1}},
			run: func(w *world) {
				w.untilMade(calls.Call_SUPPRESS, 1)
				w.calm()
				f, _ := w.view()
				require.Len(w, f.Offers, 1)
			},
		},
		{
			name:    "offers that are kept are declined when the time of each is over",
			sources: []source{document("scheduler-http-api", "DECLINE"), recording("two_frameworks")},
			config:  scheduler.Config{Offers: scheduler.OfferPolicy{Hold: 2 * time.Second, HoldMax: 1000, HoldPerAgent: 1000, Refuse: time.Hour}},
			run: func(w *world) {
				came := map[string]time.Duration{}
				w.untilMade(calls.Call_DECLINE, 1)
				w.launch(sleeper("a")) // lifts the refusal
				w.kill("a")
				w.until("what the task had is offered and goes back", func() bool { return len(w.made(calls.Call_DECLINE)) > 1 })
				w.nothingHeld()
				entries, _ := w.read()
				for _, e := range entries {
					for _, o := range e.event.GetOffers().GetOffers() {
						came[o.ID.Value] = e.at
					}
					for _, id := range e.call.GetDecline().GetOfferIDs() {
						require.GreaterOrEqual(w, e.at-came[id.Value], 2*time.Second, id.Value)
					}
				}
			},
		},
	}
}

// untilRevived waits until roles were revived, and lists all that were, in order.
func (w *world) untilRevived(roles ...string) (revived []string) {
	w.Helper()
	w.until(fmt.Sprint("REVIVE of ", roles), func() bool {
		revived = nil
		for _, c := range w.made(calls.Call_REVIVE) {
			if len(c.Revive.GetRoles()) == 0 {
				revived = append(revived, w.config.Framework.Roles...)
			}
			revived = append(revived, c.Revive.GetRoles()...)
		}
		return !slices.ContainsFunc(roles, func(r string) bool { return !slices.Contains(revived, r) })
	})
	return revived
}

func manyRoles(n int) []string {
	roles := make([]string, n)
	for i := range roles {
		roles[i] = fmt.Sprintf("conformance-%d", i)
	}
	return roles
}
