package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/clmgr/clmgr/pkg/manager"
)

func newConfigTemplateCommand(a *app) *cobra.Command {
	modes := slices.Sorted(maps.Keys(manager.Templates()))
	return &cobra.Command{
		Use:   "template MODE",
		Short: "Write the template that a mode's configuration is made of",
		Long: `Write the template that the configuration of managed services of a mode is made of, to
start from: the key template of a service names a file to be used instead. MODE is one of
` + strings.Join(modes, ", ") + `.

It is in the language of Go's text/template. A configuration without what clmgr depends on
is refused, as is what the program itself does not understand: then the old one stays.`,
		Example:   "  clmgr config template haproxy >haproxy.cfg.tmpl",
		Args:      cobra.ExactArgs(1),
		ValidArgs: modes,
		RunE:      func(_ *cobra.Command, args []string) error { return runConfigTemplate(a, args[0], modes) },
	}
}

func runConfigTemplate(a *app, mode string, modes []string) error {
	text, is := manager.Templates()[mode]
	if !is {
		return fmt.Errorf("cannot write template: there is none of %q, only of %s", mode, strings.Join(modes, ", "))
	}
	_, err := io.WriteString(a.out, text)
	return err
}
