package checkpoint

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"testing"
	"time"
)

// waits are the pauses that a hub makes while it fails so often.
func waits(t *testing.T, f *fakeHub, failures int) ([]time.Duration, error) {
	t.Helper()
	d := newDatasets(t)
	var all []time.Duration
	d.hub.sleep = func(_ context.Context, wait time.Duration) error {
		all = append(all, wait)
		return nil
	}
	f.failures = failures
	_, err := d.Fetch(t.Context(), "ORG/NAME", matching("hard/test.*"))
	f.failures = 0
	return all, err
}

// TestRetry: a busy hub is asked again after as long as it says, else after longer
// each time.
func TestRetry(t *testing.T) {
	for after, want := range map[string][]time.Duration{
		"":                              {time.Second, 2 * time.Second, 4 * time.Second},
		"7":                             {7 * time.Second, 7 * time.Second, 7 * time.Second},
		"0":                             {0, 0, 0},
		"Fri, 01 Jan 1999 00:00:00 GMT": {0, 0, 0},
		"soon":                          {time.Second, 2 * time.Second, 4 * time.Second},
	} {
		f := newFakeData(t)
		f.after = after
		if got, err := waits(t, f, 3); err != nil || !slices.Equal(got, want) {
			t.Errorf("Retry-After %q: waited %v, %v, want %v", after, got, err, want)
		}
	}
}

// TestRetryEnds with what the hub said: after five attempts, or where it asks for
// too long a wait.
func TestRetryEnds(t *testing.T) {
	f := newFakeData(t)
	for _, c := range []struct {
		status int
		after  string
		waits  int
		want   []string
	}{
		{http.StatusTooManyRequests, "1", 4, []string{`data set "ORG/NAME"`, f.URL + "/api/datasets/ORG/NAME/revision/main", "429 Too Many Requests", "run again later"}},
		{http.StatusBadGateway, "", 4, []string{f.URL, "502 Bad Gateway", "run again later"}},
		{http.StatusTooManyRequests, "3600", 0, []string{"429 Too Many Requests", "it asks to wait 1h0m0s"}},
	} {
		f.status, f.after = c.status, c.after
		got, err := waits(t, f, 5)
		if len(got) != c.waits || !hasAll(err, c.want...) || errors.Is(err, ErrAbsent) {
			t.Errorf("%d, %q: waited %v, %v", c.status, c.after, got, err)
		}
	}
}

// TestAbsent tells what is not there from what cannot be known.
func TestAbsent(t *testing.T) {
	f := newFakeData(t)
	for _, c := range []struct {
		name, pattern, token string
		status               int
		code                 string
		absent               bool
	}{
		{"ORG/OTHER", "*", "secret", 0, "", true},
		{"ORG/NAME", "easy/dev-*", "secret", 0, "", true},
		{"ORG/NAME", "*", "", http.StatusUnauthorized, "GatedRepo", false},
		{"ORG/NAME", "*", "", http.StatusForbidden, "", false},
		{"ORG/NAME", "*", "", 0, "", true}, // the hub says 401 of what is not there
		{"ORG/NAME", "*", "wrong", 0, "", false},
		{"ORG/NAME", "*", "secret", http.StatusForbidden, "", false},
		{"ORG/NAME", "*", "secret", http.StatusTooManyRequests, "", false},
		{"ORG/NAME", "*", "secret", http.StatusTeapot, "", false},
	} {
		t.Setenv("HF_TOKEN", c.token)
		f.failures, f.status, f.code = 0, c.status, c.code
		if c.status != 0 {
			f.failures = 5
		}
		_, err := newDatasets(t).Fetch(t.Context(), c.name, matching(c.pattern))
		if err == nil || errors.Is(err, ErrAbsent) != c.absent {
			t.Errorf("%+v: %v", c, err)
		}
	}
	f.Close()
	if _, err := newDatasets(t).Fetch(t.Context(), "ORG/NAME", matching("*")); err == nil || errors.Is(err, ErrAbsent) {
		t.Errorf("out of reach: %v", err)
	}
	t.Setenv("HF_HUB_OFFLINE", "1")
	if _, err := newDatasets(t).Fetch(t.Context(), "ORG/NAME", matching("*")); !errors.Is(err, ErrAbsent) {
		t.Errorf("offline: %v", err)
	}
}
