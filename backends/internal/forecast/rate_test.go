package forecast

import (
	"context"
	"errors"
	"testing"
)

func TestRateIsCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Rate(ctx, 1, func(int) {}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}
