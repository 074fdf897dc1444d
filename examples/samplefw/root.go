package main

import (
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// newRoot returns the tool. Without a command it does what the command run does.
func newRoot() *cobra.Command {
	root := runCommand()
	root.Use, root.Version = "samplefw", version()
	root.Long = `Runs a Mesos framework, alone or as one of several members, and uses one that runs:
submits tasks, lists and kills them, says why they are pending, and reads their output.

Without a command it does what "samplefw run" does.`
	root.SilenceErrors, root.SilenceUsage = true, true // main prints errors
	root.SuggestionsMinimumDistance = 2                // so many letters may be wrong
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error { return settle(cmd) }
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return misused(cmd, "%w", err) })
	root.SetHelpFunc(func(cmd *cobra.Command, _ []string) { printHelp(cmd) })
	root.SetVersionTemplate("samplefw {{.Version}}\n")
	root.PersistentFlags().String("config", "", "`FILE` with values for flags, as YAML or JSON: master: http://host:5050")
	root.SetGlobalNormalizationFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		if name == "cmd" {
			name = "command"
		}
		return pflag.NormalizedName(name)
	})
	root.AddGroup(&cobra.Group{ID: groupRun, Title: "Run a framework"}, &cobra.Group{ID: groupUse, Title: "Use one that runs"},
		&cobra.Group{ID: groupTool, Title: "More"})
	root.SetHelpCommandGroupID(groupTool)
	root.SetCompletionCommandGroupID(groupTool)
	root.AddCommand(runCommand(), memberCommand(new(haOptions)), clusterCommand(), demoCommand(), recoverCommand(),
		membersCommand(), lsCommand(), submitCommand(), killCommand(), explainCommand(), historyCommand(),
		logsCommand(), watchCommand())
	return root
}

// The groups of commands in the help.
const (
	groupRun  = "run"
	groupUse  = "use"
	groupTool = "tool"
)

// version returns what the Go toolchain has noted of the program's source.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "of unknown source"
	}
	parts := []string{info.Main.Version, "with", info.GoVersion}
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision" && !strings.Contains(info.Main.Version, s.Value[:min(12, len(s.Value))]):
			parts = append(parts, "from", s.Value)
		case s.Key == "vcs.modified" && s.Value == "true" && !strings.HasSuffix(info.Main.Version, "+dirty"):
			parts = append(parts, "with changes")
		}
	}
	return strings.Join(parts, " ")
}

// withTwoDashes returns the arguments with -master as --master: earlier versions had a single dash before all flags. Only
// names that are flags are changed: not -o, not the value of a flag, and not what follows --.
func withTwoDashes(root *cobra.Command, args []string) []string {
	known := allFlags(root)
	result := make([]string, 0, len(args))
	isValue := false
	for i, arg := range args {
		if arg == "--" {
			return append(result, args[i:]...)
		}
		name, _, hasValue := strings.Cut(strings.TrimLeft(arg, "-"), "=")
		f := known[name]
		if isValue || f == nil || len(name) < 2 || !strings.HasPrefix(arg, "-") {
			f = nil
		}
		if f != nil && !strings.HasPrefix(arg, "--") {
			arg = "-" + arg
		}
		isValue = f != nil && !hasValue && f.NoOptDefVal == ""
		result = append(result, arg)
	}
	return result
}

// allFlags returns the flags of all commands by name.
func allFlags(root *cobra.Command) map[string]*pflag.Flag {
	all := map[string]*pflag.Flag{}
	add := func(f *pflag.Flag) { all[f.Name] = f }
	root.PersistentFlags().VisitAll(add)
	for _, cmd := range append(root.Commands(), root) {
		cmd.Flags().VisitAll(add)
	}
	return all
}

// plainUsage takes the marks from the usage of flags, which completion shows as it is.
func plainUsage(root *cobra.Command) {
	for _, cmd := range append(root.Commands(), root) {
		cmd.Flags().VisitAll(func(f *pflag.Flag) { f.Usage = strings.ReplaceAll(f.Usage, "`", "") })
	}
}
