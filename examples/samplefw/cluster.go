package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/mesos-actor/mesos-actor-go/mesosfake"
)

// This file is the cluster to try the framework on. A framework of your own need not have it.

// startCluster runs a fake cluster in this process and returns the URL of its master.
func startCluster(ctx context.Context, services *sync.WaitGroup) (string, error) {
	cluster, err := newCluster("127.0.0.1:0")
	if err != nil {
		return "", err
	}
	services.Go(func() { _ = cluster.Run(ctx) }) // it ends with ctx
	return cluster.Master(), nil
}

func newCluster(listen string) (*mesosfake.Cluster, error) {
	return mesosfake.New(mesosfake.Config{
		Listen: listen,
		Agents: []mesosfake.Agent{{Attributes: "rack:r1"}, {Attributes: "rack:r2"}, {Attributes: "rack:r3"}},
		Seed:   rand.Uint64(), // one that is started again has other IDs
	})
}

// clusterCommand runs the same cluster in a process of its own, for any client, until it is interrupted.
func clusterCommand() *cobra.Command {
	var address string
	var o output
	cmd := &cobra.Command{
		Use:     "cluster",
		GroupID: groupRun,
		Short:   "Runs a fake cluster alone, for any framework",
		Example: `  samplefw cluster
  samplefw run --master http://127.0.0.1:5050      # in another terminal`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := check(cmd, o.rule()); err != nil {
				return err
			}
			cluster, err := newCluster(address)
			if err != nil {
				return fmt.Errorf("%w (--listen takes another address)", err)
			}
			if err := printCluster(cmd.OutOrStdout(), cluster.Master(), o); err != nil {
				return err
			}
			return cluster.Run(cmd.Context())
		},
	}
	grouped(cmd, "Cluster", func(f *pflag.FlagSet) {
		f.StringVar(&address, "listen", "127.0.0.1:5050", "IP:port of the master; anybody who reaches it controls the cluster")
	})
	o.flags(cmd, "text")
	return cmd
}

// printCluster says where the master is.
func printCluster(to io.Writer, master string, o output) error {
	if o.json() {
		return printJSON(to, map[string]string{"master": master})
	}
	_, err := fmt.Fprintf(to, `A fake Mesos master with three agents of 4 cpus and 4 GiB answers at %[1]s.
It speaks the v1 scheduler API to any client. Nothing is executed: of shell commands it knows sleep, exit, echo and the
like; an image "runs" until it is killed. Nothing outlives this process.

    samplefw run --master %[1]s     a framework that uses it
    curl %[1]s/state                what it knows

Ctrl-C ends it.
`, master)
	return err
}
