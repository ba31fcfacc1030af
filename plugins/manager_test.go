//go:build unix

package plugins

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/coretest"
)

func TestSearchOrder(t *testing.T) {
	link := func(dir, name string) string {
		path := filepath.Join(dir, filePrefix+name)
		if err := os.Symlink(os.Args[0], path); err != nil {
			t.Fatal(err)
		}
		return path
	}
	dir, env, elsewhere := t.TempDir(), t.TempDir(), t.TempDir()
	t.Setenv(DirVariable, env)
	m := testManager()
	m.Dir = dir
	inDir := link(dir, "partitioner-one")
	inEnv := link(env, "partitioner-two")
	link(dir, "partitioner-both")
	link(env, "partitioner-both")
	link(dir, "partitioner-by-gamma")
	given := link(elsewhere, "anything")
	m.Paths = map[string]string{"partitioner-both": given}

	want := func(name, path string, texts ...string) {
		t.Helper()
		info, err := m.Find(KindPartitioner, name)
		switch {
		case texts != nil:
			wantText(t, err, texts...)
		case err != nil || info.Path != path:
			t.Errorf("%s is at %q, %v; want %q", name, info.Path, err, path)
		}
	}
	want("one", inDir)
	want("two", inEnv)
	want("both", given)
	want("prints", os.Args[0])
	want("by-gamma", "", "more than once", dir, "built in")
	want("none", "", `no partitioner "none"`, "big, both, by-gamma, children", "stepwise-partitioner-none", dir, env)
	m.Paths = nil
	want("both", "", "more than once", dir, env)
	// The same folder twice is one folder.
	m.Dir = env + "/."
	want("two", filepath.Join(env, filePrefix+"partitioner-two"))
}

func TestOpenByPath(t *testing.T) {
	m := testManager()
	path := filepath.Join(t.TempDir(), "my own name")
	if err := os.Symlink(os.Args[0], path); err != nil {
		t.Fatal(err)
	}
	m.Paths = map[string]string{"partitioner-mine": path}
	p, err := m.OpenPartitioner(t.Context(), "mine", core.Options{"ascending": true})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if _, err := p.Partition(t.Context(), coretest.Sources(), newScorer()); err != nil {
		t.Error(err)
	}
}

func TestList(t *testing.T) {
	m := stranger(t, "partitioner-mine", "backend-backend-in-disguise", "evaluator-broken")
	for file, content := range map[string]string{"README.md": "", filePrefix + "partitioner-BAD": "", filePrefix + "thing-x": ""} {
		if err := os.WriteFile(filepath.Join(m.Dir, file), []byte(content), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	infos, err := m.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, i := range infos {
		names = append(names, key(i.Kind, i.Name))
		if len(i.SHA256) != 64 || i.Path == "" {
			t.Errorf("incomplete: %+v", i)
		}
		if i.Builtin && i.Version != "1.2.3-test" {
			t.Errorf("version of what is built in: %+v", i)
		}
		if broken := i.Name == "broken"; broken != (i.Error != "") || broken == (i.Version != "") {
			t.Errorf("version or error: %+v", i)
		}
	}
	want := []string{
		"backend-backend-in-disguise", "backend-idle", "backend-panic", "backend-slow", "backend-tiny",
		"partitioner-big", "partitioner-by-gamma", "partitioner-children", "partitioner-hangs", "partitioner-mine", "partitioner-prints",
		"evaluator-asks", "evaluator-broken", "evaluator-echo", "evaluator-exits", "evaluator-gamma",
	}
	if !slices.Equal(names, want) {
		t.Errorf("plugins %v, want %v", names, want)
	}
	raw, err := json.Marshal(infos[0])
	if err != nil || !strings.HasPrefix(string(raw), `{"kind":"backend","name":"backend-in-disguise","path":`) {
		t.Errorf("as JSON: %s, %v", raw, err)
	}
}

// A built-in plugin says the same version when it is asked.
func TestBuiltinVersion(t *testing.T) {
	if v := rungs[1].open(t, KindPartitioner, "by-gamma").Info().Version; v != "1.2.3-test" {
		t.Errorf("version %q", v)
	}
}

func TestBuiltinThatIsNotThere(t *testing.T) {
	wantText(t, ServeBuiltin(KindPartitioner, "nothing", testBuiltins), `no partitioner "nothing" is built in`)
	wantText(t, ServeBuiltin("thing", "nothing", testBuiltins), "unknown kind")
}

// Started by hand, a plugin says what it is.
func TestStartedByHand(t *testing.T) {
	if os.Getenv("SERVE_BY_HAND") != "" {
		ServePartitioner(newByGamma)
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestStartedByHand$")
	cmd.Env = append(os.Environ(), "SERVE_BY_HAND=1")
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "this is a partitioner plugin of stepwise: put it into the plugin folder") {
		t.Errorf("%v: %s", err, out)
	}
}

func TestEnvironment(t *testing.T) {
	host := []string{
		"PATH=/bin", "LC_ALL=C", "SECRET=1", "API_KEY=k", "PLUGIN_UNIX_SOCKET_DIR=/elsewhere", "PLUGIN_MIN_PORT=1",
		cookieKey + "=" + cookieValue, "STEPWISE_PLUGIN_DIR=/plugins", "MY_ONE=1",
	}
	want := []string{"PATH=/bin", "LC_ALL=C", "API_KEY=k", "STEPWISE_PLUGIN_DIR=/plugins", "MY_ONE=1"}
	if got := environment(host, []string{"API_KEY", "MY_*"}); !slices.Equal(got, want) {
		t.Errorf("environment %v, want %v", got, want)
	}
}

func TestOptionsCross(t *testing.T) {
	options := core.Options{
		"whole": int64(1<<62 + 1), "real": 0.1, "text": "a\nb", "yes": true,
		"list": []any{int64(1), 2.5, []any{"x"}}, "table": map[string]any{"n": int64(3)},
	}
	text, err := toOptions(options)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := fromOptions(text); err != nil || !reflect.DeepEqual(got, options) {
		t.Errorf("options %#v, %v; want %#v", got, err, options)
	}
	_, err = toOptions(core.Options{"f": func() {}})
	wantText(t, err, "options: ")
	_, err = fromOptions("[]")
	wantText(t, err, "options: ")
}
