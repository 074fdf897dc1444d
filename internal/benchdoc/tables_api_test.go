package benchdoc

// apiTables measure the API, its page and its clients.
var apiTables = []table{
	{
		name: "reads", folder: "controlapi", bench: "Reads", flags: "-benchtime 300x", baseline: "median",
		rows: []row{
			read("one task", "one_task"),
			read("status", "status"),
			read("a page of 100 tasks, in full", "page_of_100"),
			read("a page of 1,000 summaries, the last changed first", "page_of_1000_summaries"),
			read("a search in all tasks, by text, label and state", "search"),
		},
	},
	{
		name: "watcher", folder: "controlapi", bench: "Watcher", flags: "-benchtime 1x", baseline: "",
		rows: []row{{what: "memory for one who watches", measured: sample{"Watcher", "KiB/watcher"}}},
	},
	{
		name: "follower", folder: "controlapi", bench: "Follower", flags: "-benchtime 2s -count 3", baseline: "at the leader",
		rows: []row{
			passedOn("Task"),
			passedOn("Explain"),
			passedOn("Submit"),
		},
	},
	{
		name: "page", folder: "controlapi/page", bench: "Page", flags: "-benchtime 5x", baseline: "worst of 5",
		rows: []row{
			onPage("first contentful paint", "contentful", ""),
			onPage("10,000 tasks drawn, from the start of the navigation", "drawn", "1,000 ms"),
			onPage("longest task while loading", "loading", ""),
			onPage("longest task while 100 tasks change each second; 0: none took 50 ms", "changing", "200 ms"),
		},
	},
	{
		name: "start", folder: "examples/samplefw", bench: "Start", flags: "-benchtime 200x", baseline: "an empty Go program",
		rows: []row{
			{"`samplefw ls --help`, median", sample{"Start/program=samplefw", "p50-ms"}, sample{"Start/program=empty", "p50-ms"}, "50 ms", "the empty program"},
			{"`samplefw ls --help`, 99th percentile", sample{"Start/program=samplefw", "p99-ms"}, sample{"Start/program=empty", "p99-ms"}, "", ""},
		},
	},
	{
		name: "metrics", folder: "scheduler", bench: "SubmitToRunningWithMetrics", flags: "-benchtime 40x", baseline: "without",
		rows: []row{{
			"tasks from submission to running in a second of processor time, with all metrics and a scrape a second",
			sample{"SubmitToRunningWithMetrics", "tasks/s-on"}, sample{"SubmitToRunningWithMetrics", "tasks/s-off"}, "0.97 of that without", "",
		}},
	},
	{
		name: "tally", folder: "scheduler", bench: "Tally", flags: "-count 10", baseline: "without metrics",
		rows: []row{{"two steps of the loop", sample{"Tally/metrics=on", "ns/op"}, sample{"Tally/metrics=off", "ns/op"}, "", ""}},
	},
	{
		name: "scrape", folder: "metrics", bench: "Scrape", flags: "-count 5", baseline: "of no tasks",
		rows: []row{{"a scrape of 10,000 tasks", sample{"Scrape/tasks=10000", "ns/op"}, sample{"Scrape/tasks=0", "ns/op"}, "", ""}},
	},
}

func read(what, name string) row {
	return row{what + ", 99th percentile", sample{"Reads/" + name, "p99-ms"}, sample{"Reads/" + name, "p50-ms"}, "20 ms", ""}
}

func passedOn(call string) row {
	return row{call + ", through a follower", sample{"Follower/" + call, "follower-µs"}, sample{"Follower/" + call, "leader-µs"}, "2,000 µs more", ""}
}

func onPage(what, name, bar string) row {
	return row{what, sample{"Page", name + "-ms"}, sample{"Page", name + "-worst-ms"}, bar, ""}
}
