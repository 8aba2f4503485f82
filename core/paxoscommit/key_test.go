package paxoscommit

import (
	"reflect"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
)

// change adds one to the n-th number that a value is made of, and returns its name; of an array the
// first element stands for all. It returns "" if there are fewer.
func change(v reflect.Value, name string, n *int) string {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			f := v.Field(i)
			f = reflect.NewAt(f.Type(), unsafe.Pointer(f.UnsafeAddr())).Elem() // though not exported
			if found := change(f, name+"."+v.Type().Field(i).Name, n); found != "" {
				return found
			}
		}
		return ""
	case reflect.Array:
		return change(v.Index(0), name, n)
	default:
	}
	if *n--; *n >= 0 {
		return ""
	}
	if v.Kind() == reflect.Bool {
		v.SetBool(!v.Bool())
	} else {
		v.SetUint(v.Uint() + 1)
	}
	return name
}

// silent returns what of some states can change without their keys.
func silent[T any](key func(T) string, bases ...T) []string {
	var names []string
	for i := 0; ; i++ {
		name, told := "", false
		for _, st := range bases {
			before, n := key(st), i
			name = change(reflect.ValueOf(&st).Elem(), "", &n)
			told = told || key(st) != before
		}
		switch {
		case name == "":
			return names
		case !told:
			names = append(names, name)
		}
	}
}

// TestKeyHoldsEverything: what no key holds, exploration takes for one.
func TestKeyHoldsEverything(t *testing.T) {
	l := dynamic(t, 1, OptRelayed)
	with := role{layout: l}
	require.Equal(t, []string{".client.Kind", ".client.Replica"}, silent(func(st rmTx) string {
		r := rm{role: with}
		*r.txs.Put(txID(1)) = st
		return string(r.AppendKey(nil))
	}, rmTx{}), "of a client the number says all")
	require.Empty(t, silent(func(st leaderTx) string {
		r := leader{role: with}
		*r.txs.Put(txID(1)) = st
		return string(r.AppendKey(nil))
	}, leaderTx{phase: preparing}, leaderTx{phase: decided}))
	require.Empty(t, silent(func(st acceptorTx) string {
		r := acceptor{role: with}
		*r.txs.Put(txID(1)) = st
		return string(r.AppendKey(nil))
	}, acceptorTx{}))
	require.Empty(t, silent(func(st registrarTx) string {
		r := registrar{role: with}
		*r.txs.Put(txID(1)) = st
		return string(r.AppendKey(nil))
	}, registrarTx{}))
	require.Empty(t, silent(func(st learner) string {
		return string(st.appendKey(nil, l))
	}, learner{}))
}
