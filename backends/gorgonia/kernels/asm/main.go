// Command asm writes the kernels' assembly and the declarations of its functions
// with avo, for one instruction set a run:
//
//	go run . -isa avx512 -out ../avx512_amd64.s -stubs ../avx512_amd64.go -pkg kernels
//
// It is a module of its own so that avo is no dependency of the project. "go test"
// checks that the files that are checked in are what it writes.
package main

import (
	"flag"
	"fmt"
	"os"

	"github.com/mmcloughlin/avo/build"
)

func main() {
	name := flag.String("isa", "", "instruction set: avx2, avx512 or amx; or peak, the test of the processor; or pause")
	flag.Parse()
	if err := generate(*name); err != nil {
		fmt.Fprintln(os.Stderr, "asm:", err)
		os.Exit(1)
	}
}

func generate(name string) error {
	build.ConstraintExpr("amd64")
	switch name {
	case "peak":
		sets["avx2"].peak()
		sets["avx512"].peak()
		amxPeak()
	case "pause":
		pause()
	case "amx":
		amx()
	default:
		s, ok := sets[name]
		if !ok {
			return fmt.Errorf("unknown instruction set %q, want avx2, avx512, amx, peak or pause", name)
		}
		s.all()
	}
	build.Generate()
	return nil
}

// all writes what package kernels has for every instruction set.
func (s *set) all() {
	s.tiles()
	s.packers()
	s.reductions()
	s.elementwise()
	s.activations()
	s.optimizers()
	s.conversions()
}
