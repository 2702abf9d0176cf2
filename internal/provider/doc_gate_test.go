// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"go/ast"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// changing are the client's methods that destroy, detach, overwrite or order something.
var changing = regexp.MustCompile(`^(Change|Create|Delete|Update|Set|Transfer|Rename|Scale|Run|Upgrade|Rotate|Reset|Schedule)`)

// changes are the places that change something at Heroku, as "function Method". A method that is passed on counts as well.
func changes(files []source) (found []string) {
	for _, s := range files {
		for _, declaration := range s.tree.Decls {
			in, ok := declaration.(*ast.FuncDecl)
			if !ok {
				continue
			}
			ast.Inspect(in, func(n ast.Node) bool {
				method, ok := n.(*ast.SelectorExpr)
				if !ok || !changing.MatchString(method.Sel.Name) {
					return true
				}
				of, ok := method.X.(*ast.SelectorExpr)
				if ok && of.Sel.Name == "client" {
					found = append(found, receiver(in)+in.Name.Name+" "+method.Sel.Name)
				}
				return true
			})
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// receiver is the type of a method, with a dot behind it.
func receiver(f *ast.FuncDecl) string {
	if f.Recv == nil {
		return ""
	}
	of := f.Recv.List[0].Type
	if pointer, ok := of.(*ast.StarExpr); ok {
		of = pointer.X
	}
	if name, ok := of.(*ast.Ident); ok {
		return name.Name + "."
	}
	return ""
}

var documented = regexp.MustCompile(`(?m)^//\t([\w.]+) +([A-Z]\w+) {2,}\S`)

// Whatever changes something at Heroku says in the package documentation on which proof it does.
func TestSource_everyChangeIsDocumentedWithItsProof(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	var listed []string
	for _, row := range documented.FindAllStringSubmatch(string(text), -1) {
		listed = append(listed, row[1]+" "+row[2])
	}
	found := changes(sources(t, false, "provider", "replacement"))
	for _, change := range found {
		if !slices.Contains(listed, change) {
			t.Errorf("doc.go does not say on which proof %s", strings.Replace(change, " ", " calls ", 1))
		}
	}
	for _, row := range listed {
		if !slices.Contains(found, row) {
			t.Errorf("doc.go lists %q, which is not in the source", row)
		}
	}
	broken := parsed(t, "x.go", "package x\nfunc (r *a) f() { r.client.DeleteAddOn(); g(r.client.SetTrustedRanges); "+
		"r.client.App(); r.other.DeleteAddOn() }")
	if found := changes([]source{broken}); !slices.Equal(found, []string{"a.f DeleteAddOn", "a.f SetTrustedRanges"}) {
		t.Errorf("this rule sees %v", found)
	}
}
