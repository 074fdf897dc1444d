package scheduler

// limits bound what the machine keeps because a master says so, and which no cluster comes near. The rest of what it keeps is
// bounded by the number of tasks on record. docs/security.md has the whole list.
type limits struct {
	// offers is how many offers are at hand. More are declined at once.
	offers int
	// offer is how many bytes an offer may take, and about what it says of its agent, such as attributes. A larger one is
	// declined at once.
	offer, about int
	// offersBytes is how many bytes the offers at hand take. More are declined at once.
	offersBytes int
	// agentsBytes is how many bytes is known of the agents without tasks of ours, and of what agents offered last. More is
	// forgotten at once.
	agentsBytes int
	// agents is how many agents without tasks of ours are known. More are forgotten at once: Agents does not return
	// them, and no task waits for them.
	agents int
	// agentRoles is for how many roles it is known what an agent offered last.
	agentRoles int
	// vacated is how many agents are kept free for maintenance. More inverse offers are declined.
	vacated int
	// quarantined is how many launches have their host ports in quarantine. The oldest are released.
	quarantined int
	// adopted is up to how many tasks on record others are adopted, and how many between two rounds of reconciliation. More
	// are reported only.
	adopted int
	// eventsBytes is how many bytes of events for watchers wait for the store. More are left out, and a LagEvent says how many.
	eventsBytes int
	// acksBytes is how many bytes of updates wait for their acknowledgement. More are not acknowledged: agents repeat them.
	acksBytes int
	// declined is how many offers go back to the master. If it does not take them the subscription is ended.
	declined int
	// calls is how many calls of a kind are under way, but for one of each task and offer that have another limit; 0: as many
	// as those.
	calls [callKinds]int
}

func defaultLimits() limits {
	return limits{
		offers: 50_000, offersBytes: 128 << 20, offer: 1 << 20, about: 64 << 10,
		agents: 50_000, agentsBytes: 128 << 20, agentRoles: 100,
		vacated: 50_000, quarantined: 10_000, adopted: 50_000, eventsBytes: 64 << 20,
		acksBytes: 64 << 20, declined: 100_000, calls: [callKinds]int{
			acceptCalls: 10_000, declineCalls: 100, killCalls: 50_000, reconcileCalls: 100, demandCalls: 20, filterCalls: 20, inverseCalls: 100,
		},
	}
}
