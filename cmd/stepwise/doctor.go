package main

import (
	"fmt"
	"os"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/stepwise-dpo/stepwise/plugins"
)

func (a *app) doctorCommand() *cobra.Command {
	var dir string
	c := &cobra.Command{
		Use:   "doctor",
		Short: "What works on this machine, and how to mend what does not",
		Args:  noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			fmt.Fprintf(a.out, "stepwise %s%s on %s/%s, %d processors\n", version, commit(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU())
			if err := checkPluginDir(dir); err != nil {
				return err
			}
			m := &plugins.Manager{Dir: dir, Builtins: builtins()}
			list, err := m.List(c.Context())
			if err != nil {
				return err
			}
			hasLibtorch := false
			for _, p := range list {
				fmt.Fprintf(a.out, "%-12s %-16s %s\n", p.Kind, p.Name, health(p))
				hasLibtorch = hasLibtorch || p.Kind == plugins.KindBackend && p.Name == "libtorch"
			}
			if !hasLibtorch {
				fmt.Fprintln(a.out, "backend      libtorch         not installed; it is built by backends/libtorch/install.sh of the repository")
			}
			cache, err := os.UserCacheDir()
			if err != nil {
				fmt.Fprintf(a.out, "cache        %v; set HOME or XDG_CACHE_HOME, imported .gguf files are kept there\n", err)
				return nil
			}
			_, err = fmt.Fprintf(a.out, "cache        %s\n", cache)
			return err
		},
	}
	c.Flags().StringVar(&dir, "plugins", "", "folder of plugins, besides $STEPWISE_PLUGIN_DIR")
	return c
}

func health(p plugins.Info) string {
	switch {
	case p.Error != "":
		return "cannot be used: " + p.Error
	case p.Builtin:
		return "built in"
	}
	return p.Path + ", " + p.Version
}
