package main

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain makes the test binary serve as the command itself: for scripts, and
// for the built-in plugins, which are the host's binary started again.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "plugin" && os.Args[2] == "serve" {
		main()
	}
	testscript.Main(m, map[string]func(){"stepwise": main})
}

// TestScripts runs what users type; see testdata/*.txtar.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata", RequireExplicitExec: true})
}

// runCommandLine runs the command line in this process and returns what it printed.
func runCommandLine(t *testing.T, stdin string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errw bytes.Buffer
	code = execute(args, strings.NewReader(stdin), &out, &errw)
	return out.String(), errw.String(), code
}

// mustRun demands success.
func mustRun(t *testing.T, args ...string) (stdout string) {
	t.Helper()
	return mustPipe(t, "", args...)
}

// mustPipe is mustRun with a standard input.
func mustPipe(t *testing.T, stdin string, args ...string) (stdout string) {
	t.Helper()
	out, errw, code := runCommandLine(t, stdin, args...)
	if code != 0 {
		t.Fatalf("stepwise %s: exit %d\n%s%s", strings.Join(args, " "), code, out, errw)
	}
	return out
}
