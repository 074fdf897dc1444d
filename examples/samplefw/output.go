package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// output is the form in which a command prints its answer.
type output struct {
	format string
	forms  []string
}

// flags adds --output. Forms are those beside json; the first is the default.
func (o *output) flags(cmd *cobra.Command, forms ...string) {
	o.forms = append(forms, "json")
	grouped(cmd, outputGroup, func(f *pflag.FlagSet) {
		f.StringVarP(&o.format, "output", "o", forms[0], strings.Join(forms, ", ")+" or json")
	})
	completeFixed(cmd, "output", o.forms...)
}

func (o *output) rule() rule {
	last := len(o.forms) - 1
	return rule{slices.Contains(o.forms, o.format), "--output %q (" + strings.Join(o.forms[:last], ", ") + " or " + o.forms[last] + ")", o.format}
}

func (o *output) json() bool { return o.format == "json" }

// completeFixed says what values a flag can have.
func completeFixed(cmd *cobra.Command, flag string, values ...string) {
	_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)) // the flag is there
}

// printJSON writes one value as one line.
func printJSON(to io.Writer, v any) error {
	encoder := json.NewEncoder(to)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return fmt.Errorf("the answer cannot be printed: %w", err)
	}
	return nil
}
