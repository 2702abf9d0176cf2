// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

// handler runs one request with the world locked. An error is an *apiError for a refusal.
type handler func(*call) (body any, err error)

// object is a JSON object of an answer, member by member as the client gets it.
type object map[string]any

// with calls a handler with what the path names.
func with[T any](find func(*call) (T, error), do func(*call, T) (any, error)) handler {
	return func(c *call) (any, error) {
		found, err := find(c)
		if err != nil {
			return nil, err
		}
		return do(c, found)
	}
}

// show answers with the object that the path names.
func show[T any](find func(*call) (T, error), body func(*call, T) object) handler {
	return with(find, func(c *call, found T) (any, error) { return body(c, found), nil })
}

// take calls a handler with the parameters in the request's body.
func take[P any](do func(*call, P) (any, error)) handler {
	return with(func(c *call) (in P, err error) { return in, c.params(&in) }, do)
}

// change calls a handler with what the path names and with the parameters.
func change[T, P any](find func(*call) (T, error), do func(*call, T, P) (any, error)) handler {
	return with(find, func(c *call, found T) (any, error) {
		return take(func(c *call, in P) (any, error) { return do(c, found, in) })(c)
	})
}

// is reports whether an object has an id or name.
func (o object) is(ref string) bool { return ref != "" && (o["id"] == ref || o["name"] == ref) }

// oneOf finds an object of the catalogue by id or name.
func oneOf(all []object, ref, resource, what string) (any, error) {
	for _, o := range all {
		if o.is(ref) {
			return o, nil
		}
	}
	return nil, notFound(resource, what)
}

// listWhere lists the objects of a map that meet a condition.
func listWhere[T any](c *call, objects map[string]*T, is func(*T) bool, body func(*call, *T) object, fields ...string) listing {
	l := listing{fields: fields}
	for _, o := range objects {
		if is(o) {
			l.items = append(l.items, body(c, o))
		}
	}
	return l
}

// listAll lists the elements of a slice.
func listAll[T any](elements []T, body func(T) object, fields ...string) listing {
	l := listing{fields: fields}
	for _, e := range elements {
		l.items = append(l.items, body(e))
	}
	return l
}
