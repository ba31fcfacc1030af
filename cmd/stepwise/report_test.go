package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestReportExitCodes: 2 for names that are wrong, all at once; 1 for a run whose
// files are broken.
func TestReportExitCodes(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"config.toml": "", "summary.json": "{"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	none := filepath.Join(dir, "none")
	for _, c := range []struct {
		args string
		code int
		want []string
	}{
		{none + " --out " + none + "/x.html", 2, []string{"is no run's folder", "--out"}},
		{dir + " --out " + dir, 2, []string{"is a folder"}},
		{dir + " --out " + none + ".html", 1, []string{"summary.json"}},
	} {
		_, errs, code := runCommandLine(t, "", append([]string{"report"}, strings.Fields(c.args)...)...)
		if code != c.code {
			t.Errorf("report %s: exit %d, %s", c.args, code, errs)
		}
		for _, want := range c.want {
			if !strings.Contains(errs, want) {
				t.Errorf("report %s: %s, want %q", c.args, errs, want)
			}
		}
	}
}
