# Tools run through the Go module proxy at fixed versions, so that go.mod stays clean.
STATICCHECK = go run honnef.co/go/tools/cmd/staticcheck@v0.8.2
ERRORLINT   = go run github.com/polyfloyd/go-errorlint@v1.8.0
GODOT       = go run github.com/tetafro/godot/cmd/godot@v1.5.6
GOVULNCHECK = go run golang.org/x/vuln/cmd/govulncheck@v1.9.0

FUZZTIME ?= 10s
FUZZ     ?= .
FLOODTIME ?= 30s
BENCH    ?= .
COUNT    ?= 1

# Packages whose code and tests have one goroutine.
ONE = archtest|benchdoc|docgen|eventpb|taskmatcher|offerfilter|boltfile|fenced|mesosid|printable|recordio|tokenbucket|task|taskbuilder|constraints|resources|validate|wirejson|demand|$\
      journal|mastertext|breaker|keepalive|logslice|victims|whiskpool|workload|whiskconf

.PHONY: fmt lint vuln short test race race-short chaos flood fuzz bench benchmarks bench-invoker conformance integration failover invoker-kills demo-ha check

# fails if a file is not formatted
fmt:
	@test -z "$$(gofmt -l .)" || { echo "not formatted:"; gofmt -l .; exit 1; }

# .golangci.yml has the same for golangci-lint
lint:
	go vet -tags integration,failover ./...
	$(STATICCHECK) -tags integration,failover ./...
	$(ERRORLINT) ./...
	$(GODOT) .

# known vulnerabilities in code that is called; skipped if the database of vulnerabilities cannot be reached
vuln:
	@out=$$($(GOVULNCHECK) ./... 2>&1) && echo "$$out" || case "$$out" in \
		*"fetching vulnerabilities"*) echo "$$out"; echo "make vuln: skipped, no database of vulnerabilities" ;; \
		*) echo "$$out"; exit 1 ;; \
	esac

# the tests to run often while working: within a minute on two cores, without the slow ones
short:
	go test -short ./...

test:
	go test ./...

race:
	go test -race ./...

# nearly as many races in a third of the time, with fewer seeds; with CI set also the tests that need ZooKeeper. The longest tests
# come first, so that others run beside them. Without those that have one goroutine.
race-short:
	go test -race -short ./scheduler ./internal/hatest $$(go list ./... | grep -vE '/($(ONE))$$')

# an hour of faults of one scheduler in virtual time, for each of a thousand seeds, and a hundred faults of whole systems,
# for each of two thousand
chaos:
	go test ./scheduler -run 'TestChaos$$' -chaos 1000 -timeout 2h
	go test ./internal/hatest -run 'TestChaos$$' -chaos 2000 -timeout 2h
	go test ./controlapi -run 'TestClientInChaos$$' -seeds 100 -timeout 1h

# what a process with a scheduler takes while a master sends as much as it can, in real time: a table of the events sent and the
# peak of the resident set, which fails above 512 MiB. It needs Linux.
flood:
	@echo '| flood | events | bytes | peak |'
	go test ./internal/flood -run Flood -count 1 -v -timeout 1h -flood $(FLOODTIME)

# every fuzz target in the folders FUZZ, for FUZZTIME. A package's tests are built once for all of its targets; new inputs are kept in
# the cache of go test, and one that fails is written to the package's testdata.
fuzz:
	@program=$$(mktemp -d) && cache=$$(go env GOCACHE)/fuzz && module=$$(go list -m) && trap 'rm -rf "$$program"' EXIT && \
	for dir in $$(grep -rlE --include='*_test.go' '^func Fuzz' $(FUZZ) | xargs -n1 dirname | sort -u); do \
		go test -c -fuzz . -o "$$program/test" "$$dir" || exit 1; \
		for f in $$(grep -hoE '^func Fuzz[A-Za-z0-9_]+' $$dir/*_test.go | sed 's/^func //'); do \
			echo "$$dir $$f"; \
			(cd "$$dir" && "$$program/test" -test.run '^$$' -test.fuzz "^$$f$$" -test.fuzztime $(FUZZTIME) -test.fuzzminimizetime 1x \
				-test.fuzzcachedir "$$cache/$$module/$$dir") || exit 1; \
		done; done

# compare two runs with: go run golang.org/x/perf/cmd/benchstat@latest old.txt new.txt
bench:
	go test -run '^$$' -bench '$(BENCH)' -benchmem -count $(COUNT) ./...

# all figures of docs/benchmarks.md, each with its baseline; for a machine that does nothing else
benchmarks:
	go test ./internal/benchdoc -measure . -count 1 -timeout 3h
	go test ./taskmatcher -run BenchmarksDocument -measure -benchtime 2x -count 1 -timeout 60m

# all figures of docs/invoker.md, each with its baseline; for a machine that does nothing else
bench-invoker:
	go test ./invoker -run '^$$' -bench 'WarmRun|Stem|Burst|AcquireRelease|MemoryPerIdle|Machine(Victims|Review|Shapes)' -timeout 30m
	go test ./invoker -run '^$$' -bench 'BenchmarkLogs' -benchtime 20000x -timeout 30m
	go test ./invoker/internal/victims -run '^$$' -bench Choose
	go test ./invoker -run 'FewerCold|AgentsEmpty' -v -count 1

# the fake master against the recordings of a real one (RECORDINGS=folder: other recordings), and the scheduler
# against the fake master and, with MESOS_MASTER=http://host:port, also against a real one, listing what it skips
conformance:
	go test ./internal/mesostest -run Recordings -count 1
	go test ./internal/conformance -count 1 -timeout 60m $(if $(MESOS_MASTER),-v)

# the sample program, built and run as a user would do it, on loopback: only what has the build tag, since make test runs the rest. And invokers in
# processes of their own that are killed and stopped, a few times
integration:
	go test -tags integration -count 1 -run "^($$(grep -lw integration examples/samplefw/*_test.go | xargs sed -n 's/^func \(Test[A-Za-z0-9]*\)(.*/\1/p' | paste -sd'|'))$$" ./examples/samplefw
	go test -tags integration -count 1 -parallel 4 ./internal/killtest
	go test -tags integration -count 1 -run Stopped ./invoker/internal/actionclient

# three members on loopback: the leader is killed, another one stopped, and the tasks go on; half a minute, to be read
demo-ha:
	go run ./examples/samplefw demo

# Members, disks and links that fail, with real processes, and how long it takes until another member runs the framework:
# the table of docs/failover.md. It needs Linux and root, for a full disk and for networks, and takes a quarter of an hour.
# RUN=Kill: only that; KILLS, TASKS and PRESET change what it does.
failover:
	@echo '| what | times | until SUBSCRIBED: p50 / p99 / max | then until reconciled | lost | doubled | stale calls taken |'
	go test -tags integration,failover -count 1 -timeout 2h -v -run 'TestFailover$(RUN)' ./examples/samplefw

# Members of an invoker that are killed and stopped while they run activations: the table of docs/invoker.md. It needs Linux, and for a
# row ZooKeeper. With a thousand of each it takes two hours.
KILLS ?= 100
invoker-kills:
	go test -tags integration -count 1 -timeout 4h -v ./internal/killtest -kills $(KILLS) -pauses $$(($(KILLS) / 10)) -rate 300

# A number of inputs, not a time: if the time is over while an input is being tried, the go command may report "context
# deadline exceeded" as a failure.
# The conformance suite is among the tests of race-short.
check: fmt lint vuln race-short integration
	$(MAKE) fuzz FUZZTIME=100x FUZZ='./internal/recordio ./internal/eventpb ./internal/mesoshttp ./internal/agenthttp ./invoker/internal'
