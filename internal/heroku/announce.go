// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package heroku

import (
	"context"
	"fmt"
)

// Write is one try of a request that changes something, as [Options].Announce learns of it: no header, no body, no query.
type Write struct {
	Method, Path string
	Try          int // of the same request, from 1
}

// WriteResult is what became of a Write. With a Status it was answered, whatever the answer says. Without one it may have been
// carried out when it is Lost, and has certainly not left this machine when it is not.
type WriteResult struct {
	Status    int
	RequestID string // Heroku's
	Lost      bool
}

// announce tells of a write that is about to be sent, and returns what is to be told of its result.
func (c *Client) announce(ctx context.Context, k call, try int) (func(WriteResult), error) {
	if c.announceWrite == nil || k.operation == read {
		return func(WriteResult) {}, nil
	}
	var told []func(WriteResult)
	tell := func(result WriteResult) {
		for _, one := range told {
			one(result)
		}
	}
	for _, behalf := range operationsOf(ctx) {
		result, err := c.announceWrite(behalf, Write{Method: k.method, Path: k.displayPath(), Try: try})
		if err != nil {
			tell(WriteResult{})
			return nil, fmt.Errorf("%s %s was not sent: %w", k.method, k.displayPath(), err)
		}
		told = append(told, result)
	}
	return tell, nil
}

type operationsKey struct{}

// onBehalfOf makes the writes with the context those of several operations: each of them is announced.
func onBehalfOf(ctx context.Context, operations []context.Context) context.Context {
	return context.WithValue(ctx, operationsKey{}, operations)
}

func operationsOf(ctx context.Context) []context.Context {
	if operations, is := ctx.Value(operationsKey{}).([]context.Context); is {
		return operations
	}
	return []context.Context{ctx}
}

// result is what became of an attempt. What nobody understands may have been carried out.
func (a attemptResult) writeResult(out outcome) WriteResult {
	switch {
	case a.status != 0:
		return WriteResult{Status: a.status, RequestID: a.requestID}
	case out == unsent || out == refused: // refused: its caller's end kept it from being sent
		return WriteResult{}
	}
	return WriteResult{Lost: true}
}
