// Command stepwise aligns language models with human preferences in steps, and
// measures them. `stepwise help` lists its commands.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/stepwise-dpo/stepwise/core/stepwise"
)

func main() {
	os.Exit(execute(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// app is what the commands share.
type app struct {
	in        io.Reader
	out, err  io.Writer
	interrupt chan struct{} // closed at the first Ctrl-C
	graceful  atomic.Bool   // the first Ctrl-C is left to the command
}

// execute runs the command line and returns the exit code: 2 for bad usage or
// configuration, 1 for work that failed, 130 after Ctrl-C.
func execute(args []string, in io.Reader, out, errw io.Writer) int {
	a := &app{in: in, out: out, err: errw, interrupt: make(chan struct{})}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	defer a.watchSignals(cancel)()
	root := a.root()
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errw)
	return a.exitCode(root.ExecuteContext(ctx))
}

func (a *app) exitCode(err error) int {
	var usage usageError
	switch {
	case err == nil:
		return 0
	case errors.Is(err, stepwise.ErrInterrupted), a.interrupted():
		fmt.Fprintln(a.err, "stepwise:", err)
		return 130
	case errors.As(err, &usage):
		fmt.Fprintln(a.err, "stepwise:", err)
		return 2
	}
	fmt.Fprintln(a.err, "stepwise:", err)
	return 1
}

// usageError is a mistake on the command line or in a configuration.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error {
	return usageError{fmt.Errorf(format, args...)}
}

// asUsage marks err as a mistake of the user's.
func asUsage(err error) error {
	if err == nil {
		return nil
	}
	return usageError{err}
}

// watchSignals closes a.interrupt at the first Ctrl-C and cancels at the
// second, or at the first where the command has no use for it. From then on
// signals are the system's again: the next one ends work that ignores its
// context, such as reading a terminal.
func (a *app) watchSignals(cancel func()) (stop func()) {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	done := make(chan struct{})
	go func() {
		for first := true; ; first = false {
			select {
			case <-done:
				return
			case <-signals:
			}
			if first {
				close(a.interrupt)
			}
			if !first || !a.graceful.Load() {
				cancel()
				signal.Stop(signals)
				fmt.Fprintln(a.err, "stepwise: stopping; Ctrl-C again stops at once")
				return
			}
			fmt.Fprintln(a.err, "stepwise: finishing what is under way and saving; Ctrl-C again stops without saving")
		}
	}()
	return func() {
		signal.Stop(signals)
		close(done)
	}
}

func (a *app) interrupted() bool {
	select {
	case <-a.interrupt:
		return true
	default:
		return false
	}
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "stepwise",
		Short: "Align language models with human preferences, one step after another",
		Long: `stepwise aligns a language model with human preferences in steps (stepwise DPO):
each step's result is the reference and the starting point of the next.`,
		Example: `  stepwise demo                         # the whole method on an embedded example
  stepwise run examples/smollm2/run.toml
  stepwise eval --model runs/smollm2/step-2/model --tasks h4 --data bench`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          noArgs,
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usagef("%w; see `%s --help`", err, c.CommandPath())
	})
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(
		a.demoCommand(), a.runCommand(), a.evalCommand(), a.scoreCommand(), a.gammaCommand(),
		a.partitionCommand(), a.showCommand(), a.importCommand(), a.benchCommand(),
		a.pluginCommand(), a.reportCommand(), a.doctorCommand(), a.versionCommand(),
	)
	return root
}

// noArgs refuses arguments; an unknown command is one.
func noArgs(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usagef("unknown command %q for %q; see `%s --help`", args[0], c.CommandPath(), c.CommandPath())
	}
	return nil
}

// exactArgs demands the named arguments.
func exactArgs(names ...string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) != len(names) {
			return usagef("%s wants %d arguments, not %d; usage: %s", c.CommandPath(), len(names), len(args), c.UseLine())
		}
		return nil
	}
}
