// Package plugins runs backends, partitioners and evaluators as processes of
// their own, over go-plugin's gRPC.
//
// # For authors
//
// A plugin is a program whose main is one call: [ServePartitioner],
// [ServeEvaluator] or [ServeBackend]. Its binary is named
// stepwise-partitioner-NAME (or -backend-, -evaluator-) and dropped into the
// plugin folder; NAME is then what a configuration says. `stepwise plugin new`
// writes such a program with its tests ([WriteTemplate]). In other languages,
// proto/stepwise.proto is the contract and python/ an example.
//
// Whatever the plugin prints, on standard output or standard error, reaches the
// user's log and disturbs nothing. Progress and notes go through
// core.ReporterFrom. The options are checked before any work: refuse what is
// unknown with core.Options.Decode. When stepwise ends, even by SIGKILL, the
// plugin and its children are ended.
//
// # For the host
//
// A [Manager] finds plugins by kind and name and opens them. What it opens
// implements core's interfaces; behind it is one process, which Close ends.
// What is built into the host takes the same road: the host's own binary is
// started again and calls [ServeBuiltin].
//
// A plugin that dies is not started again, for a dead backend has lost its
// optimizer's state: calls fail with [ErrPluginExited] and the last lines that it
// printed.
package plugins
