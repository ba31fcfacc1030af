//go:build libtorch

// Stepwise-backend-libtorch is the libtorch backend as a plugin of stepwise.
// backends/libtorch/install.sh builds it into the plugin folder.
package main

import (
	"github.com/stepwise-dpo/stepwise/backends/libtorch"
	"github.com/stepwise-dpo/stepwise/plugins"
)

func main() { plugins.ServeBackend(libtorch.New()) }
