// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package heroku

import (
	"context"
	"net/http"
)

const (
	wholeRange = "id ..; max=1000" // the largest page that Heroku serves
	maxPages   = 200
)

// list reads all pages of a list, each object once (Platform API reference, pagination: 206 and Next-Range).
// A list that brings nothing new, or does not end, is refused: half a list must not pass for the whole.
func list[T any](ctx context.Context, c *Client, k call, decode func([]byte) ([]T, error), id func(T) string) ([]T, error) {
	var all []T
	seen := make(map[string]bool)
	next := wholeRange
	for range maxPages {
		page, r, err := exchange(ctx, c, k.withHeader("Range", next), decode)
		if err != nil {
			return nil, err
		}
		before := len(all)
		for _, item := range page {
			if !seen[id(item)] {
				seen[id(item)] = true
				all = append(all, item)
			}
		}
		if r.status != http.StatusPartialContent {
			return all, nil
		}
		next = r.header.Get("Next-Range")
		if next == "" || len(all) == before {
			break
		}
	}
	return nil, &BodyError{
		Method: k.method, Path: k.where(), Status: http.StatusPartialContent, Tries: 1,
		Reason: "the pages of the list do not come to an end",
	}
}

// index is a list by id.
func index[ID ~string, T any](ctx context.Context, c *Client, k call, decode func([]byte) ([]T, error), id func(T) ID) (map[ID]T, error) {
	all, err := list(ctx, c, k, decode, func(item T) string { return string(id(item)) })
	if err != nil {
		return nil, err
	}
	byID := make(map[ID]T, len(all))
	for _, item := range all {
		byID[id(item)] = item
	}
	return byID, nil
}
