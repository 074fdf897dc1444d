package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/mesos-actor/mesos-actor-go/ha/cluster"
)

// recoverCommand is what an operator uses after the majority of the members was lost for good.
func recoverCommand() *cobra.Command {
	var dir string
	var alone bool
	var o output
	cmd := &cobra.Command{
		Use:     "recover",
		GroupID: groupRun,
		Short:   "Helps when the majority of the members is lost for good",
		Example: `  samplefw recover --dir m3            # says what is there, changes nothing
  samplefw recover --dir m3 --alone    # m3 is the only voter from now on`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := check(cmd, o.rule(), rule{dir != "", "--dir %q (required)", dir}); err != nil {
				return err
			}
			found, err := cluster.Recover(cluster.Config{Name: "samplefw", Dir: dir, Preset: cluster.PresetLocal}, !alone)
			switch {
			case err != nil:
				return err
			case o.json():
				return printJSON(cmd.OutOrStdout(), found)
			}
			printRecovery(cmd.OutOrStdout(), found, alone)
			return nil
		},
	}
	grouped(cmd, "Member", func(f *pflag.FlagSet) {
		f.StringVar(&dir, "dir", "", "`DIRECTORY` of a member that does not run")
		f.BoolVar(&alone, "alone", false, "make this member the only voter; without it nothing is changed")
		byHand(f, "alone")
	})
	o.flags(cmd, "text")
	return cmd
}

// printRecovery writes for people what was found in the directory, and done.
func printRecovery(to io.Writer, found cluster.Recovery, alone bool) {
	fmt.Fprintf(to, "last entry %d\nvoters     %s\n", found.LastIndex, plain("%s", strings.Join(found.Members, ", ")))
	if alone {
		fmt.Fprintf(to, `records    %d

Those were the voters; now the only one is this member, whose new ID is %s.
Start it again, then the others with empty directories.
`, found.Records, plain("%s", found.ID))
		return
	}
	fmt.Fprintf(to, `member     %s

Nothing was changed. Compare the last entries of all directories that are left, and recover the one with the highest:
what the lost members had stored and that one had not received is lost. Members that were lost must not come
back with their old directories.
`, plain("%s", found.ID))
}
