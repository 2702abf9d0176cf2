// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// The page that shows the results, and its picture, in docs/ and in what make generate makes that of.
const (
	page    = "guides/performance.md"
	picture = "images/performance-%s.svg"
)

var homes = []string{"templates", "docs"}

// publish puts the table of this run where the page has that of the same CLI, and draws its picture.
func (b *bench) publish(root string) error {
	cli := strings.ToLower(b.name)
	text := fmt.Sprintf("%s %s, %d stores on %d apps, every request takes %v, `-parallelism=%d`:\n\n%s",
		b.name, b.version, b.stores, b.apps, b.latency, b.parallelism, markdown(b.rows))
	drawing, err := plot(b.growth, b.name)
	if err != nil {
		return err
	}
	for _, home := range homes {
		if err := put(filepath.Join(root, home), cli, text, drawing); err != nil {
			return err
		}
	}
	return nil
}

func put(home, cli, text string, drawing []byte) error {
	file := filepath.Join(home, page)
	content, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	replaced, err := between(string(content), cli, text)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	svg := filepath.Join(home, fmt.Sprintf(picture, cli))
	return errors.Join(
		os.MkdirAll(filepath.Dir(svg), 0o755),
		os.WriteFile(svg, drawing, 0o644),           //nolint:gosec // for everybody
		os.WriteFile(file, []byte(replaced), 0o644), //nolint:gosec // for everybody
	)
}

// between replaces what stands between the marks of a CLI.
func between(page, cli, text string) (string, error) {
	begin, end := "<!-- make bench: "+cli+" -->\n", "<!-- end of "+cli+" -->\n"
	head, rest, ok := strings.Cut(page, begin)
	_, tail, closed := strings.Cut(rest, end)
	if !ok || !closed {
		return "", fmt.Errorf("there is no place for the results of %s", cli)
	}
	return head + begin + "\n" + text + "\n" + end + tail, nil
}
