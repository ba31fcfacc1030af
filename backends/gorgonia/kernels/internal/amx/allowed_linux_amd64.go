package amx

import (
	"sync"
	"syscall"

	"golang.org/x/sys/cpu"
)

// Allowed reports whether the processor has the registers and bfloat16 products, and
// Linux lets this process use them, for which it must be asked.
var Allowed = sync.OnceValue(func() bool {
	const requestPermission, tileData = 0x1023, 18 // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILE_DATA
	if !cpu.X86.HasAMXTile || !cpu.X86.HasAMXBF16 {
		return false
	}
	_, _, err := syscall.Syscall(syscall.SYS_ARCH_PRCTL, requestPermission, tileData, 0)
	return err == 0
})
