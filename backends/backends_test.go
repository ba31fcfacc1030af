package backends

import (
	"testing"

	"github.com/stepwise-dpo/stepwise/core"
)

func TestDuplicatePanics(t *testing.T) {
	r := registry{}
	f := func() core.Backend { return nil }
	r.add("a", f)
	r.add("b", f)
	defer func() {
		if recover() == nil {
			t.Error("a name added twice did not panic")
		}
	}()
	r.add("a", f)
}

func TestBuiltin(t *testing.T) {
	for name, f := range Builtin {
		if f() == nil {
			t.Errorf("%q: no backend", name)
		}
	}
	if Builtin["gorgonia"] == nil {
		t.Error("gorgonia, the default, is missing")
	}
}
