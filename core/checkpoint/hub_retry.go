package checkpoint

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// maxWait is the longest that a server may have an attempt wait.
const maxWait = time.Minute

// A transientError is one that another attempt may not meet.
type transientError struct {
	err  error
	wait *time.Duration // what the server asks for; nil = nothing
}

func (e *transientError) Error() string { return e.err.Error() }
func (e *transientError) Unwrap() error { return e.err }

// retry tries up to so many times while errors are transient. It waits as long as
// the server asks, else longer each time.
func (h *hub) retry(ctx context.Context, attempts int, try func() error) error {
	for n := 1; ; n++ {
		err := try()
		var transient *transientError
		if err == nil || !errors.As(err, &transient) || n == attempts {
			return err
		}
		wait := time.Second << (n - 1)
		if transient.wait != nil {
			wait = *transient.wait
		}
		if wait > maxWait {
			return fmt.Errorf("%w (it asks to wait %s)", err, wait)
		}
		if err := h.sleep(ctx, wait); err != nil {
			return err
		}
	}
}

// sleep waits, or ends with the context's error.
func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// retryAfter reads the header Retry-After: seconds, or a date (RFC 9110, 10.2.3).
func retryAfter(resp *http.Response) *time.Duration {
	value := resp.Header.Get("Retry-After")
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
		wait := time.Duration(seconds) * time.Second
		return &wait
	}
	if at, err := http.ParseTime(value); err == nil {
		wait := max(0, time.Until(at))
		return &wait
	}
	return nil
}
