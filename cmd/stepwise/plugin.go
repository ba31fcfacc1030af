package main

import (
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/stepwise-dpo/stepwise/plugins"
)

func (a *app) pluginCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "plugin",
		Short: "List plugins, or begin one",
		Args:  noArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(a.pluginListCommand(), a.pluginNewCommand(), servePluginCommand())
	return c
}

func (a *app) pluginListCommand() *cobra.Command {
	var dir string
	var asJSON bool
	c := &cobra.Command{
		Use:     "list",
		Short:   "What would be loaded, from where",
		Example: `  stepwise plugin list --plugins plugins --json`,
		Args:    noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := checkPluginDir(dir); err != nil {
				return err
			}
			m := &plugins.Manager{Dir: dir, Builtins: builtins()}
			list, err := m.List(c.Context())
			if err != nil {
				return asUsage(err)
			}
			if asJSON {
				return printJSON(a.out, list)
			}
			w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "kind\tname\tpath\tversion\tsha256\t")
			for _, p := range list {
				path := p.Path
				if p.Builtin {
					path = "built in"
				}
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%.12s\t%s\n", p.Kind, p.Name, path, p.Version, p.SHA256, p.Error)
			}
			return w.Flush()
		},
	}
	c.Flags().StringVar(&dir, "plugins", "", "folder of plugins, besides $STEPWISE_PLUGIN_DIR")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// servePluginCommand is how the host starts what is built in.
func servePluginCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "serve KIND NAME",
		Hidden: true,
		Args:   exactArgs("KIND", "NAME"),
		RunE: func(_ *cobra.Command, args []string) error {
			return plugins.ServeBuiltin(plugins.Kind(args[0]), args[1], builtins())
		},
	}
}

func (a *app) pluginNewCommand() *cobra.Command {
	var sdk string
	c := &cobra.Command{
		Use:   "new KIND NAME DIR",
		Short: "Begin a plugin: a module that builds, passes the conformance suite and is dropped into the plugin folder",
		Long: `KIND is backend, partitioner or evaluator. The module in DIR refers to the
checkout of stepwise that this binary was built from, or to --sdk.`,
		Example: `  stepwise plugin new partitioner mine ./mine
  cd mine && go test . && go build -o ../plugins/stepwise-partitioner-mine .`,
		Args: exactArgs("KIND", "NAME", "DIR"),
		RunE: func(_ *cobra.Command, args []string) error {
			if err := plugins.WriteTemplate(plugins.Kind(args[0]), args[1], args[2], sdk); err != nil {
				return asUsage(err)
			}
			_, err := fmt.Fprintf(a.out, "%s is begun in %s; its README.md says how to go on\n", args[1], args[2])
			return err
		},
	}
	c.Flags().StringVar(&sdk, "sdk", "", "checkout of stepwise")
	return c
}
