// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

// handler serves one request while Sandbox.mu is held. It returns the object to encode, or an *apiError if the request is refused.
type handler func(*call) (body any, err error)

// object is a JSON object of a response, exactly as the client receives it.
type object map[string]any

// with returns a handler that finds the object named in the path and passes it to do.
func with[T any](find func(*call) (T, error), do func(*call, T) (any, error)) handler {
	return func(c *call) (any, error) {
		found, err := find(c)
		if err != nil {
			return nil, err
		}
		return do(c, found)
	}
}

// show returns a handler that answers with the object named in the path.
func show[T any](find func(*call) (T, error), body func(*call, T) object) handler {
	return with(find, func(c *call, found T) (any, error) { return body(c, found), nil })
}

// take returns a handler that decodes the request body and passes it to do.
func take[P any](do func(*call, P) (any, error)) handler {
	return with(func(c *call) (in P, err error) { return in, c.params(&in) }, do)
}

// change returns a handler that passes both the object named in the path and the decoded request body to do.
func change[T, P any](find func(*call) (T, error), do func(*call, T, P) (any, error)) handler {
	return with(find, func(c *call, found T) (any, error) {
		return take(func(c *call, in P) (any, error) { return do(c, found, in) })(c)
	})
}

// is reports whether ref is the id or the name of the object.
func (o object) is(ref string) bool { return ref != "" && (o["id"] == ref || o["name"] == ref) }

// findObject finds an object by id or name.
func findObject(all []object, ref, resource, what string) (any, error) {
	for _, o := range all {
		if o.is(ref) {
			return o, nil
		}
	}
	return nil, notFound(resource, what)
}

// listWhere lists the objects of a map that match a condition. fields are the ones that the list can be ordered by.
func listWhere[T any](c *call, objects map[string]*T, match func(*T) bool, body func(*call, *T) object, fields ...string) listing {
	l := listing{fields: fields}
	for _, o := range objects {
		if match(o) {
			l.items = append(l.items, body(c, o))
		}
	}
	return l
}

// listAll lists the elements of a slice. fields are the ones that the list can be ordered by.
func listAll[T any](elements []T, body func(T) object, fields ...string) listing {
	l := listing{fields: fields}
	for _, e := range elements {
		l.items = append(l.items, body(e))
	}
	return l
}
