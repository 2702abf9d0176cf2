// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package heroku

import (
	"cmp"
	"context"
	"iter"
	"maps"
	"net/http"
	"slices"
	"strings"
)

const (
	wholeRange = "id ..; max=" + largestPage
	earlyRange = "id ..; max=" + earlyPage
	maxPages   = 200

	largestPage = "1000" // Heroku's maximum
	earlyPage   = "200"  // a small first page, for a list whose results are shown as they arrive; the next pages are largestPage
)

// pages yields a list page by page, each object once (Platform API reference, pagination: 206 and Next-Range). An error is the
// last thing that it yields. A page without new objects that is not the last one is an error, as are more than maxPages: a
// part of a list must not pass for the whole.
func pages[T any](
	ctx context.Context, c *Client, k call, first string, decode func([]byte) ([]T, error), id func(T) string,
) iter.Seq2[[]T, error] {
	return func(yield func([]T, error) bool) {
		seen := make(map[string]bool)
		next := first
		for range maxPages {
			page, r, err := exchange(ctx, c, k.withHeader("Range", next), decode)
			if err != nil {
				yield(nil, err)
				return
			}
			page = slices.DeleteFunc(page, func(item T) bool {
				known := seen[id(item)]
				seen[id(item)] = true
				return known
			})
			if !yield(page, nil) || r.status != http.StatusPartialContent {
				return
			}
			next = strings.Replace(r.header.Get("Next-Range"), "max="+earlyPage, "max="+largestPage, 1)
			if next == "" || len(page) == 0 {
				break
			}
		}
		yield(nil, &BodyError{
			Method: k.method, Path: k.displayPath(), Status: http.StatusPartialContent, Tries: 1,
			Reason: "the pages of the list do not come to an end",
		})
	}
}

// list reads all pages of a list.
func list[T any](ctx context.Context, c *Client, k call, decode func([]byte) ([]T, error), id func(T) string) ([]T, error) {
	var all []T
	for page, err := range pages(ctx, c, k, wholeRange, decode, id) {
		if err != nil {
			return nil, err
		}
		all = append(all, page...)
	}
	return all, nil
}

// index reads all pages of a list into a map by id.
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

// streamList yields the pages of a list as they arrive. A list that the batch has cached is yielded as one page, and a list that
// was read to its end is cached there.
func streamList[ID ~string, T any](
	ctx context.Context, b *batch[ID, T], k call, decode func([]byte) ([]T, error), id func(T) ID,
) iter.Seq2[[]T, error] {
	return func(yield func([]T, error) bool) {
		if cached := b.cache.values(); cached != nil {
			yield(cached, nil)
			return
		}
		requestedAt, all := b.client.now(), make(map[ID]T)
		for page, err := range pages(ctx, b.client, k, earlyRange, decode, func(item T) string { return string(id(item)) }) {
			if !yield(page, err) || err != nil {
				return
			}
			for _, item := range page {
				all[id(item)] = item
			}
		}
		b.cache.replace(all, requestedAt)
	}
}

// sortedValues returns the values of a map in the order of its keys.
func sortedValues[K cmp.Ordered, V any](all map[K]V) []V {
	values := make([]V, 0, len(all))
	for _, key := range slices.Sorted(maps.Keys(all)) {
		values = append(values, all[key])
	}
	return values
}

// AppPages yields all apps that the account can see, page by page and sorted by id.
func (c *Client) AppPages(ctx context.Context) iter.Seq2[[]App, error] {
	return streamList(ctx, c.apps, c.get("apps"), decodeMany[wireApp], appID)
}

// AddOnPages is [Client.AppPages] for add-ons, of any service.
func (c *Client) AddOnPages(ctx context.Context) iter.Seq2[[]AddOn, error] {
	return streamList(ctx, c.addOns, c.get("addons"), decodeMany[wireAddOn], addOnID)
}

// AttachmentPages is [Client.AppPages] for attachments.
func (c *Client) AttachmentPages(ctx context.Context) iter.Seq2[[]Attachment, error] {
	return streamList(ctx, c.attachments, withInclusions(c.get("addon-attachments")), decodeMany[wireAttachment],
		func(a Attachment) AttachmentID { return a.ID })
}

// SpacePages is [Client.AppPages] for spaces.
func (c *Client) SpacePages(ctx context.Context) iter.Seq2[[]Space, error] {
	return streamList(ctx, c.spaces, c.get("spaces"), decodeMany[wireSpace], spaceID)
}
