package checkpoint

import (
	"context"
	"errors"
	"os"
	"slices"
	"testing"
)

func TestWrite(t *testing.T) {
	params := []Param{{"a", RoleNorm, []int{2}}, {"b", RoleMatrix, []int{2, 1}}}
	dir := t.TempDir()
	buffer := make([]float32, 2)
	err := Write(t.Context(), dir, "float32", params, func(i int) ([]float32, error) {
		buffer[0], buffer[1] = float32(i), float32(-i)
		return buffer, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	w, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	for i, p := range params {
		if err := w.Float32(p.Name, buffer); err != nil || !slices.Equal(buffer, []float32{float32(i), float32(-i)}) {
			t.Errorf("%q is %v, error %v", p.Name, buffer, err)
		}
	}
}

// What fails or is cancelled leaves nothing.
func TestWriteFails(t *testing.T) {
	params := []Param{{"a", RoleNorm, []int{1}}}
	cause := errors.New("no")
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for want, ctx := range map[error]context.Context{cause: t.Context(), context.Canceled: ended} {
		dir := t.TempDir()
		err := Write(ctx, dir, "float32", params, func(int) ([]float32, error) { return nil, cause })
		if !errors.Is(err, want) {
			t.Errorf("error %v, want %v", err, want)
		}
		if left, _ := os.ReadDir(dir); len(left) > 0 {
			t.Errorf("files %v are left", left)
		}
	}
}
