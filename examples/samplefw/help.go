package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// printHelp prints what a command does, examples, its commands, and its flags by group.
func printHelp(cmd *cobra.Command) {
	to := cmd.OutOrStdout()
	about := cmd.Long
	if about == "" {
		about = cmd.Short + "."
	}
	fmt.Fprintf(to, "%s\n\nUsage: %s\n", strings.TrimSpace(about), cmd.UseLine())
	if cmd.HasSubCommands() {
		fmt.Fprintf(to, "       %s COMMAND [flags]\n", cmd.CommandPath())
	}
	if cmd.Example != "" {
		fmt.Fprintf(to, "\nExamples:\n%s\n", strings.TrimRight(cmd.Example, "\n "))
	}
	printCommands(to, cmd)
	printFlags(to, cmd)
	if cmd.Root() == cmd {
		fmt.Fprint(to, `
Each flag can also be set by the environment, such as SAMPLEFW_TASKS=5, or by a file, see --config. The command line goes
before the environment, and that before the file. "samplefw COMMAND --help" has the flags of a command.

Exit codes: 0 success, 1 failure, 2 a mistake in flags or arguments. "submit --wait ended" exits with the status of the task.
`)
	}
}

// printCommands prints the commands below one, by group.
func printCommands(to io.Writer, cmd *cobra.Command) {
	for _, group := range cmd.Groups() {
		fmt.Fprintf(to, "\n%s:\n", group.Title)
		for _, c := range cmd.Commands() {
			if c.GroupID == group.ID && (c.IsAvailableCommand() || c.Name() == "help") {
				fmt.Fprintf(to, "  %-12s%s\n", c.Name(), c.Short)
			}
		}
	}
	if len(cmd.Groups()) == 0 && cmd.HasAvailableSubCommands() {
		fmt.Fprintln(to, "\nCommands:")
		for _, c := range cmd.Commands() {
			fmt.Fprintf(to, "  %-12s%s\n", c.Name(), c.Short)
		}
	}
}

// printFlags prints the flags of a command, by group.
func printFlags(to io.Writer, cmd *cobra.Command) {
	var titles []string
	groups := map[string]*pflag.FlagSet{}
	add := func(f *pflag.Flag) {
		title := ungrouped
		if in := f.Annotations[inGroup]; in != nil {
			title = in[0]
		}
		if groups[title] == nil {
			groups[title] = pflag.NewFlagSet(title, pflag.ContinueOnError)
			groups[title].SortFlags = false
			if title != ungrouped {
				titles = append(titles, title)
			}
		}
		groups[title].AddFlag(f)
	}
	cmd.LocalFlags().VisitAll(add)
	cmd.InheritedFlags().VisitAll(add)
	for _, title := range append(titles, ungrouped) {
		if flags := groups[title]; flags != nil && flags.HasAvailableFlags() {
			fmt.Fprintf(to, "\n%s:\n%s", title, flags.FlagUsagesWrapped(width(to)))
		}
	}
}
