package checkpoint

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// get asks for an address, from a byte on. The token goes to the hub only: Go
// drops the header when it is redirected to another host.
func (h *hub) get(ctx context.Context, address string, from int64) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", "stepwise")
	if h.token != "" {
		req.Header.Set("Authorization", "Bearer "+h.token)
	}
	if from > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", from))
	}
	resp, err := h.client.Do(req)
	if err != nil {
		return nil, &transientError{err: err}
	}
	if resp.StatusCode == http.StatusOK || resp.StatusCode == http.StatusPartialContent && sentFrom(resp, from) {
		return resp, nil
	}
	resp.Body.Close()
	return nil, h.refused(resp)
}

// sentFrom says whether a partial answer begins where it was asked to.
func sentFrom(resp *http.Response, from int64) bool {
	return strings.HasPrefix(resp.Header.Get("Content-Range"), fmt.Sprintf("bytes %d-", from))
}

// refused explains an answer that is not the content.
func (h *hub) refused(resp *http.Response) error {
	at := resp.Request.URL.Host
	switch code := resp.StatusCode; {
	case (code == http.StatusUnauthorized || code == http.StatusForbidden) && h.token == "":
		err := inputf("%s refuses (%s): it does not exist, or is private or gated: set HF_TOKEN", at, resp.Status)
		if code == http.StatusForbidden || resp.Header.Get("X-Error-Code") == "GatedRepo" { // huggingface_hub's utils/_http.py
			return err
		}
		return absent(err)
	case code == http.StatusUnauthorized || code == http.StatusForbidden:
		return inputf("%s refuses (%s): accept the terms on its page, and see that HF_TOKEN may read it", at, resp.Status)
	case code == http.StatusNotFound:
		return absent(inputf("%s does not have it (%s): see that the name is right, and if it is private that HF_TOKEN may read it", at, resp.Status))
	case code == http.StatusTooManyRequests || code >= 500:
		return &transientError{err: fmt.Errorf("%s: %s: the hub is busy or out of order; run again later", plainURL(resp.Request.URL), resp.Status), wait: retryAfter(resp)}
	default:
		return fmt.Errorf("%s: unexpected answer %s", plainURL(resp.Request.URL), resp.Status)
	}
}

// plainURL is an address without its query, which may hold a signature.
func plainURL(u *url.URL) string {
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}
