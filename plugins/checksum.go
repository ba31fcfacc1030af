package plugins

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	goplugin "github.com/hashicorp/go-plugin"
)

// errPin is that of a binary that is not the pinned one.
var errPin = errors.New("its sha256 is not the pinned one")

// checkPin refuses the binary at path unless its sha256 is pin, in hex. An
// empty pin allows any.
func checkPin(path, pin string) error {
	if pin == "" {
		return nil
	}
	want, err := hex.DecodeString(pin)
	if err != nil || len(want) != sha256.Size {
		return fmt.Errorf("%w: the pin %q is not a sha256 in hex", errPin, pin)
	}
	secure := goplugin.SecureConfig{Checksum: want, Hash: sha256.New()}
	same, err := secure.Check(path)
	if err != nil {
		return fmt.Errorf("%w: %w", errPin, err)
	}
	if !same {
		return fmt.Errorf("%q is refused: %w, %s; if you changed it yourself, change the pin", path, errPin, pin)
	}
	return nil
}
