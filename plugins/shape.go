package plugins

import (
	"fmt"

	"github.com/stepwise-dpo/stepwise/core"
)

// sameShape refuses scores that are not a row an item with a score a completion.
func sameShape(scores [][]core.Score, items []core.Item) error {
	if err := sameLength("rows of scores", len(scores), len(items), "items"); err != nil {
		return err
	}
	for i, row := range scores {
		if err := sameLength("scores", len(row), len(items[i].Completions), "completions"); err != nil {
			return fmt.Errorf("item %d: %w", i, err)
		}
	}
	return nil
}

// sameLength refuses an answer of got things to a question of want others.
func sameLength(what string, got, want int, of string) error {
	if got == want {
		return nil
	}
	return fmt.Errorf("%d %s came back for %d %s", got, what, want, of)
}
