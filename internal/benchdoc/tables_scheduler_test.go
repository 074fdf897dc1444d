package benchdoc

import "slices"

// schedulerTables measure the scheduler, with what it is made of, and the stores.
var schedulerTables = []table{
	{
		name: "work", folder: "scheduler", bench: "WorkPerTask", flags: "-benchtime 10x", baseline: "a loop on mesos-go",
		rows: []row{
			{"processor time of the client, a task", sample{"WorkPerTask", "ours-µs/task"}, sample{"WorkPerTask", "mesosgo-µs/task"}, "0.2", ""},
			{"its allocations", sample{"WorkPerTask", "ours-allocs/task"}, sample{"WorkPerTask", "mesosgo-allocs/task"}, "", ""},
			{"processor time of the fake master with this client, a task", sample{"WorkPerTask", "fake-with-ours-µs/task"}, sample{"WorkPerTask", "fake-with-mesosgo-µs/task"}, "", ""},
		},
	},
	{
		name: "offers", folder: "internal/eventpb", bench: "Decode", flags: "-count 5", baseline: "generated code",
		rows: slices.Concat(
			decoded("offers of the recordings", "recorded", "0.67", "10"),
			decoded("1,000 offers with texts of their own", "own-texts", "0.67", "10"),
			decoded("one offer alone", "one", "", ""),
			decoded("large offers: 100 ranges of ports, 32 attributes, 30 reservations with labels", "large", "", ""),
		),
	},
	{
		name: "stream", folder: "internal/mesoshttp", bench: "OffersBeside", flags: "-count 5", baseline: "generated code with the same checks",
		rows: []row{streamed("1", ""), streamed("100", ""), streamed("1000", "0.67")},
	},
	{
		name: "inputs", folder: "scheduler", bench: "Inputs", flags: "-benchtime 1x -workload.max 10000 -timeout 60m",
		baseline: "of 1,000", every: [2]string{"ns/input", "ns/first"},
	},
	{
		name: "lists", folder: "scheduler", bench: "BenchmarkTasks$", flags: "-benchtime 20x", baseline: "for the caller",
		rows: []row{
			listed("Tasks", "10,000", "10000"), listed("Tasks", "100,000", "100000"), listed("Tasks", "1,000,000", "1000000"),
			listed("Agents", "1,000", "100000"), listed("Agents", "10,000", "1000000"),
		},
	},
	{
		name: "watchers", folder: "scheduler", bench: "Watchers", flags: "-benchtime 20000x", baseline: "without watchers",
		rows: []row{watched("1,000", "1000"), watched("10,000", "10000"), watched("100,000", "100000")},
	},
	{
		name: "memory", folder: "scheduler", bench: "Memory/", flags: "-benchtime 1x -timeout 30m", baseline: "its records in a store",
		rows: []row{
			kept("running, equal but for their IDs", "specs=equal/state=running", "1,280 B"),
			kept("running, with one variable of their own", "specs=env/state=running", "1,280 B"),
			kept("running, with \"docker inspect\" in their status", "specs=env/state=running/data=inspect", "1,280 B"),
			kept("running, of 100 services", "specs=services/state=running", "1,280 B"),
			kept("pending", "specs=env/state=pending", ""),
			kept("ended, and in the history", "specs=env/state=finished", ""),
		},
	},
	{
		name: "subscribe", folder: "scheduler", bench: "BenchmarkSubscribe$", flags: "-benchtime 5x -timeout 30m", baseline: "processor time",
		rows: []row{
			opened("a file, equal specs", "from=file/specs=equal"), opened("a file, different specs", "from=file/specs=different"),
			opened("a follower, equal specs", "from=replica/specs=equal"), opened("a follower, different specs", "from=replica/specs=different"),
		},
	},
	{
		name: "apply", folder: "ha", bench: "Apply", flags: "-benchtime 2s", baseline: "a page of a file, synced",
		rows: []row{applied("1"), applied("64"), applied("1000")},
	},
	{
		name: "stored", folder: "scheduler", bench: "SubmitToRunningStored", flags: "-benchtime 9x", baseline: "store in memory",
		rows: []row{
			{"tasks from submission to running in a second", sample{"SubmitToRunningStored", "tasks/s-file"}, sample{"SubmitToRunningStored", "tasks/s-memory"}, "0.8", "two syncs for each call of Apply"},
			{what: "calls of Apply for 4,000 tasks", measured: sample{"SubmitToRunningStored", "applies/op"}},
			{what: "records of a task", measured: sample{"SubmitToRunningStored", "records/task"}},
			{what: "written of a task", measured: sample{"SubmitToRunningStored", "written-B/task"}},
			{what: "size of the file for a task", measured: sample{"SubmitToRunningStored", "file-B/task"}},
		},
	},
	{
		name: "reading", folder: "taskmatcher", bench: "ReadingOffers", flags: "-benchtime 10x", baseline: "reading the offers once",
		rows: slices.Concat(read200("FirstFit", "2"), read200("BestFit", "2"), read200("Spread", "2"), read200("Scored", "")),
	},
}

func decoded(what, name, bar, allocations string) []row {
	of := "Decode/offers=" + name
	return []row{
		{what + ", processor time", sample{of, "cpu-ns/offer-ours"}, sample{of, "cpu-ns/offer-generated"}, bar, "the allocations"},
		{what + ", allocations", sample{of, "allocs/offer-ours"}, sample{of, "allocs/offer-generated"}, allocations, ""},
	}
}

func streamed(count, bar string) row {
	of := "OffersBeside/offers=" + count
	return row{"an offer, " + count + " in an event", sample{of, "cpu-ns/offer-ours"}, sample{of, "cpu-ns/offer-mesos-go-checked"}, bar, ""}
}

func listed(list, what, tasks string) row {
	of := "Tasks/list=" + list + "/n=" + tasks
	return row{list + " of " + what + ", for the loop", sample{of, "loop-µs"}, sample{of, "ns/op"}, "2 ms", ""}
}

func watched(what, tasks string) row {
	of := "Watchers/tasks=" + tasks + "/watchers="
	return row{"one of " + what + " tasks changes", sample{of + "100", "change-ns"}, sample{of + "0", "change-ns"}, "", ""}
}

func kept(what, name, bar string) row {
	return row{what, sample{"Memory/" + name, "B/task"}, sample{"Memory/" + name, "store-B/task"}, bar, ""}
}

func opened(what, name string) row {
	return row{"from " + what, sample{"Subscribe/" + name, "ms/op"}, sample{"Subscribe/" + name, "cpu-ms/op"}, "1 s", ""}
}

func applied(records string) row {
	return row{"records in a second, " + records + " at once", sample{"Apply/records=" + records, "records/s"}, sample{"Apply/page", "writes/s"}, "", "two syncs for all at once"}
}

func read200(strategy, bar string) []row {
	of := "ReadingOffers/strategy=" + strategy + "/case="
	return []row{
		{strategy + ", 200 tasks of 3 classes", sample{of + "200-tasks", "match-cpu-ms"}, sample{of + "200-tasks", "read-cpu-ms"}, bar, ""},
		{strategy + ", 200 tasks, each of its own class", sample{of + "200-distinct", "match-cpu-ms"}, sample{of + "200-distinct", "read-cpu-ms"}, bar, ""},
	}
}
