package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"
)

// A flag has its value from the command line, else from the environment, else from the file of --config, else its default.

// The annotations of flags.
const (
	inGroup     = "group" // the title in the help that it stands under
	onlyByHand  = "only by hand"
	ungrouped   = "General"
	outputGroup = "Output"
)

// grouped adds the flags that define defines to a command, under a title in its help.
func grouped(cmd *cobra.Command, title string, define func(*pflag.FlagSet)) {
	f := pflag.NewFlagSet(title, pflag.ContinueOnError)
	f.SortFlags, cmd.Flags().SortFlags = false, false
	define(f)
	f.VisitAll(func(fl *pflag.Flag) { annotate(fl, inGroup, title) })
	cmd.Flags().AddFlagSet(f)
}

func annotate(f *pflag.Flag, key string, value ...string) {
	if f.Annotations == nil {
		f.Annotations = map[string][]string{}
	}
	f.Annotations[key] = value
}

// byHand makes flags such as --yes count on the command line only: what a file or the environment confirms nobody has read.
func byHand(f *pflag.FlagSet, names ...string) {
	for _, name := range names {
		annotate(f.Lookup(name), onlyByHand, name)
	}
}

// settled reports whether a flag has its value already, or takes none from elsewhere.
func settled(f *pflag.Flag) bool {
	return f.Changed || f.Annotations[onlyByHand] != nil || f.Name == "help" || f.Name == "version"
}

// variable returns the name of a flag in the environment.
func variable(flag string) string {
	return "SAMPLEFW_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// settle gives the flags that are not on the command line the values of the environment and of the file. An empty variable
// counts as none.
func settle(cmd *cobra.Command) error {
	var failed error
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		name := variable(f.Name)
		value := os.Getenv(name)
		if value == "" || settled(f) || failed != nil {
			return
		}
		if err := cmd.Flags().Set(f.Name, value); err != nil {
			failed = misused(cmd, "%s=%q: %w", name, value, err)
		}
	})
	if failed != nil {
		return failed
	}
	config := cmd.Flags().Lookup("config")
	if config == nil || config.Value.String() == "" {
		return nil
	}
	if err := settleByFile(cmd, config.Value.String()); err != nil {
		return misused(cmd, "--config %s: %w", config.Value, err)
	}
	return nil
}

// settleByFile gives flags the values of a file. It may have those of other commands too, so that one file does for all.
func settleByFile(cmd *cobra.Command, file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var values map[string]yaml.Node // JSON is YAML as well
	if err := yaml.Unmarshal(text, &values); err != nil {
		return err
	}
	known := allFlags(cmd.Root())
	var unknown []string
	for name, node := range values {
		if f := known[name]; f == nil || name == "config" || name == "help" || name == "version" || f.Annotations[onlyByHand] != nil {
			unknown = append(unknown, fmt.Sprintf("%q in line %d", name, node.Line))
		}
	}
	if unknown != nil {
		slices.Sort(unknown)
		return fmt.Errorf("no flag that a file can set has the name %s", strings.Join(unknown, ", "))
	}
	for name, node := range values {
		f := cmd.Flags().Lookup(name)
		if f == nil || settled(f) {
			continue
		}
		if err := setByNode(f, node); err != nil {
			return fmt.Errorf("%s in line %d: %w", name, node.Line, err)
		}
	}
	return nil
}

// setByNode gives a flag the value in a file: a list, for a flag that may be repeated, or the text as it stands there.
func setByNode(f *pflag.Flag, node yaml.Node) error {
	var err error
	many, repeatable := f.Value.(pflag.SliceValue)
	switch {
	case node.Kind == yaml.SequenceNode && repeatable:
		var all []string
		if err = node.Decode(&all); err == nil {
			err = many.Replace(all)
		}
	case node.Kind == yaml.ScalarNode && node.Tag != "!!null":
		err = f.Value.Set(node.Value)
	default:
		err = fmt.Errorf("must be a single value")
	}
	f.Changed = true
	return err
}

// rule is what must hold for an option, and the words for one for which it does not.
type rule struct {
	holds  bool
	format string // of the value
	value  any
}

func logRule(log string) rule {
	return rule{log == "text" || log == "json", "--log %q (text or json)", log}
}

// check returns an error with the options for which the rules do not hold.
func check(cmd *cobra.Command, rules ...rule) error {
	var bad []string
	for _, r := range rules {
		if !r.holds {
			bad = append(bad, fmt.Sprintf(r.format, r.value))
		}
	}
	if bad == nil {
		return nil
	}
	return misused(cmd, "%s", strings.Join(bad, ", "))
}

// misused returns an error that says where help is.
func misused(cmd *cobra.Command, format string, args ...any) error {
	return usageError{fmt.Errorf(format+" (%s --help has help)", append(args, cmd.CommandPath())...)}
}

// noArguments refuses arguments.
func noArguments(cmd *cobra.Command, args []string) error {
	switch {
	case len(args) == 0:
		return nil
	case cmd.HasSubCommands():
		if similar := cmd.SuggestionsFor(args[0]); len(similar) > 0 {
			return misused(cmd, "%q is not a command; is it %s?", args[0], strings.Join(similar, " or "))
		}
		return misused(cmd, "%q is not a command", args[0])
	}
	return misused(cmd, "arguments %q (none)", args)
}
