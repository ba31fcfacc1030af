// Package amx prepares the use of Intel's matrix extension: eight registers of 16 rows
// of 64 bytes.
package amx

// Shape is the operand of LDTILECFG for products of 16 to 32 columns: registers 0 and 1
// are sums of as many rows as 4 has, 2 and 3 of those of 5; 6 and 7 hold B. Of rows,
// 16 at most belong to 4, and the rest to 5.
func Shape(rows int) *[64]byte {
	const palette, widths, heights = 0, 16, 48
	shape := &[64]byte{palette: 1}
	first := min(rows, 16)
	for register, rows := range [8]int{first, first, rows - first, rows - first, first, rows - first, 16, 16} {
		if rows > 0 {
			shape[widths+2*register], shape[heights+register] = 64, byte(rows)
		}
	}
	return shape
}
