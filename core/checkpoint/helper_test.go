package checkpoint

import "strings"

// hasAll says whether err is an error that mentions all the words.
func hasAll(err error, words ...string) bool {
	if err == nil {
		return false
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			return false
		}
	}
	return true
}
