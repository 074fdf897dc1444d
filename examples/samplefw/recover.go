package main

import (
	"context"
	"flag"
	"fmt"
	"strings"

	"github.com/mesos-actor/mesos-actor-go/ha/cluster"
)

// runRecover is "samplefw recover": what an operator does after the majority of the members was lost for good.
func runRecover(_ context.Context, args []string) error {
	f := flag.NewFlagSet("samplefw recover", flag.ContinueOnError)
	dir := f.String("dir", "", "directory of a member that does not run")
	alone := f.Bool("alone", false, "make this member the only voter; without it nothing is changed")
	if err := parseFlags(f, args); err != nil {
		return err
	}
	if err := check(f, rule{*dir != "", "-dir %q (required)", *dir}, noArguments(f)); err != nil {
		return err
	}
	found, err := cluster.Recover(cluster.Config{Name: "samplefw", Dir: *dir, Preset: cluster.PresetLocal}, !*alone)
	if err != nil {
		return err
	}
	fmt.Printf("last entry %d\nvoters     %s\n", found.LastIndex, plain("%s", strings.Join(found.Members, ", ")))
	if !*alone {
		fmt.Printf("member     %s\n", plain("%s", found.ID))
		fmt.Println("\nNothing was changed. Compare the last entries of all directories that are left, and recover the one with the highest:")
		fmt.Println("what the lost members had stored and that one had not received is lost. Members that were lost must not come")
		fmt.Println("back with their old directories.")
		return nil
	}
	fmt.Printf("records    %d\n\nThose were the voters; now the only one is this member, whose new ID is %s.\nStart it again, then the others with empty directories.\n", found.Records, plain("%s", found.ID))
	return nil
}
