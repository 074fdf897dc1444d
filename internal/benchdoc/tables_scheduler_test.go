package benchdoc

import "slices"

// schedulerTables measure the scheduler, with what it is made of, and the stores.
var schedulerTables = []table{
	{
		name: "work", folder: "scheduler", bench: "WorkPerTask", flags: "-benchtime 10x", baseline: "a loop on mesos-go",
		rows: []row{
			{"processor time of the client", sample{"WorkPerTask", "ours-µs/task"}, sample{"WorkPerTask", "mesosgo-µs/task"}, "0.2", ""},
			{"its allocations", sample{"WorkPerTask", "ours-allocs/task"}, sample{"WorkPerTask", "mesosgo-allocs/task"}, "", ""},
			{"processor time of the fake master, in its own process", sample{"WorkPerTask", "fake-with-ours-µs/task"}, sample{"WorkPerTask", "fake-with-mesosgo-µs/task"}, "", ""},
		},
	},
	{
		name: "offers", folder: "internal/eventpb", bench: "Decode", flags: "-count 5", baseline: "generated code",
		rows: slices.Concat(
			decoded("1 offer an event", "one", ""),
			decoded("1,000 offers with the same texts", "plain", "0.67"),
			decoded("1,000 offers, each with texts of its own", "own-texts", ""),
			decoded("100 large offers", "large", ""),
		),
	},
	{
		name: "lists", folder: "scheduler", bench: "BenchmarkTasks", flags: "-count 3", baseline: "for the caller",
		rows: []row{
			listed("Tasks", "10,000", "10000"), listed("Tasks", "100,000", "100000"), listed("Tasks", "1,000,000", "1000000"),
		},
	},
	{
		name: "memory", folder: "scheduler", bench: "Memory/", flags: "-benchtime 1x -timeout 30m", baseline: "store in memory, beside it",
		rows: []row{
			kept("equal but for their IDs", "specs=equal/state=running", "1,280 B"),
			kept("with one variable of their own", "specs=env/state=running", "1,280 B"),
			kept("with \"docker inspect\" in their status", "specs=env/state=running/data=inspect", "1,280 B"),
			kept("of 100 services", "specs=services/state=running", "1,280 B"),
			kept("pending", "specs=env/state=pending", ""),
			kept("ended, and in the history", "specs=env/state=finished", ""),
		},
	},
	{
		name: "subscribe", folder: "scheduler", bench: "BenchmarkSubscribe", flags: "-benchtime 5x -timeout 30m", baseline: "processor time",
		rows: []row{
			opened("a file, equal specs", "from=file/specs=equal"), opened("a file, different specs", "from=file/specs=different"),
			opened("a follower, equal specs", "from=replica/specs=equal"), opened("a follower, different specs", "from=replica/specs=different"),
		},
	},
	{
		name: "reading", folder: "taskmatcher", bench: "ReadingOffers", flags: "-benchtime 10x", baseline: "reading the offers once",
		rows: slices.Concat(read200("FirstFit"), read200("BestFit"), read200("Spread"), read200("Scored")),
	},
}

func decoded(what, name, bar string) []row {
	of := "Decode/" + name
	return []row{
		{what + ", processor time", sample{of, "cpu-ns/offer-ours"}, sample{of, "cpu-ns/offer-generated"}, bar, ""},
		{what + ", allocations", sample{of, "allocs/offer-ours"}, sample{of, "allocs/offer-generated"}, "10", ""},
	}
}

func listed(list, what, n string) row {
	of := "Tasks/list=" + list + "/n=" + n
	return row{list + " of " + what + ", for the loop", sample{of, "loop-µs"}, sample{of, "ns/op"}, "2 ms", ""}
}

func kept(what, name, bar string) row {
	return row{"tasks " + what, sample{"Memory/" + name, "B/task"}, sample{"Memory/" + name, "store-B/task"}, bar, ""}
}

func opened(what, name string) row {
	return row{what, sample{"Subscribe/" + name, "ms/op"}, sample{"Subscribe/" + name, "cpu-ms/op"}, "1 s", ""}
}

func read200(strategy string) []row {
	of := "ReadingOffers/strategy=" + strategy + "/case="
	return []row{
		{strategy + ", 200 tasks of 3 classes", sample{of + "200-tasks", "match-cpu-ms"}, sample{of + "200-tasks", "read-cpu-ms"}, "2", ""},
		{strategy + ", 200 tasks, each of its own class", sample{of + "200-distinct", "match-cpu-ms"}, sample{of + "200-distinct", "read-cpu-ms"}, "2", ""},
	}
}
