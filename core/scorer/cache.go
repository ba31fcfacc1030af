package scorer

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"sync"

	"github.com/stepwise-dpo/stepwise/core"
)

// Cache remembers summed log-probabilities by the weights, the numerics and the
// ids that they came from, so that no other model, truncation or backend can
// ever be mistaken for the one asked for. It may be used concurrently.
type Cache struct {
	mu     sync.Mutex
	scores map[[sha256.Size]byte][]core.Score
}

// NewCache returns an empty cache.
func NewCache() *Cache { return &Cache{scores: map[[sha256.Size]byte][]core.Score{}} }

// Key names the scores of the item under the model, in hex.
func Key(info core.ModelInfo, item core.Item) string {
	k := key(info, item)
	return hex.EncodeToString(k[:])
}

func key(info core.ModelInfo, item core.Item) [sha256.Size]byte {
	h := sha256.New()
	for _, text := range []string{info.WeightsHash, info.Backend, info.DType} {
		h.Write([]byte(text))
		h.Write([]byte{0})
	}
	var buf []byte
	for _, ids := range append([][]int32{item.Prompt}, item.Completions...) {
		buf = binary.LittleEndian.AppendUint32(buf[:0], uint32(len(ids)))
		for _, id := range ids {
			buf = binary.LittleEndian.AppendUint32(buf, uint32(id))
		}
		h.Write(buf)
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// Known returns the item's scores under the model if they were computed before.
func (c *Cache) Known(info core.ModelInfo, item core.Item) ([]core.Score, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, ok := c.scores[key(info, item)]
	return s, ok
}

// Add stores scores that an earlier run computed, by the key written then. A key
// of another form is never found again, and the scores are computed anew.
func (c *Cache) Add(hexKey string, s []core.Score) {
	raw, err := hex.DecodeString(hexKey)
	if err != nil || len(raw) != sha256.Size {
		return
	}
	c.store([sha256.Size]byte(raw), s)
}

func (c *Cache) put(info core.ModelInfo, item core.Item, s []core.Score) {
	c.store(key(info, item), s)
}

func (c *Cache) store(key [sha256.Size]byte, s []core.Score) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.scores[key] = s
}
