package keytest

import (
	"reflect"
	"unsafe"
)

// Silent returns the names of the numbers and booleans that can change in each of some states
// without their key. Of arrays and slices the first element stands for all; pointers are not
// followed.
func Silent[T any](key func(*T) string, states ...*T) []string {
	var names []string
	for i := 0; ; i++ {
		name, told := "", false
		for _, st := range states {
			before := key(st)
			name = change(st, i, 1)
			told = told || key(st) != before
			change(st, i, -1)
		}
		switch {
		case name == "":
			return names
		case !told:
			names = append(names, name)
		}
	}
}

// change adds to the i-th number that a state is made of, and returns its name, "" if there are
// fewer.
func change[T any](st *T, i, by int) string {
	c := changer{left: i, by: by}
	c.visit(reflect.ValueOf(st).Elem(), "")
	return c.name
}

type changer struct {
	left, by int
	name     string // of what was changed
}

func (c *changer) visit(v reflect.Value, name string) {
	switch k := v.Kind(); {
	case c.name != "", k == reflect.Pointer, k == reflect.Interface:
	case k == reflect.Struct:
		for i := range v.NumField() {
			f := v.Field(i)
			f = reflect.NewAt(f.Type(), unsafe.Pointer(f.UnsafeAddr())).Elem() // though not exported
			c.visit(f, name+"."+v.Type().Field(i).Name)
		}
	case k == reflect.Array, k == reflect.Slice:
		if v.Len() > 0 {
			c.visit(v.Index(0), name)
		}
	default:
		if c.left--; c.left < 0 {
			c.name = name
			c.add(v)
		}
	}
}

func (c *changer) add(v reflect.Value) {
	switch {
	case v.Kind() == reflect.Bool:
		v.SetBool(!v.Bool())
	case v.CanInt():
		v.SetInt(v.Int() + int64(c.by))
	default:
		v.SetUint(v.Uint() + uint64(c.by))
	}
}
