package main

import (
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/mesos-actor/mesos-actor-go/ha"
	"github.com/mesos-actor/mesos-actor-go/ha/cluster"
	"github.com/mesos-actor/mesos-actor-go/ha/zookeeper"
)

// haOptions are the flags of a member.
type haOptions struct {
	workload
	access
	service
	log string

	name, zk                 string
	dir, gossip, raft, seeds string
	preset                   preset
	expect                   int
	deadAfter                time.Duration
}

func memberCommand(o *haOptions) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "ha",
		GroupID: groupRun,
		Short:   "Runs the framework as one of several processes, of which one leads",
		Example: `  samplefw ha --name m1 --dir m1 --gossip 127.0.0.1:7101 --raft 127.0.0.1:7201 --seeds 127.0.0.1:7102,127.0.0.1:7103
  samplefw ha --name m1 --zk zk://host:2181/frameworks/samplefw --master zk://host:2181/mesos`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.check(cmd); err != nil {
				return err
			}
			return runMember(cmd.Context(), *o)
		},
	}
	grouped(cmd, "Election", func(f *pflag.FlagSet) {
		f.StringVar(&o.name, "name", "", "name of this member, for people (default: a made-up one)")
		f.StringVar(&o.dir, "dir", "", "`DIRECTORY` of this member alone, for its state (default: memory)")
		f.StringVar(&o.gossip, "gossip", "127.0.0.1:0", "IP:port at which members find each other, over UDP and TCP")
		f.StringVar(&o.raft, "raft", "127.0.0.1:0", "IP:port for the election and the state, over TCP")
		f.StringVar(&o.seeds, "seeds", "", "gossip addresses of other members, one's own among them or not, with commas between")
		f.IntVar(&o.expect, "expect", 3, "how many members vote: 1, 3 or 5")
		f.Var(&o.preset, "preset", "`PRESET` local, lan or wan: how far members are apart")
		f.DurationVar(&o.deadAfter, "dead-after", 5*time.Minute, "after how long a dead member loses its vote to one in reserve")
		f.StringVar(&o.zk, "zk", "", "ZooKeeper that elects and keeps the state in place of the members, such as "+
			"zk://host:2181/frameworks/samplefw; --dir, --gossip, --raft, --seeds, --expect, --preset and --dead-after "+
			"are not used then (with a password rather in the environment, as SAMPLEFW_ZK)")
	})
	o.service.flags(cmd)
	grouped(cmd, "Tasks", o.workload.flags)
	o.access.flags(cmd, "http://127.0.0.1:5050", "a master, a list of them, or their ZooKeeper (zk://host:2181/mesos)")
	logFlag(cmd, &o.log)
	return cmd
}

func (o *haOptions) check(cmd *cobra.Command) error {
	if err := check(cmd, rule{o.tasks >= 0, "--tasks %d (at least 0)", o.tasks}, logRule(o.log)); err != nil {
		return err
	}
	return o.service.check(cmd)
}

// elector returns this member of the election. The others learn from it where its API is.
func (o haOptions) elector(api string, log *slog.Logger) (ha.Elector, error) {
	if o.zk != "" {
		return zookeeper.New(zookeeper.Config{Address: o.zk, ID: o.name, API: api, Logger: log})
	}
	c := cluster.Config{
		Name: "samplefw", ID: o.name, Dir: o.dir, Expect: o.expect, GossipBind: o.gossip, RaftBind: o.raft, API: api,
		Preset: cluster.Preset(o.preset), DeadAfter: o.deadAfter, Logger: log,
	}
	if o.seeds != "" {
		c.Seeds = strings.Split(o.seeds, ",")
	}
	return cluster.New(c)
}

// preset is a cluster.Preset as a flag.
type preset cluster.Preset

func (p *preset) names() map[string]cluster.Preset {
	return map[string]cluster.Preset{"lan": cluster.PresetLAN, "local": cluster.PresetLocal, "wan": cluster.PresetWAN}
}

// Type implements pflag.Value.
func (p *preset) Type() string { return "preset" }

// Set implements pflag.Value.
func (p *preset) Set(name string) error {
	value, known := p.names()[name]
	if !known {
		return fmt.Errorf("must be lan, local or wan")
	}
	*p = preset(value)
	return nil
}

// String implements pflag.Value.
func (p *preset) String() string {
	for name, value := range p.names() {
		if preset(value) == *p {
			return name
		}
	}
	return ""
}
