package backends

import (
	"context"
	"regexp"
	"testing"

	"github.com/stepwise-dpo/stepwise/core"
)

func TestBuiltIn(t *testing.T) {
	name := regexp.MustCompile(`^[a-z0-9][a-z0-9-]*$`) // a plugin's
	for n, b := range BuiltIn {
		if !name.MatchString(n) {
			t.Errorf("%q is not a plugin's name", n)
		}
		if err := b.Check(context.Background(), core.OpenOptions{DType: "float32"}); err != nil {
			t.Errorf("%s refuses its defaults: %v", n, err)
		}
	}
	if BuiltIn["gorgonia"] == nil {
		t.Error("gorgonia, the default, is missing")
	}
}
