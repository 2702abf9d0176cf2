// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package heroku

import (
	"context"
	"fmt"
)

type preconditionKey struct{}

// OnlyWhile makes every write with the context ask hold before each of its tries, and send nothing once hold returns an
// error: a caller may own something for a limited time only, and a write that is repeated may come too late. What was
// sent already is not recalled; it ends within AttemptTimeout.
func OnlyWhile(ctx context.Context, hold func() error) context.Context {
	return context.WithValue(ctx, preconditionKey{}, hold)
}

func (k call) checkPrecondition(ctx context.Context) error {
	hold, limited := ctx.Value(preconditionKey{}).(func() error)
	if !limited || k.operation == read {
		return nil
	}
	if err := hold(); err != nil {
		return fmt.Errorf("%s %s was not sent: %w", k.method, k.displayPath(), err)
	}
	return nil
}
