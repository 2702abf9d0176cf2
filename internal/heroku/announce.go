// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package heroku

import (
	"context"
	"fmt"
)

// Write is one try of a request that changes something, as it is passed to [Options].Announce. It has no header, body or query.
type Write struct {
	Method, Path string
	Try          int // counts the tries of one request, from 1
}

// WriteResult is the result of a [Write]. Status is that of the response, and 0 when there was none: then the write may have
// been carried out if Lost is true, and was certainly not sent if it is false.
type WriteResult struct {
	Status    int
	RequestID string // Heroku's
	Lost      bool
}

// announce calls [Options].Announce for a write that is about to be sent. It returns a function to call with the result. When the
// write belongs to several operations (see [onBehalfOf]), it is announced for each of them.
func (c *Client) announce(ctx context.Context, k call, try int) (func(WriteResult), error) {
	if c.announceWrite == nil || k.operation == read {
		return func(WriteResult) {}, nil
	}
	var reporters []func(WriteResult)
	reportAll := func(result WriteResult) {
		for _, report := range reporters {
			report(result)
		}
	}
	for _, operation := range operationsOf(ctx) {
		report, err := c.announceWrite(operation, Write{Method: k.method, Path: k.displayPath(), Try: try})
		if err != nil {
			reportAll(WriteResult{})
			return nil, fmt.Errorf("%s %s was not sent: %w", k.method, k.displayPath(), err)
		}
		reporters = append(reporters, report)
	}
	return reportAll, nil
}

type operationsKey struct{}

// onBehalfOf returns a context whose writes belong to several operations, each given by its context.
func onBehalfOf(ctx context.Context, operations []context.Context) context.Context {
	return context.WithValue(ctx, operationsKey{}, operations)
}

func operationsOf(ctx context.Context) []context.Context {
	if operations, ok := ctx.Value(operationsKey{}).([]context.Context); ok {
		return operations
	}
	return []context.Context{ctx}
}

// writeResult is the result to report for an attempt. Unless it is known that the request was not sent, it may have been
// carried out.
func (a attemptResult) writeResult(out outcome) WriteResult {
	switch {
	case a.status != 0:
		return WriteResult{Status: a.status, RequestID: a.requestID}
	case out == unsent || out == refused: // refused without a status: its context ended before it was sent
		return WriteResult{}
	}
	return WriteResult{Lost: true}
}
