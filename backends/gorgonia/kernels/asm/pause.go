package main

import . "github.com/mmcloughlin/avo/build"

// pause writes the wait of a loop that polls: a processor's other thread has the
// core to itself meanwhile.
func pause() {
	TEXT("pause", NOSPLIT, "func()")
	Doc("pause waits for a few hundred cycles at most.")
	for range 2 {
		PAUSE()
	}
	RET()
}
