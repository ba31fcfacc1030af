package checkpoint

import "context"

// Write writes all parameters to dir as dtype, in files as NewWriter makes them.
// values returns the i-th parameter's, which are read before the next call.
func Write(ctx context.Context, dir, dtype string, params []Param, values func(i int) ([]float32, error)) error {
	w, err := NewWriter(dir, dtype, params, 0)
	if err != nil {
		return err
	}
	defer w.Abort()
	for i, p := range params {
		if err := ctx.Err(); err != nil {
			return err
		}
		x, err := values(i)
		if err != nil {
			return err
		}
		if err := w.Write(p.Name, x); err != nil {
			return err
		}
	}
	return w.Commit()
}
