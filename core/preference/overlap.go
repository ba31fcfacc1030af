package preference

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/stepwise-dpo/stepwise/core"
)

// digest identifies a list of token ids, or several. Two that differ agree with
// a chance of 2^-128.
type digest [16]byte

// digestOf hashes lists of ids and where each ends.
func digestOf(lists ...[]int32) digest {
	h := sha256.New()
	var buf [8]byte
	for _, list := range lists {
		binary.LittleEndian.PutUint64(buf[:], uint64(len(list)))
		h.Write(buf[:])
		for _, id := range list {
			binary.LittleEndian.PutUint32(buf[:4], uint32(id))
			h.Write(buf[:4])
		}
	}
	return digest(h.Sum(nil)[:16])
}

func pairDigest(p core.Pair) digest   { return digestOf(p.PromptIDs, p.ChosenIDs, p.RejectedIDs) }
func promptDigest(p core.Pair) digest { return digestOf(p.PromptIDs) }

// Overlap is what two sources have in common.
type Overlap struct {
	A       string `json:"a"`
	B       string `json:"b"`
	Pairs   int    `json:"pairs"`   // pairs of B that A holds too
	Prompts int    `json:"prompts"` // pairs of B whose prompt A holds too
}

// Overlaps compares each two sources by their ids and returns those that share
// a prompt. A pair in two sources is trained on twice; a prompt in a source and
// in a held-out one makes the latter's numbers too good.
func Overlaps(sources []core.Source) []Overlap {
	var out []Overlap
	for i, a := range sources {
		pairs, prompts := map[digest]bool{}, map[digest]bool{}
		for _, p := range a.Pairs {
			pairs[pairDigest(p)] = true
			prompts[promptDigest(p)] = true
		}
		for _, b := range sources[i+1:] {
			o := Overlap{A: a.Name, B: b.Name}
			for _, p := range b.Pairs {
				if prompts[promptDigest(p)] {
					o.Prompts++
				}
				if pairs[pairDigest(p)] {
					o.Pairs++
				}
			}
			if o.Prompts > 0 {
				out = append(out, o)
			}
		}
	}
	return out
}
