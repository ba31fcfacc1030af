package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestImportExitCodes: 2 for names that are wrong, 1 for a hub that is out of order.
func TestImportExitCodes(t *testing.T) {
	status := http.StatusOK
	hub := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(status) }))
	defer hub.Close()
	t.Setenv("HF_ENDPOINT", hub.URL)
	t.Setenv("HF_HOME", t.TempDir())
	t.Setenv("HF_HUB_OFFLINE", "")
	dir := t.TempDir()
	full, none, broken := filepath.Join(dir, "full"), filepath.Join(dir, "none"), filepath.Join(dir, "x.gguf")
	if err := os.WriteFile(broken, []byte("GGML"), 0o644); err != nil {
		t.Fatal(err)
	}
	model := filepath.Join(filepath.Dir(example(t)), "model")
	mustRun(t, "import", model, full)
	for _, c := range []struct {
		from, to string
		status   int // of the hub's answer
		code     int
		want     string
	}{
		{none + "/", none, 0, 2, "no such file"},
		{dir, none, 0, 2, "config.json"},
		{broken, none, 0, 2, "not a GGUF file"},
		{model, full, 0, 2, "not empty"},
		{model, broken, 0, 2, "not a directory"},
		{"ORG/NAME", none, http.StatusNotFound, 2, "does not have it"},
		{"ORG/NAME", none, http.StatusForbidden, 2, "HF_TOKEN"},
		{"ORG/NAME", none, http.StatusTeapot, 1, "unexpected answer"},
		{model, "/dev/null/x", 0, 2, "not a directory"},
	} {
		status = c.status
		if _, errs, code := runCommandLine(t, "", "import", c.from, c.to); code != c.code || !strings.Contains(errs, c.want) {
			t.Errorf("import %s %s: exit %d, %s", c.from, c.to, code, errs)
		}
	}
}
