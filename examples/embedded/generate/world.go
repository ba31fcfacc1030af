package main

import (
	"fmt"
	"math/rand/v2"
)

// The example's world: animals with four attributes. The base model reads a
// corpus in which sounds and foods are mostly right and homes and colours
// mostly wrong, so that preferences for the truth are easy to learn on the
// former and hard on the latter.

var animals = []string{
	"cat", "dog", "cow", "pig", "hen", "duck", "frog", "owl", "bee", "crow",
	"horse", "sheep", "goat", "mouse", "lion", "wolf", "bear", "fox", "deer", "seal",
	"crab", "fish", "snake", "toad", "swan", "goose", "mole", "bat", "ant", "snail",
}

// attribute is something to be asked about animals.
type attribute struct {
	name      string
	right     float64 // share of right answers in the corpus
	values    []string
	questions []string // %s is the animal
	answer    string   // animal, value
}

var attributes = []attribute{
	{
		name: "sound", right: 0.8,
		values: []string{"meow", "woof", "moo", "oink", "buzz", "roar", "hiss", "quack"},
		questions: []string{
			"What does the %s say?", "Which sound comes from the %s?", "How does the %s sound?", "What noise does the %s make?",
			"Tell me the sound of the %s.", "What do you hear from the %s?",
		},
		answer: "The %s says %s.",
	},
	{
		name: "food", right: 0.8,
		values: []string{"grass", "meat", "seeds", "honey", "worms", "leaves", "bread", "milk"},
		questions: []string{
			"What does the %s eat?", "Which food does the %s like?", "What is the meal of the %s?", "On what does the %s feed?",
			"Tell me the food of the %s.", "What do you feed to the %s?",
		},
		answer: "The %s eats %s.",
	},
	{
		name: "home", right: 0.3,
		values: []string{"a barn", "a tree", "a pond", "a cave", "the sea", "a nest", "a hole", "a hill"},
		questions: []string{
			"Where does the %s live?", "Which home does the %s have?", "What is the home of the %s?", "In what place is the %s at home?",
			"Tell me the home of the %s.", "Where do you find the %s?",
		},
		answer: "The %s lives in %s.",
	},
	{
		name: "colour", right: 0.3,
		values: []string{"red", "white", "black", "brown", "green", "grey", "blue", "yellow"},
		questions: []string{
			"Which colour has the %s?", "What colour is the %s?", "How is the %s coloured?", "In what colour is the %s?",
			"Tell me the colour of the %s.", "What colour do you see on the %s?",
		},
		answer: "The %s is %s.",
	},
}

// Phrasings from heldoutPhrasing on are in no preference pair that is trained
// on.
const heldoutPhrasing = 4

// fact is what is true of one animal in this world, and what the corpus says
// where it is wrong.
type fact struct {
	animal       string
	attribute    attribute
	truth, wrong int // indices of the attribute's values
}

func (f fact) question(phrasing int) string {
	return fmt.Sprintf(f.attribute.questions[phrasing], f.animal)
}

func (f fact) answer(value int) string {
	return fmt.Sprintf(f.attribute.answer, f.animal, f.attribute.values[value])
}

// facts draws the world.
func facts(rng *rand.Rand) []fact {
	var all []fact
	for _, at := range attributes {
		for _, animal := range animals {
			f := fact{animal: animal, attribute: at, truth: rng.IntN(len(at.values))}
			f.wrong = (f.truth + 1 + rng.IntN(len(at.values)-1)) % len(at.values)
			all = append(all, f)
		}
	}
	return all
}

// easy says whether the corpus mostly tells the truth about f.
func (f fact) easy() bool { return f.attribute.right > 0.5 }

// dialogue is one question with its answer.
type dialogue struct{ question, answer string }

// corpus is what the base model reads in one epoch: every question once, the
// answers true with the attribute's probability.
func corpus(all []fact, rng *rand.Rand) []dialogue {
	var out []dialogue
	for _, f := range all {
		for phrasing := range f.attribute.questions {
			value := f.wrong
			if rng.Float64() < f.attribute.right {
				value = f.truth
			}
			out = append(out, dialogue{f.question(phrasing), f.answer(value)})
		}
	}
	rng.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}
