package plugins

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
)

//go:embed template
var templates embed.FS

const modulePath = "github.com/stepwise-dpo/stepwise"

// templateUse is how a configuration uses a plugin of each kind.
var templateUse = map[Kind]string{
	KindBackend:     "[backend]\nname = %q",
	KindPartitioner: "[partition]\nstrategy = %q",
	KindEvaluator:   "[[eval]]\nevaluator = %q",
}

// WriteTemplate writes a plugin's module into dir, which must be new or empty:
// a program that works, the conformance suite as its test, and a README. The
// module refers to the checkout of stepwise in the folder sdk; empty = the one
// that this binary was built from.
func WriteTemplate(kind Kind, name, dir, sdk string) error {
	if err := CheckName(kind, name); err != nil {
		return err
	}
	sdk, goMod, goSum, err := readSDK(sdk)
	if err != nil {
		return err
	}
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		return fmt.Errorf("%q is not empty; name a new folder", dir)
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	binary := filePrefix + key(kind, name)
	files := map[string]string{
		"go.mod":     moduleFile(binary, sdk, goMod),
		"go.sum":     goSum,
		".gitignore": "/" + binary + "\n",
	}
	for _, file := range []string{"main.go", "main_test.go"} {
		raw, err := templates.ReadFile("template/" + string(kind) + "/" + file + ".tmpl")
		if err != nil {
			return err
		}
		files[file] = string(raw)
	}
	readme, err := templates.ReadFile("template/README.md.tmpl")
	if err != nil {
		return err
	}
	use := fmt.Sprintf(templateUse[kind], name)
	files["README.md"] = strings.NewReplacer("{{BINARY}}", binary, "{{KIND}}", string(kind), "{{USE}}", use).Replace(string(readme))
	for file, content := range files {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(content), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// readSDK returns the checkout's absolute path and its go.mod and go.sum.
func readSDK(sdk string) (dir, goMod, goSum string, err error) {
	if sdk == "" {
		if sdk = ownCheckout(); sdk == "" {
			return "", "", "", errors.New("this binary does not know the checkout it was built from; name one with --sdk")
		}
	}
	if dir, err = filepath.Abs(sdk); err != nil {
		return "", "", "", err
	}
	mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil || !strings.HasPrefix(string(mod), "module "+modulePath+"\n") {
		return "", "", "", fmt.Errorf("%q is no checkout of %s; name one with --sdk", dir, modulePath)
	}
	sum, err := os.ReadFile(filepath.Join(dir, "go.sum"))
	return dir, string(mod), string(sum), err
}

// ownCheckout is the folder above this source file, as the compiler recorded
// it; empty where it recorded none (-trimpath).
func ownCheckout() string {
	_, file, _, ok := runtime.Caller(0)
	if !ok || !filepath.IsAbs(file) {
		return ""
	}
	return filepath.Dir(filepath.Dir(file))
}

var (
	goLine       = regexp.MustCompile(`(?m)^go .*\n`)
	requirements = regexp.MustCompile(`(?m)^require (?:\((?s:.*?)^\)|\S.*)\n`)
)

// moduleFile is the go.mod of a new plugin. It repeats what the checkout
// requires, so that go build needs no go mod tidy and no network.
func moduleFile(module, sdk, goMod string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "module %s\n\n%s\n", module, goLine.FindString(goMod))
	fmt.Fprintf(&b, "require %s v0.0.0\n\nreplace %s => %s\n", modulePath, modulePath, quotePath(sdk))
	for _, block := range requirements.FindAllString(goMod, -1) {
		b.WriteString("\n" + block)
	}
	return b.String()
}

// quotePath quotes a path for go.mod where it must be.
func quotePath(path string) string {
	if strings.ContainsAny(path, " \t\"'`()[]{},") {
		return fmt.Sprintf("%q", path)
	}
	return path
}
