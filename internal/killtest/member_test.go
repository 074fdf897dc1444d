//go:build integration && linux

package killtest

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mesos-actor/mesos-actor-go/controlapi"
	"github.com/mesos-actor/mesos-actor-go/ha"
	"github.com/mesos-actor/mesos-actor-go/ha/cluster"
	"github.com/mesos-actor/mesos-actor-go/ha/zookeeper"
	"github.com/mesos-actor/mesos-actor-go/invoker"
	"github.com/mesos-actor/mesos-actor-go/invoker/httpapi"
	"github.com/mesos-actor/mesos-actor-go/invoker/mesosengine"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// TestMain runs the test's program as a member, too.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "member" {
		fmt.Fprintln(os.Stderr, runMember(os.Args[2]))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// memberConfig is the argument of a member, in JSON.
type memberConfig struct {
	Name, Dir, Master string
	Gossip, Raft, API string   // addresses
	Seeds, APIs       []string // of all members
	ZooKeeper         string   // in place of the members' own election
}

// request is a line that a member reads, and answer one that it writes.
type request struct {
	ID     string `json:"id"`
	What   string `json:"what"`   // status, containers, or run
	Action string `json:"action"` // of a run
	Millis int    `json:"millis"` // that it runs
	Pad    int    `json:"pad"`    // bytes of parameters that mean nothing
}

type answer struct {
	ID    string `json:"id"`
	Error string `json:"error,omitzero"`

	// Of a run.
	Status invoker.Status    `json:"status"`
	Start  invoker.StartKind `json:"start"`
	Wait   time.Duration     `json:"wait"`
	Body   json.RawMessage   `json:"body,omitempty"`

	// Of the status: the term that this member sees, whether it leads it, and where its dispatcher has its session.
	Term  uint64 `json:"term"`
	Leads bool   `json:"leads"`
	Epoch uint64 `json:"epoch"`

	Containers []string `json:"containers,omitempty"`
}

// patience is how long a call waits for a container, and timeLimit that of the actions.
const (
	patience  = time.Minute
	timeLimit = 2 * time.Second
	owner     = "killtest"
	image     = "killtest/work"
)

// member is what runs in the process.
type member struct {
	elector    ha.Elector
	invoker    *invoker.Invoker
	dispatcher *invoker.Dispatcher

	mu  sync.Mutex
	out *json.Encoder
}

// runMember runs a member until it fails: it is killed before.
func runMember(config string) error {
	var c memberConfig
	if err := json.Unmarshal([]byte(config), &c); err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	elector, err := c.elector(log)
	if err != nil {
		return err
	}
	s, err := scheduler.New(mesosengine.SchedulerConfig(scheduler.Config{
		Master: c.Master, Framework: scheduler.Framework{Name: owner, FailoverTimeout: time.Hour}, Logger: log,
	}))
	if err != nil {
		return err
	}
	engine, err := mesosengine.New(s, mesosengine.Config{Network: "bridge"})
	if err != nil {
		return err
	}
	inv, err := invoker.New(invoker.Config{Owner: owner, Engine: engine, Logger: log})
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", c.API)
	if err != nil {
		return err
	}
	server, err := controlapi.New(controlapi.Config{Framework: s, Elector: elector, Routes: httpapi.Routes(inv)})
	if err != nil {
		return err
	}
	client, err := controlapi.NewClient(controlapi.ClientConfig{Addresses: c.APIs})
	if err != nil {
		return err
	}
	dispatcher, err := invoker.NewDispatcher(invoker.DispatcherConfig{
		Control: invoker.FirstOf(inv.Control(), httpapi.NewControl(client)), Name: c.Name, Engine: engine, Logger: log,
	})
	if err != nil {
		return err
	}
	m := &member{elector: elector, invoker: inv, dispatcher: dispatcher, out: json.NewEncoder(os.Stdout)}
	ctx := context.Background()
	ended := make(chan error, 4)
	go func() { ended <- server.Serve(ctx, listener) }()
	go func() { ended <- ha.Run(ctx, elector, s, inv.Lead) }()
	go func() { ended <- dispatcher.Run(ctx) }()
	go func() { ended <- m.serve(ctx) }()
	return <-ended
}

func (c memberConfig) elector(log *slog.Logger) (ha.Elector, error) {
	if c.ZooKeeper != "" {
		return zookeeper.New(zookeeper.Config{Address: c.ZooKeeper, ID: fmt.Sprint(c.Name, "-", os.Getpid()), API: c.API, SessionTimeout: 2 * time.Second, Logger: log})
	}
	return cluster.New(cluster.Config{
		Name: owner, ID: c.Name, Dir: c.Dir, GossipBind: c.Gossip, RaftBind: c.Raft, API: c.API, Seeds: c.Seeds, Preset: cluster.PresetLAN, Logger: log,
	})
}

// serve answers requests until there are no more.
func (m *member) serve(ctx context.Context) error {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var r request
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			return err
		}
		go m.tell(m.answer(ctx, r))
	}
	return lines.Err()
}

func (m *member) tell(a answer) {
	m.mu.Lock()
	defer m.mu.Unlock()
	_ = m.out.Encode(a)
}

func (m *member) answer(ctx context.Context, r request) answer {
	a := answer{ID: r.ID}
	switch r.What {
	case "status":
		status := m.elector.Status()
		a.Term, a.Leads, a.Epoch = status.Term, status.Leads(), m.dispatcher.Stats().Epoch
	case "containers":
		a.Containers = []string{}
		for info := range m.invoker.Containers(ctx) {
			a.Containers = append(a.Containers, info.ID)
		}
	default:
		m.run(ctx, r, &a)
	}
	return a
}

func (m *member) run(ctx context.Context, r request, a *answer) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	body, _ := json.Marshal(params{Millis: r.Millis, Pad: strings.Repeat("x", r.Pad)}) // never fails
	action := &invoker.Action{
		Namespace: "guest", Name: "/guest/" + r.Action, Kind: "work", Image: image, Code: "work", Memory: 64, Timeout: timeLimit,
	}
	result, err := m.dispatcher.Invoke(ctx, action, invoker.Activation{ID: r.ID, Params: body})
	if err != nil {
		a.Error = err.Error()
		return
	}
	a.Status, a.Start, a.Wait, a.Body = result.Status, result.Start, result.Wait, result.Body
}
