// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package heroku

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
)

const (
	wholeRange = "id ..; max=1000" // the largest page that Heroku serves
	maxPages   = 200
)

// list reads all pages of a list, each object once (Platform API reference, pagination: 206 and Next-Range).
// A list that brings nothing new, or does not end, is refused: half a list must not pass for the whole.
func list[T any](ctx context.Context, c *Client, k call, decode func([]byte) ([]T, error), id func(T) string) ([]T, error) {
	return listWithin(ctx, c, k, decode, id, maxPages)
}

// index is a list by id, which may take so many requests at most; else its error is a *longList.
func index[ID ~string, T any](ctx context.Context, c *Client, k call, decode func([]byte) ([]T, error), id func(T) ID, most int) (map[ID]T, error) {
	all, err := listWithin(ctx, c, k, decode, func(item T) string { return string(id(item)) }, most)
	if err != nil {
		return nil, err
	}
	byID := make(map[ID]T, len(all))
	for _, item := range all {
		byID[id(item)] = item
	}
	return byID, nil
}

func listWithin[T any](ctx context.Context, c *Client, k call, decode func([]byte) ([]T, error), id func(T) string, most int) ([]T, error) {
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
		if before == 0 {
			if pages := pagesAfter(id(all[len(all)-1])); pages > most {
				return nil, &longList{pages}
			}
		}
	}
	return nil, &BodyError{
		Method: k.method, Path: k.where(), Status: http.StatusPartialContent, Tries: 1,
		Reason: "the pages of the list do not come to an end",
	}
}

// longList gives a list up after its first page, because reading what is wanted by itself takes fewer requests.
type longList struct{ pages int }

func (l *longList) Error() string { return fmt.Sprintf("the list has about %d pages", l.pages) }

// pagesAfter estimates how many pages a list has whose first one ends with this id. Ids are random and lists are in
// their order, so that a page that reaches a tenth of the way is one of ten.
func pagesAfter(id string) int {
	if len(id) < 4 {
		return 1
	}
	reached, err := strconv.ParseUint(id[:4], 16, 16)
	if err != nil {
		return 1
	}
	return int((1<<16 + reached) / (reached + 1))
}

// listUnusable tells errors that concern the list only from those that every other request would meet as well.
func listUnusable(err error) bool {
	var body *BodyError
	var long *longList
	if errors.As(err, &body) {
		return body.Status < 300
	}
	if errors.As(err, &long) {
		return true
	}
	var e *Error
	return errors.As(err, &e) && (e.Status == 403 || e.Status == 404 || e.Status == 416)
}
