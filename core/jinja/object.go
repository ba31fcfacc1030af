package jinja

import (
	"fmt"
	"maps"
	"math"
	"math/big"
	"slices"
	"strings"
)

// Object is a Python dict: keys in the order in which they were first set. It is not safe to change while a template
// is rendered.
type Object struct {
	keys   []Value
	values []Value
	index  map[any]int // from hashed keys
}

// NewObject makes an empty dict.
func NewObject() *Object { return &Object{index: map[any]int{}} }

// Len is the number of keys.
func (o *Object) Len() int { return len(o.keys) }

// Keys are the keys that are strings, in order.
func (o *Object) Keys() []string {
	var keys []string
	for _, key := range o.keys {
		if s, ok := text(key); ok {
			keys = append(keys, s)
		}
	}
	return keys
}

// Set puts a value under a key; a key that is there keeps its place.
func (o *Object) Set(key string, v Value) { o.put(key, key, v) }

// Get is the value under a key.
func (o *Object) Get(key string) (Value, bool) {
	i, ok := o.index[key]
	if !ok {
		return nil, false
	}
	return o.values[i], true
}

func (o *Object) put(hash any, key, v Value) {
	if i, ok := o.index[hash]; ok {
		o.values[i] = v
		return
	}
	o.index[hash] = len(o.keys)
	o.keys = append(o.keys, key)
	o.values = append(o.values, v)
}

// put sets the value under any key that can be hashed.
func (rt *runtime) put(o *Object, key, v Value) error {
	hash, err := rt.hash(key, 0)
	if err == nil {
		o.put(hash, key, v)
	}
	return err
}

// lookup is the value under any key; a key that cannot be hashed is a TypeError.
func (rt *runtime) lookup(o *Object, key Value) (Value, bool, error) {
	hash, err := rt.hash(key, 0)
	if err != nil {
		return nil, false, err
	}
	i, ok := o.index[hash]
	if !ok {
		return nil, false, nil
	}
	return o.values[i], true, nil
}

func (o *Object) clone() *Object {
	return &Object{slices.Clone(o.keys), slices.Clone(o.values), maps.Clone(o.index)}
}

type (
	bigKey   string
	tupleKey string
	noneKey  struct{}
	undefKey struct{}
)

// hash is a Go map's key under which values that Python holds equal meet.
func (rt *runtime) hash(v Value, depth int) (any, error) {
	if s, ok := text(v); ok {
		return s, rt.use(1 + len(s)/64)
	}
	switch v := v.(type) {
	case nil:
		return noneKey{}, nil
	case bool, int64:
		n, _ := smallInt(v)
		return n, nil
	case *big.Int:
		return bigKey(v.String()), rt.use(v.BitLen())
	case float64:
		return hashFloat(v), nil
	case *Undefined:
		return undefKey{}, nil
	case *Tuple:
		return rt.hashTuple(v, depth)
	case *List, *Object, *Namespace:
		return nil, typeError("unhashable type: '%s'", typeName(v))
	case *View:
		if v.kind != "dict_values" {
			return nil, typeError("unhashable type: '%s'", v.kind)
		}
	}
	return v, nil // the rest are pointers, equal to themselves only
}

func hashFloat(f float64) any {
	if f != math.Trunc(f) || math.IsInf(f, 0) {
		return f
	}
	n, _ := big.NewFloat(f).Int(nil)
	if n.IsInt64() {
		return n.Int64()
	}
	return bigKey(n.String())
}

func (rt *runtime) hashTuple(t *Tuple, depth int) (any, error) {
	if depth > maxRecursion {
		return nil, errRecursion
	}
	var b strings.Builder
	for _, item := range t.Items {
		hash, err := rt.hash(item, depth+1)
		if err != nil {
			return nil, err
		}
		s := fmt.Sprintf("%v", hash)
		if err := rt.alloc(objectSize + len(s)); err != nil {
			return nil, err
		}
		fmt.Fprintf(&b, "%T:%d:%s,", hash, len(s), s)
	}
	return tupleKey(b.String()), nil
}
