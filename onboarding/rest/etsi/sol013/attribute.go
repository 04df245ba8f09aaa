package sol013

import (
	"encoding/json"
	"reflect"
	"strings"
	"time"
)

// kind is how the values of an attribute are compared.
type kind int

const (
	text kind = iota
	number
	boolean
	moment // a date-time of RFC 3339
	object
	pairs // KeyValuePairs: members of any name
	free  // a member of them, of any kind
)

// attribute is one attribute of a type, with those below it.
type attribute struct {
	kind     kind
	required bool                  // it is in every answer
	fields   map[string]*attribute // of an object
}

// Type says how the lists of one resource type can be asked. It does not change
// and is safe for concurrent use.
type Type struct {
	root *attribute
	// optional are the attributes that a list leaves out by default.
	optional []string
}

// TypeOf reads the attributes of a resource type from the Go type that is
// encoded as JSON, by its field tags. Lists leave out the attributes in optional
// unless they are asked for. It panics for a type that has none of that name, or
// that encoding/json could not encode.
func TypeOf(t reflect.Type, optional ...string) *Type {
	root := attributeOf(t)
	for _, name := range optional {
		if root.fields[name] == nil {
			panic("sol013: " + t.String() + " has no attribute " + name)
		}
	}
	return &Type{root: root, optional: optional}
}

func attributeOf(t reflect.Type) *attribute {
	switch {
	case t == reflect.TypeFor[time.Time]():
		return &attribute{kind: moment}
	case t == reflect.TypeFor[json.RawMessage]():
		return &attribute{kind: pairs}
	}
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice:
		return attributeOf(t.Elem())
	case reflect.Struct:
		a := &attribute{kind: object, fields: make(map[string]*attribute)}
		for _, field := range reflect.VisibleFields(t) {
			name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
			if name == "" || name == "-" {
				continue
			}
			below := attributeOf(field.Type)
			below.required = !strings.Contains(options, "omit")
			a.fields[name] = below
		}
		return a
	case reflect.Map, reflect.Interface:
		return &attribute{kind: pairs}
	case reflect.String:
		return &attribute{kind: text}
	case reflect.Bool:
		return &attribute{kind: boolean}
	case reflect.Int, reflect.Int64, reflect.Int32:
		return &attribute{kind: number}
	}
	panic("sol013: no attribute can have the type " + t.String())
}

// find returns the attribute that a path leads to, or nil.
func (a *attribute) find(path []string) *attribute {
	for _, name := range path {
		switch a.kind {
		case object:
			if a = a.fields[name]; a == nil {
				return nil
			}
		case pairs, free:
			a = &attribute{kind: free}
			if name == keyName {
				a = &attribute{kind: text}
			}
		default:
			return nil
		}
	}
	return a
}
