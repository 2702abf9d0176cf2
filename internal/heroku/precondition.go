// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package heroku

import (
	"context"
	"fmt"
)

type preconditionKey struct{}

// OnlyWhile returns a context whose writes call check before each try, and are not sent if it returns an error. It is for callers
// that hold something for a limited time, such as a lease, since a retry may come too late. A try that is in flight already
// is not cancelled; it ends within AttemptTimeout.
func OnlyWhile(ctx context.Context, check func() error) context.Context {
	return context.WithValue(ctx, preconditionKey{}, check)
}

func (k call) checkPrecondition(ctx context.Context) error {
	check, ok := ctx.Value(preconditionKey{}).(func() error)
	if !ok || k.operation == read {
		return nil
	}
	if err := check(); err != nil {
		return fmt.Errorf("%s %s was not sent: %w", k.method, k.displayPath(), err)
	}
	return nil
}
