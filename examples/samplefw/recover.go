package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/mesos-actor/mesos-actor-go/ha/cluster"
)

// recoverCommand is what an operator uses after the majority of the members was lost for good.
func recoverCommand() *cobra.Command {
	var dir string
	var alone bool
	cmd := &cobra.Command{
		Use:     "recover",
		GroupID: groupRun,
		Short:   "Helps when the majority of the members is lost for good",
		Example: `  samplefw recover --dir m3            # says what is there, changes nothing
  samplefw recover --dir m3 --alone    # m3 is the only voter from now on`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := check(cmd, rule{dir != "", "--dir %q (required)", dir}); err != nil {
				return err
			}
			return recoverMember(dir, alone)
		},
	}
	grouped(cmd, "Member", func(f *pflag.FlagSet) {
		f.StringVar(&dir, "dir", "", "`DIRECTORY` of a member that does not run")
		f.BoolVar(&alone, "alone", false, "make this member the only voter; without it nothing is changed")
		byHand(f, "alone")
	})
	return cmd
}

func recoverMember(dir string, alone bool) error {
	found, err := cluster.Recover(cluster.Config{Name: "samplefw", Dir: dir, Preset: cluster.PresetLocal}, !alone)
	if err != nil {
		return err
	}
	fmt.Printf("last entry %d\nvoters     %s\n", found.LastIndex, plain("%s", strings.Join(found.Members, ", ")))
	if !alone {
		fmt.Printf("member     %s\n", plain("%s", found.ID))
		fmt.Println("\nNothing was changed. Compare the last entries of all directories that are left, and recover the one with the highest:")
		fmt.Println("what the lost members had stored and that one had not received is lost. Members that were lost must not come")
		fmt.Println("back with their old directories.")
		return nil
	}
	fmt.Printf("records    %d\n\nThose were the voters; now the only one is this member, whose new ID is %s.\nStart it again, then the others with empty directories.\n", found.Records, plain("%s", found.ID))
	return nil
}
